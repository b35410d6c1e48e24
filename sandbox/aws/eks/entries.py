"""Access entries as things: what they hold, which ones EKS makes itself, and whom the authenticator sees in a principal."""
from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from . import roles
from .state import Document, Thing

if TYPE_CHECKING:
    from .clusters import Cluster

NODES = {"EC2_LINUX": ["system:nodes"], "EC2_WINDOWS": ["system:nodes", "eks:kube-proxy-windows"],
         "FARGATE_LINUX": ["system:node-proxier"], "HYBRID_LINUX": ["system:nodes"], "EC2": []}
NODE_NAME = "system:node:{{EC2PrivateDNSName}}"


class Entry(Thing):
    """One principal's way into a cluster. It remembers the principal's hidden id, not only its name."""

    def __init__(self, cluster: Cluster, principal: str, request: Document, kind: str = "STANDARD") -> None:
        now = cluster.world.clock.now()
        super().__init__(cluster.world, {
            "clusterName": cluster.name, "principalArn": principal, "type": kind, "createdAt": now, "modifiedAt": now,
            "kubernetesGroups": list(NODES.get(kind, request.get("kubernetesGroups", []))),
            "username": request.get("username") or (_username(principal) if kind == "STANDARD" else NODE_NAME),
            "accessEntryArn": _arn(cluster, principal), "tags": request.get("tags", {})}, request)
        self.hidden_id = roles.hidden_id(principal)
        self.policies: dict[str, Document] = {}

    def associate(self, policy: str, scope: Document) -> Document:
        now = self.world.clock.now()
        made = self.policies.get(policy, {}).get("associatedAt", now)
        self.policies[policy] = {"policyArn": policy, "accessScope": scope, "associatedAt": made, "modifiedAt": now}
        return self.policies[policy]


def _arn(cluster: Cluster, principal: str) -> str:
    _, _, _, _, account, resource = principal.split(":", 5)
    kind, _, name = resource.partition("/")
    return (f"arn:{cluster.partition}:eks:{cluster.region}:{cluster.account}:access-entry/{cluster.name}/{kind}/{account}/"
            f"{name.rpartition('/')[2]}/{uuid.uuid4()}")


def _username(principal: str) -> str:
    """What the authenticator calls a principal whose entry names no user."""
    if ":role/" not in principal:
        return principal
    head, _, name = principal.replace(":iam:", ":sts:").partition(":role/")
    return f"{head}:assumed-role/{name.rpartition('/')[2]}/{{{{SessionName}}}}"


def policy_arn(partition: str, name: str) -> str:
    return f"arn:{partition}:eks::aws:cluster-access-policy/{name}"


def bootstrap(cluster: Cluster) -> None:
    """The entries EKS makes itself once there is an API for them: the creator's and that of its own role."""
    if cluster.mode == "CONFIG_MAP":
        return
    own = f"arn:{cluster.partition}:iam::{cluster.account}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
    given = {own: ["AmazonEKSClusterInsightsPolicy", "AmazonEKSEventPolicy"]}
    if cluster.creator_is_admin:
        given[cluster.creator] = ["AmazonEKSClusterAdminPolicy"]
    for principal, policies in given.items():
        entry = cluster.entries.setdefault(principal, Entry(cluster, principal, {}))
        for name in policies:
            entry.associate(policy_arn(cluster.partition, name), {"type": "cluster", "namespaces": []})


def admit_nodes(cluster: Cluster, role: str) -> None:
    """The entry a managed node group's role gets."""
    if cluster.mode != "CONFIG_MAP" and role not in cluster.entries:
        cluster.entries[role] = Entry(cluster, role, {}, "EC2_LINUX")


def dismiss_nodes(cluster: Cluster, role: str) -> None:
    """The last group with this role is gone."""
    entry = cluster.entries.get(role)
    if entry and entry.document["type"] == "EC2_LINUX" and not entry.request:
        del cluster.entries[role]


def identity(cluster: Cluster, principal: str) -> Document | None:
    """Whom the cluster's authenticator sees in an IAM principal, an assumed role's ARN included; None = nobody."""
    role = roles.canonical(principal)
    entry = cluster.entries.get(role)
    if entry and cluster.mode != "CONFIG_MAP":
        if entry.hidden_id != roles.hidden_id(role):
            return None  # the name is the same, the principal is not
        username = entry.document["username"].replace("{{SessionName}}", roles.session(principal) or "{{SessionName}}")
        return {"username": username.replace("{{AccountID}}", cluster.account), "groups": list(entry.document["kubernetesGroups"]),
                "policies": [{"policyArn": row["policyArn"], "accessScope": row["accessScope"]} for row in entry.policies.values()]}
    if cluster.mode == "CONFIG_MAP" and cluster.creator_is_admin and role == cluster.creator:
        return {"username": "kubernetes-admin", "groups": ["system:masters"], "policies": []}
    return None
