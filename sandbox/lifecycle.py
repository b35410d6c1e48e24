"""How long things take in this cloud, and states that pass by themselves.

A state is computed when somebody looks: no timer can touch a thing that was deleted or reset meanwhile. Durations are seconds
of the real services (published logs); `--time-scale` divides them. The control URL shows and changes them (`/durations`).
"""
from __future__ import annotations

import time

from .clock import Clock

DURATIONS: dict[str, float] = {
    "ec2.nat-gateway.create": 95.0, "ec2.nat-gateway.fail": 5.0, "ec2.nat-gateway.delete": 55.0,
    "eks.cluster.create": 583.0, "eks.cluster.update": 120.0, "eks.cluster.version": 600.0, "eks.cluster.delete": 130.0,
    "eks.nodegroup.create": 119.0, "eks.nodegroup.update": 20.0, "eks.nodegroup.version": 400.0, "eks.nodegroup.delete": 252.0,
    "eks.addon.create": 30.0, "eks.addon.update": 30.0, "eks.addon.delete": 15.0,
    "rds.instance.create": 400.0, "rds.instance.modify": 60.0, "rds.instance.delete": 255.0,
    "sagemaker.domain.create": 115.0, "sagemaker.domain.update": 10.0, "sagemaker.domain.delete": 30.0,
    "sagemaker.profile.create": 4.0, "sagemaker.profile.update": 2.0, "sagemaker.profile.delete": 4.0, "sagemaker.app.delete": 60.0,
    "lambda.function.create": 3.0, "lambda.function.update": 2.0, "lambda.function.retry": 60.0,
    "kubernetes.service.load-balancer": 60.0, "kubernetes.service.delete": 40.0, "kubernetes.deployment.rollout": 90.0,
    "kubernetes.namespace.delete": 6.0,
}


class Lifecycle:
    """Deadlines on the scaled clock. One per world."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.durations = dict(DURATIONS)

    def reset(self) -> None:
        self.durations = dict(DURATIONS)

    def seconds(self, what: str) -> float:
        """How long `what` takes here, in real seconds."""
        return self.durations[what] / self._clock.time_scale

    def after(self, what: str) -> float:
        """The moment when `what`, begun now, is over; compare with `reached()`."""
        return time.monotonic() + self.seconds(what)

    @staticmethod
    def reached(moment: float) -> bool:
        return time.monotonic() >= moment
