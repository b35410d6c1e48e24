"""Puts the repairs of all services in place; a new service is one import and one line here."""
from __future__ import annotations

from collections.abc import Callable

from ..httpd import Request, Response
from ..world import World
from .functions import Functions
from .moto_app import MotoApp
from .names import Call

Front = Callable[[Request, Call], "Response | None"]
# Checks and answers that come before moto: service -> function.
FRONTS: dict[str, Front] = {}


def install(world: World, moto: MotoApp, functions: Functions) -> None:
    """Once per process, before the first request."""
    from . import (awslambda, delivery, ec2, eks, events, iam, model_packages, rds, s3, sagemaker, sagemaker_domains, secretsmanager,
                   sts, tagging)

    sts.install(world)
    ec2.install(world)
    iam.install()
    s3.install()
    events.install()
    delivery.install(world, functions)
    awslambda.install(world)
    sagemaker.install()
    sagemaker_domains.install(world)
    model_packages.install(world)
    secretsmanager.install()
    rds.install(world)
    tagging.install(moto)
    FRONTS["s3"] = s3.front
    FRONTS["eks"] = eks.install(world)


def front(request: Request, call: Call) -> Response | None:
    """What AWS says where moto would say nothing; None = ask moto."""
    check = FRONTS.get(call.service)
    return check(request, call) if check else None
