"""The table of calls this GitHub knows: method, path, GitHub's own operation id, the permission a token needs, the handler."""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from ..httpd import Response
from . import account, actions, dispatches, secrets
from .context import Context

Handler = Callable[[Context], Response]
OPEN, JWT = "", "jwt"  # no permission needed; signed by an App instead of a token
# The prefix of every repository call, by name or by number (redirects of renamed repositories use numbers).
REPOSITORY = r"(?:/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)|/repositories/(?P<repository_id>\d+))"


@dataclass(frozen=True)
class Route:
    """One row."""

    method: str
    pattern: re.Pattern[str]
    operation: str
    permission: str
    level: str
    handler: Handler
    of_repository: bool

    def fits(self, method: str, raw_path: str) -> dict[str, str] | None:
        """Decoded path parameters, or None. Matched on the raw path: an encoded slash stays inside its parameter."""
        match = self.pattern.fullmatch(raw_path) if method == self.method else None
        return {name: unquote(value) for name, value in match.groupdict().items() if value is not None} if match else None


def _route(method: str, path: str, operation: str, permission: str, handler: Handler) -> Route:
    of_repository = path.startswith("{R}")
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.removeprefix("{R}"))
    name, _, level = permission.partition(":")
    return Route(method, re.compile((REPOSITORY if of_repository else "") + pattern), operation, name, level, handler,
                 of_repository and name != JWT)


ROUTES: tuple[Route, ...] = tuple(_route(*row) for row in (
    ("GET", "/user", "users/get-authenticated", OPEN, account.get_user),
    ("GET", "/meta", "meta/get", OPEN, account.get_meta),
    ("GET", "/versions", "meta/get-all-versions", OPEN, account.get_versions),
    ("GET", "/rate_limit", "rate-limit/get", OPEN, account.get_rate_limit),
    ("GET", "/app", "apps/get-authenticated", JWT, account.get_app),
    ("GET", "{R}/installation", "apps/get-repo-installation", JWT, account.get_installation),
    ("POST", "/app/installations/{installation_id}/access_tokens", "apps/create-installation-access-token", JWT,
     account.create_installation_token),
    ("GET", "{R}", "repos/get", "metadata:read", account.get_repository),
    ("GET", "{R}/actions/secrets", "actions/list-repo-secrets", "secrets:read", secrets.list_secrets),
    ("GET", "{R}/actions/secrets/public-key", "actions/get-repo-public-key", "secrets:read", secrets.get_public_key),
    ("GET", "{R}/actions/secrets/{secret_name}", "actions/get-repo-secret", "secrets:read", secrets.get_secret),
    ("PUT", "{R}/actions/secrets/{secret_name}", "actions/create-or-update-repo-secret", "secrets:write", secrets.put_secret),
    ("DELETE", "{R}/actions/secrets/{secret_name}", "actions/delete-repo-secret", "secrets:write", secrets.delete_secret),
    ("GET", "{R}/actions/variables", "actions/list-repo-variables", "variables:read", secrets.list_variables),
    ("POST", "{R}/actions/variables", "actions/create-repo-variable", "variables:write", secrets.create_variable),
    ("GET", "{R}/actions/variables/{name}", "actions/get-repo-variable", "variables:read", secrets.get_variable),
    ("PATCH", "{R}/actions/variables/{name}", "actions/update-repo-variable", "variables:write", secrets.update_variable),
    ("DELETE", "{R}/actions/variables/{name}", "actions/delete-repo-variable", "variables:write", secrets.delete_variable),
    ("GET", "{R}/actions/oidc/customization/sub", "actions/get-custom-oidc-sub-claim-for-repo", "actions:read", actions.get_oidc),
    ("PUT", "{R}/actions/oidc/customization/sub", "actions/set-custom-oidc-sub-claim-for-repo", "actions:write", actions.put_oidc),
    ("GET", "{R}/actions/permissions", "actions/get-github-actions-permissions-repository", "administration:read", actions.get_permissions),
    ("PUT", "{R}/actions/permissions", "actions/set-github-actions-permissions-repository", "administration:write", actions.put_permissions),
    ("GET", "{R}/actions/permissions/selected-actions", "actions/get-allowed-actions-repository", "administration:read",
     actions.get_selected_actions),
    ("PUT", "{R}/actions/permissions/selected-actions", "actions/set-allowed-actions-repository", "administration:write",
     actions.put_selected_actions),
    ("GET", "{R}/actions/permissions/workflow", "actions/get-github-actions-default-workflow-permissions-repository",
     "administration:read", actions.get_workflow_permissions),
    ("PUT", "{R}/actions/permissions/workflow", "actions/set-github-actions-default-workflow-permissions-repository",
     "administration:write", actions.put_workflow_permissions),
    ("GET", "{R}/actions/workflows", "actions/list-repo-workflows", "actions:read", actions.list_workflows),
    ("GET", "{R}/actions/workflows/{workflow_id}", "actions/get-workflow", "actions:read", actions.get_workflow),
    ("PUT", "{R}/actions/workflows/{workflow_id}/enable", "actions/enable-workflow", "actions:write", actions.enable_workflow),
    ("POST", "{R}/actions/workflows/{workflow_id}/dispatches", "actions/create-workflow-dispatch", "actions:write",
     dispatches.dispatch_workflow),
    ("GET", "{R}/actions/workflows/{workflow_id}/runs", "actions/list-workflow-runs", "actions:read", dispatches.list_runs),
    ("POST", "{R}/dispatches", "repos/create-dispatch-event", "contents:write", dispatches.dispatch_repository),
))


def find(method: str, raw_path: str) -> tuple[Route | None, dict[str, str]]:
    """The row for a call and its path parameters."""
    for route in ROUTES:
        parameters = route.fits(method, raw_path)
        if parameters is not None:
            return route, parameters
    return None, {}
