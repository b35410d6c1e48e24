"""The control URL: what tests and demos use to look at the cloud from outside and to make it fail. JSON over HTTP, see README.md."""
from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from .faults import BadRule
from .httpd import Request, Response
from .world import AccessKey, World


class Refused(Exception):
    """A control request that makes no sense: 400 with the reason."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def answer(document: Any, status: int = 200) -> Response:
    return Response(status, [("Content-Type", "application/json")], (json.dumps(document) + "\n").encode())


Handler = Callable[[dict[str, str], dict[str, Any]], Any]


class Control:
    """Routes are one table; each handler gets the query and the JSON body and returns a JSON document."""

    def __init__(self, world: World, reset: Callable[[], None], urls: dict[str, Any]) -> None:
        self._world = world
        self._reset = reset
        self._urls = urls
        self._routes: dict[tuple[str, str], Handler] = {
            ("GET", "/"): lambda query, body: {"urls": self._urls, "routes": sorted(f"{m} {p}" for m, p in self._routes)},
            ("GET", "/log"): self._get_log,
            ("DELETE", "/log"): self._delete_log,
            ("GET", "/counters"): lambda query, body: world.log.counters(),
            ("GET", "/faults"): lambda query, body: {"faults": world.faults.show()},
            ("POST", "/faults"): self._post_faults,
            ("DELETE", "/faults"): self._delete_faults,
            ("GET", "/latency"): lambda query, body: world.latency.show(),
            ("POST", "/latency"): self._post_latency,
            ("GET", "/clock"): self._show_clock,
            ("POST", "/clock"): self._post_clock,
            ("GET", "/keys"): lambda query, body: {name: key.show() for name, key in world.keys.items()},
            ("POST", "/keys"): self._post_keys,
            ("POST", "/verify"): self._post_verify,
            ("GET", "/durations"): lambda query, body: world.lifecycle.durations,
            ("POST", "/durations"): self._post_durations,
            ("POST", "/reset"): self._post_reset,
        }

    def add_routes(self, routes: dict[tuple[str, str], Handler]) -> None:
        """Each server brings its own."""
        self._routes.update(routes)

    def __call__(self, request: Request) -> Response:
        path = urlsplit(request.target).path.rstrip("/") or "/"
        handler = self._routes.get((request.method, path))
        if handler is None:
            known = sorted(method for method, route in self._routes if route == path)
            return answer({"error": f"{request.method} {path}: unknown; see GET /"}, 405 if known else 404)
        try:
            body = json.loads(request.body) if request.body.strip() else {}
            if not isinstance(body, (dict, list)):
                raise Refused("the body must be a JSON object")
            return answer(handler(request.query, body))  # type: ignore[arg-type]
        except Refused as refusal:
            return answer({"error": str(refusal)}, refusal.status)
        except (BadRule, json.JSONDecodeError) as error:
            return answer({"error": str(error)}, 400)
        except (KeyError, TypeError, ValueError) as error:
            return answer({"error": f"{type(error).__name__}: {error}"}, 400)

    def _get_log(self, query: dict[str, str], body: Any) -> Any:
        records = self._world.log.since(int(query.get("since", 0)))
        for name in ("server", "service", "operation"):
            if name in query:
                records = [record for record in records if record[name] == query[name]]
        if "write" in query:
            records = [record for record in records if record["write"] == (query["write"] == "true")]
        return {"records": records, "last": self._world.log.last}

    def _delete_log(self, query: dict[str, str], body: Any) -> Any:
        self._world.log.clear()
        return {"last": self._world.log.last}

    def _post_faults(self, query: dict[str, str], body: Any) -> Any:
        rules = body if isinstance(body, list) else [body]
        return {"faults": [self._world.faults.add(rule) for rule in rules]}

    def _delete_faults(self, query: dict[str, str], body: Any) -> Any:
        return {"removed": self._world.faults.clear(int(query["id"]) if "id" in query else None)}

    def _post_latency(self, query: dict[str, str], body: Any) -> Any:
        self._world.latency.set(float(body["ms"]), float(body.get("jitter_ms", 0)), body.get("service", body.get("server", "")))
        return self._world.latency.show()

    def _show_clock(self, query: dict[str, str], body: Any) -> Any:
        clock = self._world.clock
        return {"offset": clock.offset, "now": clock.now(), "time_scale": clock.time_scale}

    def _post_clock(self, query: dict[str, str], body: Any) -> Any:
        self._world.clock.offset = float(body["offset"])
        return self._show_clock(query, body)

    def _post_keys(self, query: dict[str, str], body: Any) -> Any:
        key = AccessKey(body["access_key"], body["secret"], body.get("account", "123456789012"), body.get("session_token", ""),
                        float(body.get("expires", 0)))
        self._world.keys[key.access_key] = key
        return {key.access_key: key.show()}

    def _post_verify(self, query: dict[str, str], body: Any) -> Any:
        self._world.verify = bool(body["verify"])
        return {"verify": self._world.verify}

    def _post_durations(self, query: dict[str, str], body: Any) -> Any:
        unknown = sorted(set(body) - set(self._world.lifecycle.durations))
        if unknown:
            raise Refused(f"unknown: {', '.join(unknown)}; see GET /durations")
        self._world.lifecycle.durations.update({name: float(seconds) for name, seconds in body.items()})
        return self._world.lifecycle.durations

    def _post_reset(self, query: dict[str, str], body: Any) -> Any:
        self._reset()
        return {"reset": True}
