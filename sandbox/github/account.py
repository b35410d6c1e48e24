"""Calls about the caller, the service and the App rather than one repository's content."""
from __future__ import annotations

import secrets as random_secrets
from typing import Any

from ..httpd import Response
from .answers import Refusal, answer, invalid, not_found
from .auth import check_jwt
from .context import Context
from .state import App, Repository, Token

VERSIONS = ("2022-11-28", "2026-03-10")


def _user(login: str, number: int, base: str, kind: str = "User") -> dict[str, Any]:
    """The long form every answer embeds for an owner."""
    url = f"{base}/users/{login}"
    user = {"login": login, "id": number, "node_id": f"U_{number}", "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
            "gravatar_id": "", "url": url, "html_url": f"https://github.com/{login}", "type": kind, "site_admin": False,
            "gists_url": url + "/gists{/gist_id}", "starred_url": url + "/starred{/owner}{/repo}",
            "following_url": url + "/following{/other_user}", "events_url": url + "/events{/privacy}"}
    for name in ("followers", "subscriptions", "organizations", "repos", "received_events"):
        user[f"{name}_url"] = f"{url}/{name.replace('organizations', 'orgs')}"
    return user


def get_user(context: Context) -> Response:
    token = context.token
    if token is None:
        raise Refusal(401, "Requires authentication")
    if token.installation:
        raise Refusal(403, "Resource not accessible by integration")
    user = _user(token.login, context.state.owner_id(token.login), context.base_url)
    stamp = context.state.clock.stamp(1_500_000_000)
    user |= {name: None for name in ("name", "company", "blog", "location", "email", "hireable", "bio")}
    user |= {name: 0 for name in ("followers", "following", "public_gists", "public_repos", "collaborators", "disk_usage",
                                  "owned_private_repos", "private_gists", "total_private_repos")}
    return answer(user | {"created_at": stamp, "updated_at": stamp, "two_factor_authentication": True})


def get_rate_limit(context: Context) -> Response:
    rate = context.state.rate(context.token).show()
    document: dict[str, Any] = {"resources": {"core": rate, "search": {**rate, "limit": 30, "used": 0, "remaining": 30}}}
    if context.version == "2022-11-28":
        document["rate"] = rate
    return answer(document)


def get_meta(context: Context) -> Response:
    return answer({"verifiable_password_authentication": False, "hooks": ["127.0.0.0/8"], "api": ["127.0.0.0/8"], "actions": ["127.0.0.0/8"]})


def get_versions(context: Context) -> Response:
    return answer(list(VERSIONS))


def get_repository(context: Context) -> Response:
    """`permissions` tells what the token may do; the dozens of URL templates follow one pattern."""
    repository, token = context.repository, context.token
    url = f"{context.base_url}/repos/{repository.full_name}"
    page = f"https://github.com/{repository.full_name}"
    stamp = context.state.clock.stamp(repository.created)
    admin = bool(token and token.may("administration", "write"))
    document: dict[str, Any] = {
        "id": repository.id, "node_id": f"R_{repository.id}", "name": repository.name, "full_name": repository.full_name,
        "owner": _user(repository.owner, repository.owner_id, context.base_url), "private": repository.private,
        "visibility": "private" if repository.private else "public", "html_url": page, "url": url, "description": None, "fork": False,
        "git_url": f"git://github.com/{repository.full_name}.git", "ssh_url": f"git@github.com:{repository.full_name}.git",
        "clone_url": page + ".git", "svn_url": page, "homepage": None, "mirror_url": None, "language": "Python", "license": None,
        "archived": repository.archived, "disabled": False, "default_branch": repository.default_branch, "size": 108,
        "created_at": stamp, "updated_at": stamp, "pushed_at": stamp,
        "permissions": {"admin": admin, "maintain": admin, "push": bool(token), "triage": bool(token), "pull": True}}
    document |= {name: False for name in ("has_pages", "has_discussions")}
    document |= {name: True for name in ("has_issues", "has_projects", "has_wiki")}
    if context.version == "2022-11-28":
        document["has_downloads"] = True
    document |= {name: 0 for name in ("forks", "forks_count", "open_issues", "open_issues_count", "stargazers_count", "watchers",
                                      "watchers_count", "network_count", "subscribers_count")}
    for name, tail in _TEMPLATES.items():
        document[f"{name}_url"] = url + tail
    return answer(document)


_TEMPLATES = {
    "archive": "/{archive_format}{/ref}", "assignees": "/assignees{/user}", "blobs": "/git/blobs{/sha}", "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}", "comments": "/comments{/number}", "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}", "contents": "/contents/{+path}", "contributors": "/contributors",
    "deployments": "/deployments", "downloads": "/downloads", "events": "/events", "forks": "/forks", "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}", "git_tags": "/git/tags{/sha}", "hooks": "/hooks", "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}", "issues": "/issues{/number}", "keys": "/keys{/key_id}", "labels": "/labels{/name}",
    "languages": "/languages", "merges": "/merges", "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}", "pulls": "/pulls{/number}", "releases": "/releases{/id}",
    "stargazers": "/stargazers", "statuses": "/statuses/{sha}", "subscribers": "/subscribers", "subscription": "/subscription",
    "tags": "/tags", "teams": "/teams", "trees": "/git/trees{/sha}"}


def get_app(context: Context) -> Response:
    app = check_jwt(context.request, context.state)
    stamp = context.state.clock.stamp(1_700_000_000)
    return answer({"id": app.id, "slug": app.slug, "client_id": app.client_id, "node_id": f"A_{app.id}", "name": app.slug, "description": None,
                   "owner": _user(app.owner, context.state.owner_id(app.owner), context.base_url), "external_url": "https://example.com",
                   "html_url": f"https://github.com/apps/{app.slug}", "created_at": stamp, "updated_at": stamp,
                   "permissions": app.permissions, "events": []})


def get_installation(context: Context) -> Response:
    """Which installation serves a repository; 404 = the App is not installed there."""
    app = check_jwt(context.request, context.state)
    repository = _repository(context)
    if repository is None or repository.owner.lower() != app.owner.lower():
        raise not_found()
    stamp, number = context.state.clock.stamp(1_700_000_000), app.installation_id
    return answer({"id": number, "app_id": app.id, "app_slug": app.slug, "client_id": app.client_id, "target_id": repository.owner_id,
                   "target_type": "User", "account": _user(repository.owner, repository.owner_id, context.base_url),
                   "repository_selection": "all", "single_file_name": None, "events": [], "permissions": app.permissions,
                   "access_tokens_url": f"{context.base_url}/app/installations/{number}/access_tokens",
                   "repositories_url": f"{context.base_url}/installation/repositories",
                   "html_url": f"https://github.com/settings/installations/{number}", "created_at": stamp, "updated_at": stamp,
                   "suspended_by": None, "suspended_at": None})


def _repository(context: Context) -> Repository | None:
    return context.state.find(f"{context.parameters['owner']}/{context.parameters['repo']}")


def create_installation_token(context: Context) -> Response:
    """A token for an hour, narrowed as asked; asking for more than the App has is refused."""
    app = check_jwt(context.request, context.state)
    if context.parameters["installation_id"] != str(app.installation_id):
        raise not_found()
    body = context.body()
    permissions = _narrowed(app, body.get("permissions"))
    repositories = _chosen(context, app, body)
    # The new stateless form: hundreds of bytes, so that nobody keeps a 40-byte buffer.
    text = f"ghs_{app.id}_" + random_secrets.token_urlsafe(240)
    expires = context.now + 3600
    context.state.tokens[text] = Token(text, f"{app.slug}[bot]", permissions, repositories, expires, installation=True)
    return answer({"token": text, "expires_at": context.state.clock.stamp(expires), "permissions": permissions,
                   "repository_selection": "all" if repositories is None else "selected"}, 201)


def _narrowed(app: App, asked: Any) -> dict[str, str]:
    if asked is None:
        return dict(app.permissions)
    for name, level in asked.items():
        have = app.permissions.get(name, "")
        if level not in ("read", "write") or not (have == "write" or have == level):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    return {**asked, "metadata": "read"}


def _chosen(context: Context, app: App, body: dict[str, Any]) -> list[str] | None:
    if "repository_ids" not in body and "repositories" not in body:
        return None
    chosen = []
    for wanted in body.get("repository_ids", []):
        chosen.append(context.state.find_id(wanted))
    for wanted in body.get("repositories", []):
        chosen.append(context.state.find(f"{app.owner}/{wanted}"))
    if not chosen or None in chosen:
        raise invalid("Installation", "repository_ids", "invalid", "There is at least one repository that does not exist or is not accessible "
                      "to the parent installation.")
    return [repository.full_name for repository in chosen if repository]
