#!/usr/bin/env python3
"""Write one GitHub Actions secret through the real API: fetch the public key, seal the value, PUT it.

    echo -n VALUE | github_secret.py --github URL --repository OWNER/NAME --token-file FILE NAME

It plays "someone else" in demos: the change arrives the way any other tool's would. Standard library and libsodium only.
The value comes from stdin and the token from a file or $GITHUB_TOKEN, so that neither shows in a process list.
"""
from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from sandbox import sodium  # noqa: E402


def call(method: str, url: str, token: str, body: Any = None) -> tuple[int, Any]:
    """One API call; raises HTTPError for 4xx and 5xx."""
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), {
        "Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "github-secret-tool", "Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return answer.status, json.loads(text) if text else None


def put_secret(github: str, repository: str, token: str, name: str, value: bytes) -> int:
    """Seal and store; returns 201 (new) or 204 (overwritten)."""
    base = f"{github.rstrip('/')}/repos/{repository}/actions/secrets"
    _, key = call("GET", f"{base}/public-key", token)
    box = sodium.seal(value, base64.b64decode(key["key"]))
    status, _ = call("PUT", f"{base}/{name}", token, {"encrypted_value": base64.b64encode(box).decode(), "key_id": key["key_id"]})
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--github", default=os.environ.get("GITHUB_API_URL", "https://api.github.com"), metavar="URL")
    parser.add_argument("--repository", default="john-doe/mlops-project", metavar="OWNER/NAME")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="default: $GITHUB_TOKEN")
    parser.add_argument("name", help="name of the secret; the value comes from stdin, as it is")
    arguments = parser.parse_args()
    token = arguments.token_file.read_text().strip() if arguments.token_file else os.environ.get("GITHUB_TOKEN", "")
    if not token:
        parser.error("no token: give --token-file or set GITHUB_TOKEN")
    try:
        status = put_secret(arguments.github, arguments.repository, token, arguments.name, sys.stdin.buffer.read())
    except urllib.error.HTTPError as error:
        print(f"github_secret: {error.code} {error.read().decode(errors='replace')[:200]}", file=sys.stderr)
        return 1
    except (urllib.error.URLError, sodium.SodiumError) as error:
        print(f"github_secret: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.name} {'created' if status == 201 else 'overwritten'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
