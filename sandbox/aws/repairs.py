"""Puts the repairs of all services in place; a new service is one import and one line here."""
from __future__ import annotations

from collections.abc import Callable

from ..httpd import Request, Response
from ..world import World
from .moto_app import MotoApp
from .names import Call

Front = Callable[[Request, Call], "Response | None"]
# Checks and answers that come before moto: service -> function.
FRONTS: dict[str, Front] = {}


def install(world: World, moto: MotoApp) -> None:
    """Once per process, before the first request."""
    from . import awslambda, ec2, eks, events, iam, s3, sagemaker, sagemaker_domains, secretsmanager, sts, tagging

    sts.install(world)
    ec2.install(world)
    iam.install()
    s3.install()
    events.install()
    awslambda.install(world)
    sagemaker.install()
    sagemaker_domains.install(world)
    secretsmanager.install()
    tagging.install(moto)
    FRONTS["s3"] = s3.front
    FRONTS["eks"] = eks.install(world)


def front(request: Request, call: Call) -> Response | None:
    """What AWS says where moto would say nothing; None = ask moto."""
    check = FRONTS.get(call.service)
    return check(request, call) if check else None
