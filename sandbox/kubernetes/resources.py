"""The served kinds, one table."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .status import qualified

READ = ("get", "list", "watch")
ALL = ("create", "delete", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One kind as the API serves it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def ref(self) -> str:
        """The kind's type in the schema table."""
        return f"@{self.kind}"

    @property
    def qualified(self) -> str:
        return qualified(self.plural, self.group)

    def path(self, namespace: str = "") -> str:
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"

    def discovery(self) -> list[dict[str, Any]]:
        """APIResource objects of the kind and of what is below it."""
        main: dict[str, Any] = {"name": self.plural, "singularName": self.kind.lower(), "namespaced": self.namespaced, "kind": self.kind,
                                "verbs": list(self.verbs)}
        if self.short:
            main["shortNames"] = list(self.short)
        if self.categories:
            main["categories"] = list(self.categories)
        below = []
        for name in self.subresources:
            scale = {"group": "autoscaling", "version": "v1", "kind": "Scale"} if name == "scale" else {"kind": self.kind}
            verbs = ["get"] if name == "log" else ["get", "patch", "update"]
            below.append({"name": f"{self.plural}/{name}", "singularName": "", "namespaced": self.namespaced, **scale, "verbs": verbs})
        return [main, *below]


_ALL = ("all",)
RESOURCES = (
    Resource("", "v1", "namespaces", "Namespace", False, ("ns",), subresources=("status",)),
    Resource("", "v1", "serviceaccounts", "ServiceAccount", True, ("sa",)),
    Resource("", "v1", "secrets", "Secret", True),
    Resource("", "v1", "configmaps", "ConfigMap", True, ("cm",)),
    Resource("", "v1", "services", "Service", True, ("svc",), subresources=("status",), categories=_ALL),
    Resource("", "v1", "pods", "Pod", True, ("po",), (*READ, "delete"), ("log", "status"), _ALL),
    Resource("", "v1", "events", "Event", True, ("ev",), READ),
    Resource("apps", "v1", "deployments", "Deployment", True, ("deploy",), subresources=("scale", "status"), categories=_ALL),
    Resource("apps", "v1", "replicasets", "ReplicaSet", True, ("rs",), (*READ, "delete"), ("status",), _ALL),
)
REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, verbs=("create",))
GROUPS = ("apps", "authorization.k8s.io")
BY_KIND = {resource.kind: resource for resource in RESOURCES}


def find(group: str, version: str, plural: str) -> Resource | None:
    wanted = (group, version, plural)
    return next((item for item in (*RESOURCES, REVIEWS) if (item.group, item.version, item.plural) == wanted), None)
