"""EKS, whole: moto has too little of it to be repaired, so every call is answered here.

clusters.py keeps the clusters; what hangs on them, their changes, access and tags have a file each, with their operations in one
table (state.OPERATIONS). Kubernetes' API server asks `cluster_of()` and `access_of()`, from its own threads.
"""
from __future__ import annotations

import copy
import json
import uuid
from typing import Any
from urllib.parse import parse_qs

from ...httpd import Request, Response
from ...world import World
from .. import ec2, names
from ..moto_app import LOCK
from . import access, addons, cluster_updates, clusters, entries, nodegroups, tags, versions  # noqa: F401 (they fill the table)
from .state import OPERATIONS, Ask, EksError


def install(world: World) -> Any:
    """Give the front of the service, and let EC2 know when clusters let go of their networks."""
    ec2.SETTLERS.append(lambda backend: clusters.store(backend.account_id, backend.region_name))

    def front(request: Request, call: names.Call) -> Response:
        return serve(world, request, call)

    return front


def serve(world: World, request: Request, call: names.Call) -> Response:
    """Answer one call; an operation without a function is a hole in the sandbox."""
    if call.operation == "ListFargateProfiles":
        return _answer(200, {"fargateProfileNames": []})
    if call.operation not in OPERATIONS:
        raise NotImplementedError
    try:
        body = json.loads(request.body) if request.body.strip() else {}
        if not isinstance(body, dict):
            raise ValueError
    except ValueError:
        return _error(EksError(400, "SerializationException", "The request body is not a JSON object."))
    try:
        return _answer(200, OPERATIONS[call.operation](Ask(world, call.account, call.region, call.access_key, call.labels,
                                                           parse_qs(request.raw_query, keep_blank_values=True), body)))
    except EksError as error:
        return _error(error)


def _answer(status: int, document: dict[str, Any]) -> Response:
    return Response(status, [("Content-Type", "application/json"), ("x-amzn-RequestId", str(uuid.uuid4()))], json.dumps(document).encode())


def _error(error: EksError) -> Response:
    response = _answer(error.status, error.names | {"message": error.message})
    response.set_header("x-amzn-ErrorType", error.code)
    return response


def cluster_of(account: str, region: str, name: str) -> dict[str, Any] | None:
    """What DescribeCluster shows, or None. Takes moto's lock: ask without holding one that `cluster_deleted()` takes."""
    with LOCK:
        cluster = clusters.store(account, region).get(name)
        return copy.deepcopy(cluster.document) if cluster else None


def access_of(account: str, region: str, cluster: str, principal_arn: str) -> dict[str, Any] | None:
    """Whom the cluster's authenticator sees in an IAM principal or assumed role: {"username", "groups", "policies"}, or None for nobody.

    A policy is {"policyArn", "accessScope": {"type", "namespaces"}}. Takes moto's lock, as above.
    """
    with LOCK:
        found = clusters.store(account, region).get(cluster)
        return copy.deepcopy(entries.identity(found, principal_arn)) if found else None
