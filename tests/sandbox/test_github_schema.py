"""GitHub's answers against GitHub's own API description.

The description does not ship with the tree: set MLOPS_GITHUB_OPENAPI to an OpenAPI 3.0 file of the REST API; without it this is skipped.
"""
from __future__ import annotations

import json
import os
import unittest
from pathlib import Path
from typing import Any

from support import R, GithubTest

try:
    import jsonschema
except ImportError:
    jsonschema = None  # type: ignore[assignment]

DESCRIPTION = os.environ.get("MLOPS_GITHUB_OPENAPI", "")
# template, method, path, body
CALLS: tuple[tuple[str, str, str, Any], ...] = (
    ("/repos/{owner}/{repo}", "GET", R, None),
    ("/repos/{owner}/{repo}/actions/secrets", "GET", f"{R}/actions/secrets", None),
    ("/repos/{owner}/{repo}/actions/secrets/public-key", "GET", f"{R}/actions/secrets/public-key", None),
    ("/repos/{owner}/{repo}/actions/secrets/{secret_name}", "GET", f"{R}/actions/secrets/A", None),
    ("/repos/{owner}/{repo}/actions/variables", "POST", f"{R}/actions/variables", {"name": "V", "value": "x"}),
    ("/repos/{owner}/{repo}/actions/variables", "GET", f"{R}/actions/variables", None),
    ("/repos/{owner}/{repo}/actions/variables/{name}", "GET", f"{R}/actions/variables/V", None),
    ("/repos/{owner}/{repo}/actions/variables/{name}", "PATCH", f"{R}/actions/variables/V", {"value": "y"}),
    ("/repos/{owner}/{repo}/actions/variables/{name}", "DELETE", f"{R}/actions/variables/V", None),
    ("/repos/{owner}/{repo}/actions/oidc/customization/sub", "GET", f"{R}/actions/oidc/customization/sub", None),
    ("/repos/{owner}/{repo}/actions/oidc/customization/sub", "PUT", f"{R}/actions/oidc/customization/sub", {"use_default": True}),
    ("/repos/{owner}/{repo}/actions/permissions", "GET", f"{R}/actions/permissions", None),
    ("/repos/{owner}/{repo}/actions/permissions", "PUT", f"{R}/actions/permissions", {"enabled": True, "allowed_actions": "selected"}),
    ("/repos/{owner}/{repo}/actions/permissions/selected-actions", "GET", f"{R}/actions/permissions/selected-actions", None),
    ("/repos/{owner}/{repo}/actions/permissions/workflow", "GET", f"{R}/actions/permissions/workflow", None),
    ("/repos/{owner}/{repo}/actions/workflows", "GET", f"{R}/actions/workflows", None),
    ("/repos/{owner}/{repo}/actions/workflows/{workflow_id}", "GET", f"{R}/actions/workflows/161335", None),
    ("/rate_limit", "GET", "/rate_limit", None),
    ("/user", "GET", "/user", None),
    ("/meta", "GET", "/meta", None),
)


def plain(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in JSON Schema's words."""
    if isinstance(node, list):
        return [plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: plain(value) for key, value in node.items() if key not in ("example", "examples")}
    return {"anyOf": [node, {"type": "null"}]} if node.pop("nullable", False) else node


@unittest.skipUnless(DESCRIPTION, "MLOPS_GITHUB_OPENAPI is not set")
@unittest.skipUnless(jsonschema, "jsonschema is not installed")
class Schema(GithubTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        document = json.loads(Path(DESCRIPTION).read_text())
        cls.paths = document["paths"]
        cls.components = plain(document["components"])

    def check(self, schema: Any, value: Any) -> None:
        jsonschema.Draft7Validator({**plain(schema), "components": self.components}).validate(value)

    def test_answers(self) -> None:
        self.assertEqual(self.put("A").status, 201)
        for template, method, path, body in CALLS:
            with self.subTest(f"{method} {path}"):
                operation = self.paths[template][method.lower()]
                if body is not None:
                    self.check(operation["requestBody"]["content"]["application/json"]["schema"], body)
                answer = self.github(method, path, body)
                self.assertIn(str(answer.status), operation["responses"], answer.body)
                described = operation["responses"][str(answer.status)]
                content = described.get("content", {}).get("application/json")
                if content:
                    self.check(content["schema"], answer.json)

    def test_refusals(self) -> None:
        for answer in (self.github("GET", "/user", token="wrong"), self.github("GET", f"{R}/actions/secrets/ABSENT"),
                       self.github("PUT", f"{R}/actions/secrets/A", {"encrypted_value": "x", "key_id": "y"})):
            self.check(self.components["schemas"]["basic-error"], {k: v for k, v in answer.json.items() if k != "errors"})


if __name__ == "__main__":
    unittest.main()
