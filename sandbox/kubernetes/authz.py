"""Who may do what: access entries of the EKS cluster, and the verbs their access policies give."""
from __future__ import annotations

import fnmatch
from typing import Any

from .authn import ANONYMOUS, Identity, User
from .status import Refusal, qualified

MASTERS = "system:masters"
READ = frozenset({"get", "list", "watch"})
OPEN_PATHS = ("/healthz", "/livez", "/readyz", "/version")
# policy -> (verbs, kinds nobody gets through it, whether kinds without a namespace can be written)
POLICIES: dict[str, tuple[frozenset[str] | None, frozenset[str], bool]] = {
    "AmazonEKSClusterAdminPolicy": (None, frozenset(), True),
    "AmazonEKSAdminPolicy": (None, frozenset(), False),
    "AmazonEKSEditPolicy": (None, frozenset(), False),
    "AmazonEKSViewPolicy": (READ, frozenset({"secrets"}), False),
    "AmazonEKSAdminViewPolicy": (READ, frozenset(), False),
}


def user_of(identity: Identity, entry: dict[str, Any] | None) -> User | None:
    """The Kubernetes user behind an access entry {"username"?, "groups"?, "policies"?}; None without an entry."""
    if entry is None:
        return None
    name = entry.get("username") or _default_name(identity)
    name = name.replace("{{SessionName}}", identity.session).replace("{{SessionNameRaw}}", identity.session)
    groups = (*entry.get("groups", ()), "system:authenticated")
    return User(name, groups, identity.account, identity.principal, tuple(entry.get("policies", ())))


def _default_name(identity: Identity) -> str:
    return identity.arn


def allowed(user: User, verb: str, group: str, plural: str, namespace: str, *, namespaced: bool) -> bool:
    """Whether one of the user's access policies gives the verb."""
    if user.wears(MASTERS):
        return True
    if plural == "selfsubjectaccessreviews":
        return user is not ANONYMOUS
    return any(_gives(policy, verb, plural, namespace, namespaced) for policy in user.policies)


def _gives(policy: dict[str, Any], verb: str, plural: str, namespace: str, namespaced: bool) -> bool:
    known = POLICIES.get(str(policy.get("policyArn", "")).rpartition("/")[2])
    if known is None:
        return False
    verbs, hidden, everywhere = known
    scope = policy.get("accessScope", {})
    if scope.get("type") == "namespace":
        if not namespace or not any(fnmatch.fnmatchcase(namespace, pattern) for pattern in scope.get("namespaces", [])):
            return False
    kind = plural.partition("/")[0]
    if kind in hidden or (verbs is not None and verb not in verbs):
        return False
    return namespaced or everywhere or verb in READ


def may_read_path(user: User, path: str) -> bool:
    """Discovery is for everybody who is somebody; health and version for all."""
    return user is not ANONYMOUS or path.rstrip("/") in OPEN_PATHS


def forbidden(user: User, verb: str, group: str, plural: str, namespace: str, name: str) -> Refusal:
    whole = qualified(plural.partition("/")[0], group)
    where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
    subject = f'{whole} "{name}"' if name else whole
    message = (f'{subject} is forbidden: User "{user.name}" cannot {verb} resource "{plural}" in API group "{group}"{where}')
    details = {key: value for key, value in (("name", name), ("group", group), ("kind", plural.partition("/")[0])) if value}
    return Refusal(403, message, details=details)


def forbidden_path(user: User, verb: str, path: str) -> Refusal:
    return Refusal(403, f'forbidden: User "{user.name}" cannot {verb} path "{path}"')
