"""What answers behind a load balancer: as much of an MLflow server as shows whether it was deployed rightly."""
from __future__ import annotations

import fnmatch
import json
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ..httpd import Request, Response
from . import pods
from .store import Document

if TYPE_CHECKING:
    from .cluster import Cluster

LOCAL = ("localhost", "127.0.0.1", "[::1]", "localhost:*", "127.0.0.1:*", "[::1]:*", "0.0.0.0:*",
         "192.168.*", "10.*", *(f"172.{n}.*" for n in range(16, 32)))
OPEN_PATHS = ("/health", "/version")
EXPERIMENT = {"experiment_id": "0", "name": "Default", "artifact_location": "mlflow-artifacts:/0", "lifecycle_stage": "active",
              "last_update_time": 1700000000000, "creation_time": 1700000000000}
NO_BACKEND = b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.</body></html>\n"


@dataclass
class Backend:
    """The container the balancer's traffic reaches."""

    version: str
    environment: dict[str, str] = field(repr=False)
    command: list[str] = field(default_factory=list)

    def setting(self, variable: str, option: str) -> str | None:
        """An option of the command line, else the environment's variable."""
        for number, word in enumerate(self.command):
            if word == option and number + 1 < len(self.command):
                return self.command[number + 1]
            if word.startswith(f"{option}="):
                return word.partition("=")[2]
        return self.environment.get(variable)


def behind(cluster: "Cluster", service: Document) -> Backend | None:
    """The first ready pod the selector matches, on a port that its container serves."""
    selector = service["spec"].get("selector")
    if not selector:
        return None
    for pod in cluster.store.all("pods", service["metadata"]["namespace"]):
        labels = pod["metadata"].get("labels", {})
        ready = any(item["type"] == "Ready" and item["status"] == "True" for item in pod["status"].get("conditions", []))
        if ready and all(labels.get(key) == value for key, value in selector.items()):
            container = _serving(pod, service["spec"]["ports"][0])
            if container is not None:
                return _backend(cluster, pod, container)
    return None


def _serving(pod: Document, port: Document) -> Document | None:
    """The container with the Service's target port; an undeclared number reaches the first one."""
    target = port.get("targetPort", port["port"])
    containers: list[Document] = pod["spec"]["containers"]
    for item in containers:
        if any(target in (one.get("containerPort"), one.get("name")) for one in item.get("ports", [])):
            return item
    return containers[0] if isinstance(target, int) and not any(item.get("ports") for item in containers) else None


def _backend(cluster: "Cluster", pod: Document, container: Document) -> Backend:
    environment = cluster.runtime.get(pods.started_key(pod), {}).get(container["name"], {})
    words = [*container.get("command", []), *container.get("args", [])]
    expanded = [re.sub(r"\$\((\w+)\)", lambda match: environment.get(match[1], match[0]), word) for word in words]
    if expanded[:1] and expanded[0].rpartition("/")[2] in ("sh", "bash"):
        expanded = [part for word in expanded for part in _shell_words(word)]
    tag = container["image"].partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.match(r"v?(\d+\.\d+\.\d+)", tag)
    return Backend(found[1] if found else "3.9.0", environment, expanded)


def _shell_words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def answer(request: Request, backend: Backend | None, databases: tuple[tuple[str, str, str], ...]) -> Response:
    """What the client gets through the balancer."""
    if backend is None:
        return Response(503, [("Content-Type", "text/html")], NO_BACKEND)
    if request.path == "/health":
        return _text(200, "OK")
    if request.path == "/version":
        return _text(200, backend.version)
    refused = _guard(request, backend)
    if refused:
        return refused
    problem = _database_problem(backend, databases)
    if problem:
        return _json(503, {"error_code": "TEMPORARILY_UNAVAILABLE", "message": f"(psycopg2.OperationalError) {problem}"})
    if request.path.startswith(("/api/2.0/mlflow/experiments/search", "/ajax-api/2.0/mlflow/experiments/search")):
        return _search(request)
    if request.path == "/":
        return Response(200, [("Content-Type", "text/html; charset=utf-8")], b"<!doctype html><title>MLflow</title>\n")
    return _json(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": f"The sandbox's MLflow does not know {request.path}"})


def _guard(request: Request, backend: Backend) -> Response | None:
    """MLflow's own protection: known hosts, known origins."""
    hosts = backend.setting("MLFLOW_SERVER_ALLOWED_HOSTS", "--allowed-hosts")
    patterns = [part.strip() for part in hosts.split(",")] if hosts else list(LOCAL)
    if not any(fnmatch.fnmatchcase(request.header("Host"), pattern) for pattern in patterns):
        return _text(403, "Invalid Host header - possible DNS rebinding attack detected")
    origin = request.header("Origin")
    if origin and request.method in ("POST", "PUT", "PATCH", "DELETE") and request.path.startswith(("/api/", "/ajax-api/")):
        allowed = (backend.setting("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS", "--cors-allowed-origins") or "").split(",")
        local = re.fullmatch(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", origin)
        if not local and not any(fnmatch.fnmatchcase(origin, pattern.strip()) for pattern in allowed):
            return _text(403, "Cross-origin request blocked")
    return None


def _database_problem(backend: Backend, databases: tuple[tuple[str, str, str], ...]) -> str:
    """What the driver would say of the backend store; "" when it lets us in. Never the password."""
    uri = backend.setting("MLFLOW_BACKEND_STORE_URI", "--backend-store-uri")
    if not uri or not uri.startswith("postgresql"):
        return ""
    try:
        parts = urlsplit(uri)
        host, user, password = parts.hostname or "", unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        return "could not parse the database URI"
    known = [item for item in databases if item[0] == host]
    if not known:
        return f'could not translate host name "{host}" to address: Name or service not known'
    if (user, password) not in [(item[1], item[2]) for item in known]:
        return f'connection to server at "{host}", port 5432 failed: FATAL:  password authentication failed for user "{user}"'
    return ""


def _search(request: Request) -> Response:
    try:
        asked: Any = json.loads(request.body) if request.method == "POST" else request.query
        if int(asked.get("max_results", 1000)) < 1:
            raise ValueError
    except (ValueError, AttributeError, TypeError):
        return _json(400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid value for parameter 'max_results'."})
    return _json(200, {"experiments": [EXPERIMENT]})


def _text(status: int, text: str) -> Response:
    kind = "html" if status == 200 else "plain"
    return Response(status, [("Content-Type", f"text/{kind}; charset=utf-8"), ("Server", "uvicorn")], text.encode())


def _json(status: int, document: Any) -> Response:
    return Response(status, [("Content-Type", "application/json"), ("Server", "uvicorn")], json.dumps(document).encode())
