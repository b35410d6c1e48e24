"""moto as a function: request in, answer out. Everything that touches moto's global state happens under LOCK.

The environment must be set before the first import of moto, so this module is the only one that may import moto at its top.
"""
from __future__ import annotations

import io
import os
import sys
import threading
from typing import Any
from urllib.parse import unquote_to_bytes

os.environ.update(MOTO_IAM_LOAD_MANAGED_POLICIES="true", MOTO_EC2_LOAD_DEFAULT_AMIS="false", MOTO_DISABLE_GLOBAL_CORS="true")
os.environ.pop("MOTO_ACCOUNT_ID", None)

import moto.core.utils as moto_utils  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402

from ..clock import Clock  # noqa: E402
from ..httpd import Request, Response  # noqa: E402

LOCK = threading.RLock()
PRELOAD = ("iam", "sts", "s3", "ecr", "tagging")


def use_clock(clock: Clock) -> None:
    """Let moto stamp resources with the cloud's clock.

    Modules bind `utcnow` when they are imported: those already there are told one by one, later ones find ours.
    """
    original = moto_utils.utcnow
    moto_utils.utcnow = clock.utcnow
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.") and getattr(module, "utcnow", None) is original:
            module.utcnow = clock.utcnow


class MotoApp:
    """The WSGI callable, wrapped."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)

    def preload(self) -> None:
        """Build the services that every test uses, so that no first call pays for it."""
        for service in PRELOAD:
            scope = f"AWS4-HMAC-SHA256 Credential=x/20200101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
            self._app.get_application({"PATH_INFO": "/", "HTTP_HOST": "sandbox", "HTTP_AUTHORIZATION": scope})

    def services(self) -> set[str]:
        """Services that have been asked for so far: others cannot hold any resource."""
        return set(self._app.app_instances)

    def call(self, request: Request, account: str, scope: str) -> Response:
        """Serve one request as `account`; `scope` replaces the credentials of a presigned or unsigned request.

        Raises NotImplementedError for an operation moto lacks.
        """
        environ = _environ(request)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        if scope:
            environ["HTTP_AUTHORIZATION"] = scope
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            answer["status"], answer["headers"] = int(status.split(" ", 1)[0]), list(headers)

        with LOCK:
            parts = self._app(environ, start_response)
            try:
                body = b"".join(parts)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
        return Response(answer["status"], answer["headers"], body)


def _environ(request: Request) -> dict[str, Any]:
    """A WSGI environment; RAW_URI keeps ARNs with encoded slashes whole."""
    host, _, port = (request.header("Host") or "localhost:80").partition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method, "SCRIPT_NAME": "", "PATH_INFO": unquote_to_bytes(request.raw_path).decode("latin-1"),
        "QUERY_STRING": request.raw_query, "RAW_URI": request.target, "REQUEST_URI": request.target,
        "SERVER_NAME": host, "SERVER_PORT": port or "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(request.body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False}
    for name, value in request.headers:
        if name.lower() in ("content-length", "transfer-encoding"):
            continue
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else "HTTP_" + key
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ["CONTENT_LENGTH"] = str(len(request.body))
    return environ


def reset() -> None:
    """Empty every backend."""
    from moto.moto_api._internal.models import moto_api_backend

    with LOCK:
        moto_api_backend.reset()
