"""What the cluster asks of EKS, RDS and Secrets Manager: access entries, nodes, databases.

Everything here takes moto's lock, so it is asked before ours is taken: what EKS does under its lock must never wait for us.
"""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import authz, decode, schema
from .authn import Identity
from .call import Call
from .status import Refusal

if TYPE_CHECKING:
    from .cluster import Cluster


OPEN_DATABASE = ("available", "backing-up", "modifying", "configuring-enhanced-monitoring", "storage-optimization")


@dataclass
class Facts:
    """What the controllers go by."""

    nodes: bool = True
    version: str = "1.33"
    databases: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)  # (address, user, password) of what is available


def entry_of(cluster: "Cluster", identity: Identity) -> dict[str, Any] | None:
    """The caller's access entry {"username"?, "groups"?, "policies"?}; None when the cluster does not know him."""
    if cluster.bare_nodes is not None:  # opened by the control URL: everybody of the account is admin
        return {"groups": [authz.MASTERS]} if identity.account == cluster.account else None
    from ..aws import eks

    found: dict[str, Any] | None = eks.access_of(cluster.account, cluster.region, cluster.name, identity.arn)
    return found


def facts(cluster: "Cluster") -> Facts:
    if cluster.bare_nodes is not None:
        return Facts(cluster.bare_nodes, databases=_databases(cluster))
    from ..aws.eks import clusters
    from ..aws.moto_app import LOCK

    with LOCK:
        found = clusters.store(cluster.account, cluster.region).get(cluster.name)
        if found is None:
            return Facts(nodes=False)
        return Facts(found.has_nodes(), found.document["version"], _databases(cluster))


def _databases(cluster: "Cluster") -> tuple[tuple[str, str, str], ...]:
    """RDS instances that would let somebody in."""
    from moto.rds.models import rds_backends

    from ..aws.moto_app import LOCK
    with LOCK:
        instances = list(rds_backends[cluster.account][cluster.region].databases.values())
        return tuple((str(item.address), str(item.master_username), _password(item)) for item in instances if item.status in OPEN_DATABASE)


def _password(instance: Any) -> str:
    """The master password, from the secret when RDS manages it."""
    managed = getattr(instance, "master_user_secret", None)
    if managed is None:
        return str(instance._master_user_password)  # moto keeps it, but does not show it
    shown = managed.secretsmanager.get_secret_value(managed.secret_arn, None, None)
    return str(json.loads(shown["SecretString"])["password"])


def review(call: Call) -> dict[str, Any]:
    """SelfSubjectAccessReview: may I?"""
    document, _ = decode.from_body(call.request.body, call.request.header("Content-Type"))
    unknown, wrong = schema.problems("@SelfSubjectAccessReview", document)
    if wrong or not isinstance(document, dict):
        raise Refusal(400, f"SelfSubjectAccessReview is wrong: {'; '.join(wrong)}")
    spec = document.get("spec", {})
    if "nonResourceAttributes" in spec:
        good = authz.may_read_path(call.user, spec["nonResourceAttributes"].get("path", ""))
    elif "resourceAttributes" in spec:
        wanted = spec["resourceAttributes"]
        plural = wanted.get("resource", "")
        plural += f"/{wanted['subresource']}" if wanted.get("subresource") else ""
        cluster_wide = plural in ("namespaces", "nodes", "persistentvolumes", "clusterroles", "clusterrolebindings")
        namespace = wanted.get("namespace") or (wanted.get("name", "") if plural == "namespaces" else "")
        good = authz.allowed(call.user, wanted.get("verb", ""), wanted.get("group", ""), plural, namespace, namespaced=not cluster_wide)
    else:
        raise Refusal(422, 'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: "null": '
                           "exactly one of nonResourceAttributes or resourceAttributes must be specified")
    status = {"allowed": good} if good else {"allowed": False, "reason": "no access policy gives this"}
    return {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {"creationTimestamp": None},
            "spec": spec, "status": status}
