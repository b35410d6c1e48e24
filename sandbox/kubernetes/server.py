"""One cluster's API server: name the call, wait, maybe fail, see who calls and whether he may, answer, write it down."""
from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from ..faults import Rule
from ..httpd import Request, Response
from ..log import Record
from ..spoil import Past, hang, wire_fault
from . import access, authn, authz, delete, discovery, faults, logs, read, write
from .authn import User
from .call import Call, check_form, parse
from .cluster import Cluster
from .status import Refusal, json_response, no_such_path
from .store import Document


class ApiServer:
    """The application behind a cluster's endpoint."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._world = cluster.world
        self._past = Past()

    def __call__(self, request: Request) -> Response:
        return self.serve(request, request.raw_path)

    def serve(self, request: Request, path: str) -> Response:
        """`path`: the raw path below the endpoint."""
        call = parse(request, path)
        record = Record("kubernetes", self._world.clock.now(), request.connection, "kubernetes", call.operation, region=self.cluster.region,
                        write=call.writes, resources=[*call.names(), self.cluster.name])
        start = time.monotonic()
        time.sleep(self._world.latency.seconds("kubernetes"))
        rule = self._world.faults.pick("kubernetes", "kubernetes", record.operation, record.resources)
        record.fault = rule.kind if rule else ""
        response = self._spoilt(call, path, rule, record)
        record.wait_ms = round((time.monotonic() - start) * 1000 - record.ms, 3)
        record.status = 0 if response.reset else response.status
        record.error = record.error or (faults.reason(response) if response.status >= 400 else "")
        record.request_id = str(uuid.uuid4())
        response.set_header("Audit-Id", record.request_id)
        response.set_header("Cache-Control", "no-cache, private")
        self._world.log.add(record)
        return response

    def _spoilt(self, call: Call, path: str, rule: Rule | None, record: Record) -> Response:
        """The answer, spoilt as the rule says."""
        key = (call.request.target, call.request.header("Accept"))

        def ask() -> Response:
            response = self._answer(call, path, record)
            if call.request.method == "GET" and response.stream is None:
                self._past.keep(key, response)
            return response

        if rule is None:
            return ask()
        response = wire_fault(self._world, call.request, rule, ask)
        if response is not None:
            return response
        if rule.kind == "stale":
            return (None if record.write else self._past.recall(key, rule.number("seconds", 10))) or ask()
        if rule.kind == "empty":
            return faults.emptied(ask())
        refused = faults.refusal(rule)
        return hang(self._world, call.request, rule, refused) if rule.kind == "hang" else refused

    def _answer(self, call: Call, path: str, record: Record) -> Response:
        start = time.monotonic()
        try:
            call.user = self._user(call.request)
            record.account = call.user.account
            record.access_key = call.user.principal
            response = self._routed(call, path)
        except authn.BadToken as problem:
            record.error = f"Unauthorized: {problem}"
            response = Refusal(401, "Unauthorized").response()
        except Refusal as refusal:
            response = refusal.response()
        record.ms = round((time.monotonic() - start) * 1000, 3)
        for text in call.warnings:
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            response.headers.append(("Warning", f'299 - "{quoted}"'))
        return response

    def _user(self, request: Request) -> User:
        """Who calls. Asks IAM and EKS, so no lock of ours may be held."""
        scheme, _, token = request.header("Authorization").partition(" ")
        if not scheme:
            return authn.ANONYMOUS
        if scheme.lower() != "bearer":
            raise authn.BadToken(f"scheme {scheme!r}")
        cluster = self.cluster
        identity = authn.identify(self._world, token.strip(), cluster.name)
        user = authz.user_of(identity, access.entry_of(cluster, identity))
        if user is None:
            raise authn.BadToken(f"{identity.principal} has no access entry in cluster {cluster.name}")
        return user

    def _routed(self, call: Call, path: str) -> Response:
        if call.resource is None:
            return self._plain(call, path)
        namespace = call.name if call.kind.kind == "Namespace" else call.namespace
        self._need(call, call.verb, namespace)
        check_form(call)
        if call.kind.kind == "SelfSubjectAccessReview":
            return json_response(access.review(call), 201)
        if call.verb == "watch":
            return Response(200, [("Content-Type", "application/json")], stream=read.watch(self.cluster, call))
        facts = access.facts(self.cluster)  # asked before our lock is taken: they hold moto's
        store = self.cluster.store
        with store.changed:
            self.cluster.facts = facts
            self.cluster.settle()
            if call.subresource == "log":
                return Response(200, [("Content-Type", "text/plain")], logs.text(self.cluster, call).encode())
            if call.verb == "patch" and call.patch == "apply" and store.get(call.kind.plural, call.namespace, call.name) is None:
                self._need(call, "create", namespace)
            document, status = self._objects(call)
            self.cluster.settle()
            return json_response(document, status)

    def _need(self, call: Call, verb: str, namespace: str) -> None:
        kind = call.kind
        if not authz.allowed(call.user, verb, kind.group, call.plural, namespace, namespaced=kind.namespaced):
            raise authz.forbidden(call.user, verb, kind.group, call.plural, namespace, call.name)

    def _objects(self, call: Call) -> tuple[Document, int]:
        cluster = self.cluster
        if call.subresource == "scale":
            return write.scale(cluster, call)
        verbs: dict[str, Callable[[Cluster, Call], tuple[Document, int]]] = {
            "create": write.create, "update": write.update, "patch": write.patch, "delete": delete.delete,
            "get": lambda cluster, call: (read.get(cluster, call), 200), "list": lambda cluster, call: (read.listed(cluster, call), 200)}
        return verbs[call.verb](cluster, call)

    def _plain(self, call: Call, path: str) -> Response:
        """Paths that are no objects: health, discovery."""
        if not authz.may_read_path(call.user, path):
            raise authz.forbidden_path(call.user, call.verb, path)
        if path.rstrip("/") in ("/healthz", "/livez", "/readyz"):
            return Response(200, [("Content-Type", "text/plain; charset=utf-8")], b"ok")
        document = discovery.document(path) if call.request.method in ("GET", "HEAD") else None
        if document is None:
            raise no_such_path()
        return json_response(document)
