"""GitHub's part of the control URL: plaintexts for the oracle, other people's hands for the drills."""
from __future__ import annotations

import base64
from typing import Any

from ..control import Handler, Refused
from . import secrets
from .state import ALL_PERMISSIONS, DEFAULT_REPOSITORY, GithubState, Repository, Token

SETTINGS = {"id", "owner_id", "created", "private", "archived", "default_branch", "oidc", "permissions", "workflow_permissions"}
TOKEN_FIELDS = {"login", "permissions", "repositories", "expires", "show_expiry", "scopes", "installation"}
APP_FIELDS = {"id", "client_id", "slug", "public_key_pem", "installation_id", "owner", "permissions"}


class GithubControl:
    """Handlers over the state; the control server does the HTTP."""

    def __init__(self, state: GithubState) -> None:
        self._state = state

    def routes(self) -> dict[tuple[str, str], Handler]:
        return {
            ("GET", "/github/secrets"): self._get_secrets,
            ("POST", "/github/secret"): self._post_secret,
            ("DELETE", "/github/secret"): self._delete_secret,
            ("GET", "/github/repository"): self._get_repository,
            ("POST", "/github/repository"): self._post_repository,
            ("POST", "/github/rotate-key"): self._post_rotate_key,
            ("GET", "/github/dispatches"): self._get_dispatches,
            ("GET", "/github/tokens"): self._get_tokens,
            ("POST", "/github/tokens"): self._post_tokens,
            ("DELETE", "/github/tokens"): self._delete_tokens,
            ("GET", "/github/app"): self._get_app,
            ("POST", "/github/app"): self._post_app,
            ("POST", "/github/rate"): self._post_rate,
        }

    def _find(self, source: dict[str, Any]) -> Repository:
        name = str(source.get("repository", DEFAULT_REPOSITORY))
        repository = self._state.find(name)
        if repository is None:
            raise Refused(f"no repository {name}", 404)
        return repository

    def _get_secrets(self, query: dict[str, str], body: Any) -> Any:
        with self._state.lock:
            repository, stamp = self._find(query), self._state.clock.stamp
            return {"repository": repository.full_name, "secrets": {
                name: {"value": secret.value.decode("utf-8", "replace"), "base64": base64.b64encode(secret.value).decode(),
                       "created_at": stamp(secret.created), "updated_at": stamp(secret.updates[-1]), "writes": len(secret.updates)}
                for name, secret in sorted(repository.secrets.items())}}

    def _post_secret(self, query: dict[str, str], body: Any) -> Any:
        with self._state.lock:
            new = secrets.store(self._find(body), str(body["name"]).upper(), str(body["value"]).encode(), self._state.clock.now())
            return {"name": str(body["name"]).upper(), "created": new}

    def _delete_secret(self, query: dict[str, str], body: Any) -> Any:
        with self._state.lock:
            gone = self._find(query).secrets.pop(query["name"].upper(), None)
            return {"removed": gone is not None}

    def _show(self, repository: Repository) -> dict[str, Any]:
        return {"full_name": repository.full_name, "id": repository.id, "owner_id": repository.owner_id, "private": repository.private,
                "archived": repository.archived, "created_at": self._state.clock.stamp(repository.created), "oidc": repository.oidc,
                "sub_claim_prefix": repository.sub_claim_prefix, "permissions": repository.permissions,
                "workflow_permissions": repository.workflow_permissions,
                "variables": {name: variable.value for name, variable in sorted(repository.variables.items())}}

    def _get_repository(self, query: dict[str, str], body: Any) -> Any:
        with self._state.lock:
            if "repository" in query:
                return self._show(self._find(query))
            return {"repositories": [self._show(repository) for repository in self._state.repositories.values()]}

    def _post_repository(self, query: dict[str, str], body: Any) -> Any:
        """Create {"repository": "o/r", ...settings}, change settings of one that exists, or {"rename_to": "o/new"}."""
        settings = {name: value for name, value in body.items() if name not in ("repository", "rename_to")}
        if unknown := set(settings) - SETTINGS:
            raise Refused(f"unknown setting {', '.join(sorted(unknown))}; known are {', '.join(sorted(SETTINGS))}")
        name = str(body["repository"])
        if name.count("/") != 1:
            raise Refused("repository must be OWNER/NAME")
        with self._state.lock:
            repository = self._state.find(name)
            if repository is None:
                repository = self._state.add_repository(name, **settings)
            else:
                for key, value in settings.items():
                    old = getattr(repository, key)
                    setattr(repository, key, {**old, **value} if isinstance(old, dict) and key != "oidc" else value)
            if "rename_to" in body:
                self._state.rename(repository, str(body["rename_to"]))
            return self._show(repository)

    def _post_rotate_key(self, query: dict[str, str], body: Any) -> Any:
        with self._state.lock:
            return {"key_id": secrets.rotate_key(self._find(body))}

    @staticmethod
    def _show_token(token: Token) -> dict[str, Any]:
        return {"login": token.login, "permissions": token.permissions, "repositories": token.repositories, "expires": token.expires,
                "scopes": token.scopes, "installation": token.installation}

    def _get_dispatches(self, query: dict[str, str], body: Any) -> Any:
        with self._state.lock:
            return {"dispatches": [dispatch.show() for dispatch in self._state.dispatches]}

    def _get_tokens(self, query: dict[str, str], body: Any) -> Any:
        with self._state.lock:
            return {"default": "ghp_sandbox", "tokens": {name: self._show_token(token) for name, token in self._state.tokens.items()}}

    def _post_tokens(self, query: dict[str, str], body: Any) -> Any:
        """{"token": ..., "expires": epoch, "show_expiry": true, ...}: replace or add one."""
        settings = {name: value for name, value in body.items() if name in TOKEN_FIELDS}
        settings = {"login": "john-doe", "permissions": dict(ALL_PERMISSIONS), **settings}
        with self._state.lock:
            token = Token(str(body["token"]), **settings)
            self._state.tokens[token.token] = token
            return {token.token: self._show_token(token)}

    def _delete_tokens(self, query: dict[str, str], body: Any) -> Any:
        """Revoke."""
        with self._state.lock:
            return {"removed": self._state.tokens.pop(query["token"], None) is not None}

    def _get_app(self, query: dict[str, str], body: Any) -> Any:
        return {name: getattr(self._state.app, name) for name in sorted(APP_FIELDS)}

    def _post_app(self, query: dict[str, str], body: Any) -> Any:
        """Register the App's public key and what else is to differ."""
        if unknown := set(body) - APP_FIELDS:
            raise Refused(f"unknown field {', '.join(sorted(unknown))}; known are {', '.join(sorted(APP_FIELDS))}")
        with self._state.lock:
            for name, value in body.items():
                setattr(self._state.app, name, value)
            return self._get_app(query, body)

    def _post_rate(self, query: dict[str, str], body: Any) -> Any:
        """{"token"?: ..., "limit"?: N, "used"?: N, "reset"?: epoch}: play an hour that is nearly spent."""
        with self._state.lock:
            rate = self._state.rate(self._state.tokens[str(body.get("token", "ghp_sandbox"))])
            rate.limit = int(body.get("limit", rate.limit))
            rate.used = int(body.get("used", rate.used))
            rate.reset = float(body.get("reset", max(rate.reset, self._state.clock.now() + 3600)))
            return rate.show()
