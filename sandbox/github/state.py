"""What this GitHub holds: repositories with their secrets and variables, tokens, one App. All guarded by one lock."""
from __future__ import annotations

import base64
import calendar
import itertools
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from .. import sodium
from ..clock import Clock

DEFAULT_REPOSITORY = "john-doe/mlops-project"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A repository born after this carries owner and repository ids in its OIDC subject.
IMMUTABLE_SINCE = calendar.timegm((2026, 7, 15, 0, 0, 0))


@dataclass
class Secret:
    """One Actions secret; the value is opened on arrival and shown only by the control URL."""

    name: str
    value: bytes
    created: float
    updates: list[float]  # all writes, the first included: a lagging replica shows an older one

    def updated(self, as_of: float) -> float:
        return max((at for at in self.updates if at <= as_of), default=self.created)


@dataclass
class Variable:
    name: str
    value: str
    created: float
    updated: float


@dataclass
class KeyPair:
    """The repository's key for sealed boxes. It can be rotated: old key ids are then refused."""

    id: str
    public: bytes
    secret: bytes

    @property
    def public_text(self) -> str:
        return base64.b64encode(self.public).decode()


_key_ids = itertools.count(568250167242549743)  # like GitHub's: digits, to be treated as opaque


def new_key_pair() -> KeyPair:
    return KeyPair(str(next(_key_ids)), *sodium.keypair())


@dataclass
class Repository:
    """One repository with all that hangs on it."""

    owner: str
    name: str
    id: int
    owner_id: int
    created: float
    private: bool = True
    archived: bool = False
    default_branch: str = "main"
    key: KeyPair = field(default_factory=new_key_pair)
    secrets: dict[str, Secret] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    oidc: dict[str, Any] = field(default_factory=lambda: {"use_default": True})
    permissions: dict[str, Any] = field(default_factory=lambda: {"enabled": True, "allowed_actions": "all", "sha_pinning_required": False})
    selected_actions: dict[str, Any] = field(default_factory=lambda: {
        "github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": []})
    workflow_permissions: dict[str, Any] = field(default_factory=lambda: {
        "default_workflow_permissions": "read", "can_approve_pull_request_reviews": False})
    workflows: list[dict[str, Any]] = field(default_factory=list)
    renamed: float = 0.0

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def immutable_subject(self) -> bool:
        return bool(self.oidc.get("use_immutable_subject", max(self.created, self.renamed) >= IMMUTABLE_SINCE))

    @property
    def sub_claim_prefix(self) -> str:
        if self.immutable_subject:
            return f"repo:{self.owner}@{self.owner_id}/{self.name}@{self.id}"
        return f"repo:{self.full_name}"


ALL_PERMISSIONS = {"metadata": "read", "secrets": "write", "variables": "write", "actions": "write", "administration": "write",
                   "environments": "write", "contents": "write"}


@dataclass
class Token:
    """A bearer token: whose, what for, how long, and its own rate limit."""

    token: str
    login: str
    permissions: dict[str, str]
    repositories: list[str] | None = None  # None = all
    expires: float = 0.0  # by the cloud's clock; 0 = never
    show_expiry: bool = False
    scopes: str | None = None  # classic tokens show these
    installation: bool = False

    def may(self, permission: str, level: str) -> bool:
        have = self.permissions.get(permission, "")
        return have == "write" or (have == "read" and level == "read")

    def sees(self, repository: Repository) -> bool:
        names = None if self.repositories is None else {name.lower() for name in self.repositories}
        return not repository.private or names is None or repository.full_name.lower() in names


@dataclass
class Rate:
    """A primary rate limit: all personal tokens of a user share one, each installation token has its own."""

    limit: int = 5000
    used: int = 0
    reset: float = 0.0

    def take(self, now: float, cost: int) -> bool:
        """Count one call; False when the hour's calls are gone."""
        if now >= self.reset:
            self.used, self.reset = 0, now + 3600
        if cost and self.used >= self.limit:
            return False
        self.used += cost
        return True

    def show(self) -> dict[str, int]:
        return {"limit": self.limit, "used": self.used, "remaining": max(0, self.limit - self.used), "reset": int(self.reset)}


@dataclass
class App:
    """A GitHub App with one installation."""

    id: int = 424242
    client_id: str = "Iv23liSandboxApp"
    slug: str = "mlopsd-sandbox"
    public_key_pem: str = ""
    installation_id: int = 31337000
    owner: str = "john-doe"
    permissions: dict[str, str] = field(default_factory=lambda: dict(ALL_PERMISSIONS))


class GithubState:
    """Everything, with one lock around every request."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self._ids = itertools.count(812345678)
            self._owner_ids: dict[str, int] = {}
            self.repositories: dict[str, Repository] = {}
            self.moved: dict[str, int] = {}  # old full name -> repository id
            self.rates: dict[str, Rate] = {}
            self.dispatches: list[Any] = []  # of dispatches.Dispatch
            self.app = App()
            self.tokens: dict[str, Token] = {}
            self._default_tokens()
            default = self.add_repository(DEFAULT_REPOSITORY, created=calendar.timegm((2024, 3, 5, 9, 30, 0)))
            default.workflows.append(self._workflow(161335, "deploy", ".github/workflows/deploy.yaml"))

    def _default_tokens(self) -> None:
        """A good one, and one for each way to be refused."""
        now = self.clock.now()
        classic = {"login": "john-doe", "scopes": "repo, workflow"}
        for token in (
                Token("ghp_sandbox", permissions=dict(ALL_PERMISSIONS), **classic),
                Token("ghp_sandboxexpired", permissions=dict(ALL_PERMISSIONS), expires=now - 3600, **classic),
                Token("ghp_sandboxexpiring", permissions=dict(ALL_PERMISSIONS), expires=now + 5 * 86400, show_expiry=True, **classic),
                Token("github_pat_sandboxreadonly", "john-doe", {"metadata": "read", "secrets": "read", "variables": "read",
                                                                 "actions": "read", "administration": "read"}),
                Token("github_pat_sandboxnosecrets", "john-doe", {"metadata": "read"}),
                Token("github_pat_sandboxelsewhere", "john-doe", dict(ALL_PERMISSIONS), repositories=[])):
            self.tokens[token.token] = token

    @staticmethod
    def _workflow(number: int, name: str, path: str) -> dict[str, Any]:
        return {"id": number, "name": name, "path": path, "state": "active"}

    def add_repository(self, full_name: str, **settings: Any) -> Repository:
        """Create or replace a repository."""
        owner, _, name = full_name.partition("/")
        with self.lock:
            owner_id = settings.pop("owner_id", None) or self.owner_id(owner)
            number = settings.pop("id", None) or next(self._ids)
            created = settings.pop("created", None) or self.clock.now()
            repository = Repository(owner, name, number, owner_id, created, **settings)
            self.repositories[full_name.lower()] = repository
            return repository

    def find(self, full_name: str) -> Repository | None:
        """By name, without regard to case."""
        return self.repositories.get(full_name.lower())

    def find_id(self, number: int) -> Repository | None:
        return next((repository for repository in self.repositories.values() if repository.id == number), None)

    def rename(self, repository: Repository, new_name: str) -> None:
        """The old name redirects from now on, and the OIDC subject takes the immutable form."""
        with self.lock:
            old = repository.full_name.lower()
            repository.owner, _, repository.name = new_name.partition("/")
            repository.renamed = self.clock.now()
            self.repositories[new_name.lower()] = self.repositories.pop(old)
            self.moved[old] = repository.id

    def rate(self, token: Token | None) -> Rate:
        if token is None:
            return self.rates.setdefault("", Rate(60))
        return self.rates.setdefault(token.token if token.installation else "@" + token.login, Rate())

    def owner_id(self, login: str) -> int:
        """A number per account, the same for as long as the process lives."""
        with self.lock:
            return self._owner_ids.setdefault(login.lower(), 5550100 + len(self._owner_ids))
