"""All clusters of this cloud: who has one, where it listens, and the certificate authority they share."""
from __future__ import annotations

import base64
import threading
from typing import Any

from ..control import Handler, Refused
from ..httpd import HttpServer, Request, Response
from ..world import DEFAULT_ACCOUNT, World
from .cluster import Cluster
from .server import ApiServer
from .status import no_such_path
from .tls import Authority

Key = tuple[str, str, str]  # account, region, name


class Kubernetes:
    """`world.kubernetes`, for the EKS half: `endpoint`, `certificate_authority`, `cluster_deleted`. These take no lock but their own.

    As an application it is the base URL, which serves every cluster below /clusters/ACCOUNT/REGION/NAME.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._authority = Authority()
        self._lock = threading.Lock()
        self._servers: dict[Key, ApiServer] = {}
        self._listeners: dict[Key, HttpServer] = {}
        self.tls = self._authority.context
        self.certificate_authority = self._authority.pem

    def endpoint(self, cluster: str, region: str, account: str) -> str:
        """Where the cluster answers; it is made, and its port opened, when first asked for."""
        return self._open((account, region, cluster)).cluster.endpoint

    def cluster_deleted(self, name: str, region: str, account: str) -> None:
        with self._lock:
            server = self._servers.pop((account, region, name), None)
            listener = self._listeners.pop((account, region, name), None)
        if server is not None:
            server.cluster.close()
        if listener is not None:
            _stop(listener)

    def reset(self) -> None:
        for account, region, name in list(self._servers):
            self.cluster_deleted(name, region, account)

    def _open(self, key: Key) -> ApiServer:
        with self._lock:
            if key not in self._servers:
                account, region, name = key
                server = ApiServer(Cluster(self._world, name, region, account, self.certificate_authority))
                listener = HttpServer(("127.0.0.1", 0), server, self._world.clock, self.tls)
                server.cluster.endpoint = listener.url
                threading.Thread(target=listener.serve_forever, args=(0.5,), daemon=True).start()
                self._servers[key], self._listeners[key] = server, listener
            return self._servers[key]

    def __call__(self, request: Request) -> Response:
        steps = request.raw_path.split("/", 5)
        server = self._servers.get((steps[2], steps[3], steps[4])) if len(steps) > 4 and steps[1] == "clusters" else None
        if server is None:
            return no_such_path().response()
        return server.serve(request, "/" + (steps[5] if len(steps) > 5 else ""))

    def control_routes(self) -> dict[tuple[str, str], Handler]:
        return {("GET", "/kubernetes/clusters"): self._list, ("POST", "/kubernetes/clusters"): self._make,
                ("DELETE", "/kubernetes/clusters"): self._remove, ("POST", "/kubernetes/forget"): self._forget}

    def _find(self, given: dict[str, Any]) -> ApiServer:
        account, region = given.get("account", DEFAULT_ACCOUNT), given.get("region", "us-east-1")
        server = self._servers.get((account, region, given["name"]))
        if server is None:
            raise Refused(f"no cluster {given['name']!r} in {account}/{region}", 404)
        return server

    def _list(self, query: dict[str, str], body: Any) -> Any:
        servers = [self._find(query)] if "name" in query else list(self._servers.values())
        return {"clusters": [_show(server.cluster, objects="objects" in query or "name" in query) for server in servers]}

    def _make(self, query: dict[str, str], body: dict[str, Any]) -> Any:
        """A cluster without EKS: everybody of its account is admin, and it has nodes unless told otherwise."""
        key = (body.get("account", DEFAULT_ACCOUNT), body.get("region", "us-east-1"), body["name"])
        cluster = self._open(key).cluster
        cluster.bare_nodes = bool(body.get("nodes", True))
        return _show(cluster, objects=False)

    def _remove(self, query: dict[str, str], body: Any) -> Any:
        cluster = self._find(query).cluster
        self.cluster_deleted(cluster.name, cluster.region, cluster.account)
        return {"deleted": cluster.name}

    def _forget(self, query: dict[str, str], body: dict[str, Any]) -> Any:
        """As if etcd had been compacted: running watches and old lists end with 410."""
        store = self._find(body).cluster.store
        with store.changed:
            store.forget()
            store.changed.notify_all()
        return {"forgotten": store.version}


def _show(cluster: Cluster, *, objects: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": cluster.name, "region": cluster.region, "account": cluster.account, "endpoint": cluster.endpoint,
        "certificate_authority": cluster.authority.decode(), "certificate_authority_data": base64.b64encode(cluster.authority).decode()}
    if objects:
        with cluster.store.changed:
            shown["objects"] = [document for _, document in cluster.store.everything()]
    return shown


def _stop(listener: HttpServer) -> None:
    """From a thread of its own: shutdown() waits for the serving loop, and the caller may hold moto's lock."""
    def stop() -> None:
        listener.shutdown()
        listener.server_close()

    listener.socket.close()
    threading.Thread(target=stop, daemon=True).start()
