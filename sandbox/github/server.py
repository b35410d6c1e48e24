"""The GitHub server: name the call, wait, maybe fail, check headers, token and limits, answer, write it down."""
from __future__ import annotations

import hashlib
import re
import secrets as random_secrets
import time

from ..control import Handler as ControlHandler
from ..faults import Rule
from ..httpd import Request, Response
from ..log import Record
from ..spoil import Past, hang, wire_fault
from ..world import World
from . import faults
from .account import VERSIONS
from .answers import Refusal, not_found
from .auth import bearer, token_of
from .context import Context
from .control import GithubControl
from .routes import JWT, Route, find
from .state import GithubState, Repository, Token

NO_AGENT = ("Request forbidden by administrative rules. Please make sure your request has a User-Agent header "
            "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com "
            "for other possible causes.\n")


class GithubServer:
    """One simulated api.github.com."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._past = Past()
        self.state = GithubState(world.clock)
        self.base_url = ""

    def control_routes(self) -> dict[tuple[str, str], ControlHandler]:
        return GithubControl(self.state).routes()

    def reset(self) -> None:
        self.state.reset()
        self._past.clear()

    def __call__(self, request: Request) -> Response:
        route, parameters = find("GET" if request.method == "HEAD" else request.method, request.raw_path)
        record = Record("github", self._world.clock.now(), request.connection, "github", route.operation if route else "unknown",
                        write=request.method not in ("GET", "HEAD"))
        context = Context(self.state, request, self.base_url, request.header("X-GitHub-Api-Version") or VERSIONS[0], parameters,
                          float("inf"))
        context.resources = _named(parameters)
        start = time.monotonic()
        time.sleep(self._world.latency.seconds("github"))
        rule = self._world.faults.pick("github", "github", record.operation, context.resources)
        record.fault = rule.kind if rule else ""
        response = self._spoilt(context, route, rule, record)
        record.wait_ms = round((time.monotonic() - start) * 1000 - record.ms, 3)
        self._finish(context, record, response)
        return response

    def _spoilt(self, context: Context, route: Route | None, rule: Rule | None, record: Record) -> Response:
        """The answer, spoilt as the rule says."""
        request, key = context.request, (context.request.target, bearer(context.request))

        def ask() -> Response:
            response = self._answer(context, route, record)
            if not record.write:
                self._past.keep(key, response)
            return response

        if rule is None:
            return ask()
        response = wire_fault(self._world, request, rule, ask)
        if response is not None:
            return response
        if rule.kind == "not-yet":
            context.as_of = context.now - rule.number("seconds", 10)
            return ask()
        if rule.kind == "stale":
            return (None if record.write else self._past.recall(key, rule.number("seconds", 10))) or ask()
        if rule.kind == "empty":
            return faults.emptied(ask())
        refused = faults.refusal(rule, context.now)
        return hang(self._world, request, rule, refused) if rule.kind == "hang" else refused

    def _answer(self, context: Context, route: Route | None, record: Record) -> Response:
        """The true answer, with rate limits and ETag."""
        start = time.monotonic()
        with self.state.lock:
            try:
                response = self._checked(context, route)
            except Refusal as refusal:
                response = refusal.response()
        record.account = context.token.login if context.token else ""
        record.ms = round((time.monotonic() - start) * 1000, 3)
        return response

    def _checked(self, context: Context, route: Route | None) -> Response:
        """All the doors of a call, in the order the real service has them."""
        request = context.request
        if not request.header("User-Agent"):
            return Response(403, [("Content-Type", "text/html; charset=utf-8")], NO_AGENT.encode())
        if context.version not in VERSIONS:
            raise Refusal(400, f"Version {context.version!r} is not supported. Supported versions: {', '.join(VERSIONS)}")
        accept = request.header("Accept", "*/*")
        if not re.search(r"\*/\*|json|application/vnd\.github", accept):
            raise Refusal(415, "Unsupported 'Accept' header: Must accept 'application/json'.")
        by_jwt = route is not None and route.permission == JWT
        if not by_jwt:
            context.token = token_of(request, self.state)
        return self._limited(context, route)

    def _limited(self, context: Context, route: Route | None) -> Response:
        """Count the call, answer it, and give back what a 304 did not cost."""
        rate = self.state.rate(context.token)
        free = route is not None and route.operation == "rate-limit/get"
        if not rate.take(context.now, 0 if free else 1):
            who = f"user ID {self.state.owner_id(context.token.login)}" if context.token else "127.0.0.1"
            refused = Refusal(403, f"API rate limit exceeded for {who}.").response()
            return self._with_rate(context, refused)
        try:
            response = self._routed(context, route)
        except Refusal as refusal:
            response = refusal.response()
        if context.request.method in ("GET", "HEAD") and response.status == 200:
            response = _conditional(context, response)
            if response.status == 304:
                rate.used -= 1
        return self._with_rate(context, response)

    def _with_rate(self, context: Context, response: Response) -> Response:
        for name, value in self.state.rate(context.token).show().items():
            response.set_header(f"x-ratelimit-{name}", str(value))
        response.set_header("x-ratelimit-resource", "core")
        return response

    def _routed(self, context: Context, route: Route | None) -> Response:
        if route is None:
            raise not_found()
        if route.of_repository:
            moved = self._find_repository(context)
            if moved is not None:
                return moved
            _check_permission(context, route)
            if context.repository.archived and context.request.method not in ("GET", "HEAD"):
                raise Refusal(403, "Repository was archived so is read-only.")
        return route.handler(context)

    def _find_repository(self, context: Context) -> Response | None:
        """Put the repository into the context; a redirect for an old name; 404 for what the token may not see."""
        parameters, state = context.parameters, self.state
        full_name = f"{parameters.get('owner')}/{parameters.get('repo')}"
        if "repository_id" in parameters:
            repository = state.find_id(int(parameters["repository_id"]))
        else:
            repository = state.find(full_name)
            if repository is None and full_name.lower() in state.moved:
                return self._redirect(context, state.moved[full_name.lower()])
        if repository is None or not _visible(context.token, repository):
            raise not_found()
        context.found = repository
        return None

    def _redirect(self, context: Context, number: int) -> Response:
        tail = context.request.target.split("/", 4)
        url = f"{self.base_url}/repositories/{number}" + (f"/{tail[4]}" if len(tail) > 4 else "")
        status = 301 if context.request.method in ("GET", "HEAD") else 307
        response = Refusal(status, "Moved Permanently" if status == 301 else "Temporary Redirect").response()
        response.body = response.body.replace(b'"documentation_url"', f'"url": "{url}", "documentation_url"'.encode(), 1)
        response.set_header("Location", url)
        return response

    def _finish(self, context: Context, record: Record, response: Response) -> None:
        """Headers every answer has, and the record."""
        token = context.token
        record.request_id = ":".join(random_secrets.token_hex(2).upper() for _ in range(4))
        common: list[tuple[str, str]] = [("X-GitHub-Request-Id", record.request_id), ("Server", "github.com"),
                                         ("X-GitHub-Media-Type", "github.v3; format=json"),
                                         ("x-github-api-version-selected", context.version)]
        if token and token.expires and token.show_expiry:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(token.expires))
            common.append(("github-authentication-token-expiration", stamp))
        if token and token.scopes is not None:
            common += [("X-OAuth-Scopes", token.scopes), ("X-Accepted-OAuth-Scopes", "repo")]
        for name, value in common:
            response.set_header(name, value)
        record.resources = context.resources
        record.status = 0 if response.reset else response.status
        record.error = _message(response) if response.status >= 400 else ""
        self._world.log.add(record)


def _named(parameters: dict[str, str]) -> list[str]:
    """What a call speaks of: the repository, then the thing in it."""
    names = [f"{parameters['owner']}/{parameters['repo']}"] if "owner" in parameters else []
    return names + [value for key, value in parameters.items() if key not in ("owner", "repo")]


def _visible(token: Token | None, repository: Repository) -> bool:
    return token.sees(repository) if token else not repository.private


def _check_permission(context: Context, route: Route) -> None:
    """403 with the permission that would do; the owner of a public repository's data still needs a token."""
    if not route.permission or (route.permission == "metadata" and not context.repository.private):
        return
    token = context.token
    if token is None:
        raise Refusal(401, "Requires authentication")
    if not token.may(route.permission, route.level):
        who = "integration" if token.installation else "personal access token"
        raise Refusal(403, f"Resource not accessible by {who}",
                      headers=[("X-Accepted-GitHub-Permissions", f"{route.permission}={route.level}")])


def _conditional(context: Context, response: Response) -> Response:
    """ETag over what would be sent to this token; 304 when the client has it."""
    seed = b"\0".join([bearer(context.request).encode(), context.request.header("Accept").encode(), response.body])
    tag = f'W/"{hashlib.sha256(seed).hexdigest()}"'
    response.set_header("ETag", tag)
    response.set_header("Cache-Control", "private, max-age=60, s-maxage=60")
    response.set_header("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP")
    wanted = [part.strip().removeprefix("W/") for part in context.request.header("If-None-Match").split(",")]
    if tag.removeprefix("W/") in wanted:
        response.status, response.body = 304, b""
    return response


def _message(response: Response) -> str:
    match = re.search(rb'"message": "((?:[^"\\]|\\.)*)"', response.body)
    return match.group(1).decode()[:120] if match else str(response.status)


