"""One EKS cluster as its API server sees it: objects, and what goes on behind them."""
from __future__ import annotations

from typing import Any

from ..world import World
from .access import Facts
from .resources import BY_KIND
from .store import Document, Store

BORN_WITH = ("default", "kube-node-lease", "kube-public", "kube-system")


class Cluster:
    """`settle()` brings everything to where it would be by now; call it before looking, holding `store.changed`."""

    def __init__(self, world: World, name: str, region: str, account: str, authority: bytes) -> None:
        self.world, self.name, self.region, self.account, self.authority = world, name, region, account, authority
        self.store = Store()
        self.runtime: dict[str, Any] = {}  # by uid: what the controllers remember of an object
        self.balancers: dict[str, Any] = {}  # by uid of the Service
        self.endpoint = ""
        self.closed = False
        self.bare_nodes: bool | None = None  # set by the control URL: nodes without an EKS node group
        self.facts = Facts()
        with self.store.changed:
            for namespace in BORN_WITH:
                self.put("Namespace", {"apiVersion": "v1", "kind": "Namespace", "spec": {"finalizers": ["kubernetes"]},
                                       "status": {"phase": "Active"},
                                       "metadata": {"name": namespace, "labels": {"kubernetes.io/metadata.name": namespace}}})
            self.settle()

    @property
    def now(self) -> str:
        return self.world.clock.stamp()

    def put(self, kind: str, document: Document) -> Document:
        """Store what a controller made."""
        return self.store.put(BY_KIND[kind], document, self.now)

    def settle(self) -> None:
        from .controllers import run

        if not self.closed:
            run(self)

    def close(self) -> None:
        """The cluster is gone: nothing answers any more. Takes no lock; callers may hold others."""
        self.closed = True
        for balancer in list(self.balancers.values()):
            balancer.close()
