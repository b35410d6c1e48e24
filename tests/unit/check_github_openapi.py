#!/usr/bin/env python3
"""Every request of the GitHub client against GitHub's own description of its API.

usage: MLOPSD_SPECS=DIR check_github_openapi.py [PATH-OF-github_probe]
DIR holds github-openapi-subset.json. exit 77: no such file.
"""
import json
import os
import re
import subprocess
import sys
import urllib.parse

PROBE = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GITHUB_PROBE", "./tests/unit/github_probe")
BASE = "https://api.github.com"
EXPECTED = {
    ("GET", "/repos/{owner}/{repo}"),
    ("GET", "/repos/{owner}/{repo}/actions/permissions"),
    ("GET", "/repos/{owner}/{repo}/actions/secrets"),
    ("GET", "/repos/{owner}/{repo}/actions/secrets/{secret_name}"),
    ("GET", "/repos/{owner}/{repo}/actions/secrets/public-key"),
    ("PUT", "/repos/{owner}/{repo}/actions/secrets/{secret_name}"),
    ("DELETE", "/repos/{owner}/{repo}/actions/secrets/{secret_name}"),
    ("GET", "/repos/{owner}/{repo}/actions/oidc/customization/sub"),
    ("GET", "/repos/{owner}/{repo}/installation"),
    ("POST", "/app/installations/{installation_id}/access_tokens"),
}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}


class Description:
    def __init__(self, text):
        self.document = json.loads(text)

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def find(self, method, path):
        """The template with the fewest parameters that fits, and its operation."""
        fits = []
        for template, item in self.document["paths"].items():
            pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/"))
            if re.fullmatch(pattern, path) and method.lower() in item:
                fits.append((template.count("{"), template, item))
        assert fits, f"{method} {path}: not in the description"
        _, template, item = min(fits, key=lambda fit: fit[0])
        return template, item, item[method.lower()]

    def validate(self, value, schema, where):
        schema = self.resolve(schema)
        expected = TYPES.get(schema.get("type"))
        if expected:
            assert isinstance(value, expected) and not (expected is int and isinstance(value, bool)), f"{where}: type"
        if "enum" in schema:
            assert value in schema["enum"], f"{where}: {value!r} is none of {schema['enum']}"
        if "pattern" in schema:
            assert re.search(schema["pattern"], value), f"{where}: pattern"
        for name in schema.get("required", []):
            assert name in value, f"{where}: {name} is missing"
        if isinstance(value, dict):
            for name, member in value.items():
                assert name in schema.get("properties", {}), f"{where}: {name} is not described"
                self.validate(member, schema["properties"][name], f"{where}.{name}")
        if isinstance(value, list):
            for index, element in enumerate(value):
                self.validate(element, schema["items"], f"{where}[{index}]")


def check_headers(request):
    headers = dict(line.split(": ", 1) for line in request["headers"].splitlines())
    assert headers["User-Agent"].startswith("mlopsd/"), headers
    assert headers["Accept"] == "application/vnd.github+json", headers
    assert headers["X-GitHub-Api-Version"] == "2022-11-28", headers
    assert headers["Authorization"].startswith("Bearer "), "no bearer token"
    assert ("body" in request) == (headers.get("Content-Type") == "application/json"), headers


def check_request(description, request):
    assert request["url"].startswith(BASE + "/"), request["url"]
    url = urllib.parse.urlsplit(request["url"])
    template, item, operation = description.find(request["method"], url.path)
    described = [description.resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
    queries = {p["name"]: p for p in described if p["in"] == "query"}
    for name, value in urllib.parse.parse_qsl(url.query, strict_parsing=True) if url.query else []:
        assert name in queries, f"{template}: query {name} is not described"
        description.validate(int(value) if value.isdigit() else value, queries[name]["schema"], name)
    body = operation.get("requestBody")
    if "body" in request:
        assert body, f"{template}: takes no body"
        description.validate(json.loads(request["body"]), body["content"]["application/json"]["schema"], template)
    else:
        assert not (body and body.get("required")), f"{template}: the body is missing"
    check_headers(request)
    return request["method"], template


def main():
    path = os.path.join(os.environ.get("MLOPSD_SPECS", ""), "github-openapi-subset.json")
    if not os.environ.get("MLOPSD_SPECS") or not os.path.exists(path):
        print("skipped: MLOPSD_SPECS names no directory with github-openapi-subset.json")
        return 77
    with open(path, encoding="utf-8") as file:
        description = Description(file.read())
    lines = subprocess.run([PROBE, "requests"], check=True, stdout=subprocess.PIPE).stdout.splitlines()
    seen = {check_request(description, json.loads(line)) for line in lines}
    assert seen == EXPECTED, f"not seen: {EXPECTED - seen}; not expected: {seen - EXPECTED}"
    print(f"{len(lines)} requests of {len(seen)} operations fit the description")
    return 0


if __name__ == "__main__":
    sys.exit(main())
