"""The critical path: how soon the platform could be there if nothing ever waited but for what it needs.

    start(r)  = the latest ready() of what r needs; 0 for what needs nothing
    ready(r)  = start(r) + calls(r) x one call + settling(r) + one look that sees it settled
    one call  = the injected latency + the mean time that the sandbox itself needs for a write

calls(r) is what the daemon counted for r's own create, one call after another. Settling is the sandbox's duration divided by its
time scale. What any tool could do without on an empty account (the looks before the first write, looks in between) is not in it.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Any

LIFE = {
    "aws_eks_cluster": "eks.cluster.create", "aws_eks_node_group": "eks.nodegroup.create", "aws_eks_addon": "eks.addon.create",
    "aws_db_instance": "rds.instance.create", "aws_nat_gateway": "ec2.nat-gateway.create",
    "aws_sagemaker_domain": "sagemaker.domain.create", "aws_sagemaker_user_profile": "sagemaker.profile.create",
    "aws_lambda_function": "lambda.function.create",
    "kubernetes_manifest/Service": "kubernetes.service.load-balancer", "kubernetes_manifest/Deployment": "kubernetes.deployment.rollout",
}
ROLLOUT, NODES = "kubernetes_manifest/Deployment", "aws_eks_node_group"  # pods wait for nodes, although no field refers to them


@dataclass
class Step:
    """One resource on the way, in seconds since the beginning."""

    address: str
    start: float
    calls: int
    calling: float
    settling: float
    ready: float
    after: str | None = None  # what it waited for last
    begun: float | None = None  # when the daemon really started it


@dataclass
class Graph:
    """What is known of the platform and of its times."""

    needs: dict[str, list[str]]
    kinds: dict[str, str]  # by address; of manifests with the object's kind
    calls: dict[str, int]
    call_s: dict[str, float]  # by server: aws, github, kubernetes
    durations: dict[str, float]
    time_scale: float

    def server(self, address: str) -> str:
        first = address.partition("_")[0]
        return first if first in self.call_s else "aws"

    def settling(self, address: str) -> float:
        name = LIFE.get(self.kinds[address])
        return self.durations[name] / self.time_scale if name else 0.0

    def settles_after(self, address: str) -> list[str]:
        return [other for other, kind in self.kinds.items() if kind == NODES] if self.kinds[address] == ROLLOUT else []

    def not_counted(self) -> list[str]:
        """Durations of the sandbox that no kind here takes: the path may be longer than it says."""
        return sorted(name for name in self.durations if name.endswith((".create", ".load-balancer", ".rollout"))
                      and name not in LIFE.values())


def call_seconds(log: list[dict[str, Any]], latency_ms: float) -> dict[str, float]:
    """By server: the latency and the mean time inside the simulated service of a write."""
    servers = {record["server"] for record in log}
    inside = {server: [r["ms"] for r in log if r["server"] == server and r["write"]] for server in servers}
    return {server: (latency_ms + (mean(times) if times else 0)) / 1000 for server, times in inside.items()}


def steps(graph: Graph) -> dict[str, Step]:
    """Each resource with its earliest times."""
    done: dict[str, Step] = {}

    def latest(addresses: list[str]) -> tuple[float, str | None]:
        return max(((step(address).ready, address) for address in addresses), default=(0.0, None))

    def step(address: str) -> Step:
        if address not in done:
            start, after = latest(graph.needs[address])
            one = graph.call_s[graph.server(address)]
            count = graph.calls.get(address, 0)
            settling = graph.settling(address)
            begins = start + count * one
            other, whom = latest(graph.settles_after(address))
            if other > begins:
                begins, after = other, whom
            done[address] = Step(address, start, count, count * one, settling, begins + settling + (one if settling else 0), after)
        return done[address]

    for address in graph.needs:
        step(address)
    return done


def critical_path(graph: Graph, begun: Mapping[str, float]) -> list[Step]:
    """The chain that ends last, first link first."""
    all_steps = steps(graph)
    last: str | None = max(all_steps, key=lambda address: all_steps[address].ready)
    chain: list[Step] = []
    while last:
        link = all_steps[last]
        link.begun = begun.get(last)
        chain.insert(0, link)
        last = link.after
    return chain
