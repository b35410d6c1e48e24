"""The operations on access entries and their policies."""
from __future__ import annotations

from . import roles
from .clusters import Cluster, find
from .entries import NODES, Entry, policy_arn
from .state import Ask, Document, in_use, invalid_parameter, invalid_request, not_found, operation

POLICIES = ("AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSAutoNodePolicy", "AmazonEKSClusterAdminPolicy",
            "AmazonEKSClusterInsightsPolicy", "AmazonEKSEditPolicy", "AmazonEKSEventPolicy", "AmazonEKSViewPolicy",
            "AmazonSagemakerHyperpodClusterPolicy", "AmazonSagemakerHyperpodControllerPolicy")
RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")


def _cluster(ask: Ask) -> Cluster:
    """The cluster, in a mode that has entries."""
    cluster = find(ask)
    if cluster.mode == "CONFIG_MAP":
        raise invalid_request("The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
                              "operation.", clusterName=cluster.name)
    if cluster.status in ("CREATING", "DELETING"):
        raise invalid_request(f"Cluster '{cluster.name}' is not in ACTIVE status", clusterName=cluster.name)
    return cluster


def _entry(ask: Ask, cluster: Cluster) -> Entry:
    principal = ask.labels["principalArn"]
    if principal not in cluster.entries:
        raise not_found("The specified principalArn could not be found. You can view your available access entries with "
                        f"'list-access-entries': {principal}", clusterName=cluster.name)
    return cluster.entries[principal]


def _check_groups(groups: list[str]) -> None:
    reserved = next((group for group in groups if group.startswith(RESERVED)), None)
    if reserved:
        raise invalid_parameter(f"The kubernetes group name {reserved} is invalid, it cannot start with {', '.join(RESERVED)}")


@operation("CreateAccessEntry")
def create(ask: Ask) -> Document:
    cluster = _cluster(ask)
    ask.need("principalArn")
    known = ask.repeated(cluster.entries)
    if known:
        return {"accessEntry": known.document}
    principal, kind, groups = ask.body["principalArn"], ask.body.get("type", "STANDARD"), ask.body.get("kubernetesGroups", [])
    if principal in cluster.entries:
        raise in_use("The specified access entry resource is already in use on this cluster.", clusterName=cluster.name)
    if not roles.hidden_id(principal):
        raise invalid_parameter("The specified principalArn is invalid: invalid principal.", clusterName=cluster.name)
    if kind != "STANDARD" and kind not in NODES:
        raise invalid_parameter(f"The specified type {kind} is invalid.", clusterName=cluster.name)
    if kind != "STANDARD" and (groups or ask.body.get("username")):
        raise invalid_parameter(f"An access entry of type {kind} can't have kubernetesGroups or username.", clusterName=cluster.name)
    _check_groups(groups)
    entry = cluster.entries[principal] = Entry(cluster, principal, ask.body, kind)
    return {"accessEntry": entry.document}


@operation("DescribeAccessEntry")
def describe(ask: Ask) -> Document:
    return {"accessEntry": _entry(ask, _cluster(ask)).document}


@operation("ListAccessEntries")
def list_all(ask: Ask) -> Document:
    policy = ask.query.get("associatedPolicyArn")
    return ask.page("accessEntries", sorted(principal for principal, entry in _cluster(ask).entries.items()
                                            if not policy or policy in entry.policies))


@operation("UpdateAccessEntry")
def update(ask: Ask) -> Document:
    entry = _entry(ask, _cluster(ask))
    if entry.document["type"] != "STANDARD":
        raise invalid_parameter(f"An access entry of type {entry.document['type']} can't be updated.")
    _check_groups(ask.body.get("kubernetesGroups") or [])
    entry.document |= {name: ask.body[name] for name in ("kubernetesGroups", "username") if ask.body.get(name) is not None}
    entry.document["modifiedAt"] = ask.world.clock.now()
    return {"accessEntry": entry.document}


@operation("DeleteAccessEntry")
def delete(ask: Ask) -> Document:
    cluster = _cluster(ask)
    del cluster.entries[_entry(ask, cluster).document["principalArn"]]
    return {}


@operation("AssociateAccessPolicy")
def associate(ask: Ask) -> Document:
    cluster = _cluster(ask)
    entry = _entry(ask, cluster)
    ask.need("policyArn", "accessScope")
    policy, scope = ask.body["policyArn"], ask.body["accessScope"]
    if entry.document["type"] != "STANDARD":
        raise invalid_request(f"Access policies can't be associated with an access entry of type {entry.document['type']}.")
    if policy not in [policy_arn(ask.partition, name) for name in POLICIES]:
        raise invalid_parameter(f"The policyArn parameter format is not valid: {policy}")
    if scope.get("type") not in ("cluster", "namespace"):
        raise invalid_parameter("The accessScope type must be one of [cluster, namespace].")
    if (scope["type"] == "namespace") != bool(scope.get("namespaces")):
        raise invalid_parameter("The accessScope namespaces must be given for type namespace, and only then.")
    made = entry.associate(policy, {"type": scope["type"], "namespaces": scope.get("namespaces", [])})
    return {"clusterName": cluster.name, "principalArn": entry.document["principalArn"], "associatedAccessPolicy": made}


@operation("DisassociateAccessPolicy")
def disassociate(ask: Ask) -> Document:
    entry = _entry(ask, _cluster(ask))
    if entry.policies.pop(ask.labels["policyArn"], None) is None:
        raise not_found(f"The policy {ask.labels['policyArn']} is not associated with this access entry.")
    return {}


@operation("ListAssociatedAccessPolicies")
def list_associated(ask: Ask) -> Document:
    entry = _entry(ask, _cluster(ask))
    rows = [entry.policies[policy] for policy in sorted(entry.policies)]
    return {"clusterName": ask.labels["name"], "principalArn": ask.labels["principalArn"]} | ask.page("associatedAccessPolicies", rows)


@operation("ListAccessPolicies")
def list_policies(ask: Ask) -> Document:
    return ask.page("accessPolicies", [{"name": name, "arn": policy_arn(ask.partition, name)}
                                       for name in POLICIES])
