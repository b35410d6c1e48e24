"""What the cluster asks of EKS, RDS and Secrets Manager: access entries, nodes, databases. Everything here takes moto's lock, never ours."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import authz, decode, schema
from .authn import Identity
from .call import Call
from .status import Refusal

if TYPE_CHECKING:
    from .cluster import Cluster


@dataclass
class Facts:
    """What the controllers go by."""

    nodes: bool = True


def entry_of(cluster: "Cluster", identity: Identity) -> dict[str, Any] | None:
    """The caller's access entry {"username"?, "groups"?, "policies"?}; None when the cluster does not know him."""
    if cluster.bare_nodes is not None:  # opened by the control URL: everybody of the account is admin
        return {"groups": [authz.MASTERS]} if identity.account == cluster.account else None
    from ..aws import eks

    found: dict[str, Any] | None = eks.access_of(cluster.account, cluster.region, cluster.name, identity.principal)
    return found


def facts(cluster: "Cluster") -> Facts:
    if cluster.bare_nodes is not None:
        return Facts(cluster.bare_nodes)
    from ..aws.eks import clusters
    from ..aws.moto_app import LOCK

    with LOCK:
        found = clusters.store(cluster.account, cluster.region).get(cluster.name)
        return Facts(found is not None and found.has_nodes())


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
        raise Refusal(422, 'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: "null": exactly '
                           "one of nonResourceAttributes or resourceAttributes must be specified")
    status = {"allowed": good} if good else {"allowed": False, "reason": "no access policy gives this"}
    return {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {"creationTimestamp": None}, "spec": spec,
            "status": status}
