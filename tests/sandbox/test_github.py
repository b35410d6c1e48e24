"""The GitHub server: secrets, limits, headers, tokens, the App."""
from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import unittest

from support import R, TREE, GithubTest


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Secrets(GithubTest):
    def test_write_read_overwrite_delete(self) -> None:
        first = self.put("aws_role_arn", b"value one")
        self.assertEqual((first.status, first.json), (201, {}))
        shown = self.github("GET", f"{R}/actions/secrets/AWS_ROLE_ARN").json
        self.assertEqual(set(shown), {"name", "created_at", "updated_at"})
        self.assertEqual((shown["name"], shown["created_at"]), ("AWS_ROLE_ARN", shown["updated_at"]))
        self.assertRegex(shown["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        time.sleep(1.1)
        second = self.put("AWS_ROLE_ARN", b"value two")
        self.assertEqual((second.status, second.body), (204, b""))
        again = self.github("GET", f"{R}/actions/secrets/aws_role_arn").json
        self.assertEqual(again["created_at"], shown["created_at"])
        self.assertGreater(again["updated_at"], shown["updated_at"])
        self.assertEqual(self.cloud.github_secrets(), {"AWS_ROLE_ARN": "value two"})
        self.assertEqual(self.github("DELETE", f"{R}/actions/secrets/AWS_ROLE_ARN").status, 204)
        self.assertEqual(self.github("DELETE", f"{R}/actions/secrets/AWS_ROLE_ARN").status, 404)

    def test_box_must_open(self) -> None:
        good = self.seal(b"x")
        flipped = bytearray(base64.b64decode(good["encrypted_value"]))
        flipped[-1] ^= 1
        for what, body in {"plain text": {**good, "encrypted_value": base64.b64encode(b"x" * 60).decode()},
                           "no base64": {**good, "encrypted_value": "%%%"}, "too short": {**good, "encrypted_value": "AAAA"},
                           "one bit": {**good, "encrypted_value": base64.b64encode(flipped).decode()},
                           "key id": {**good, "key_id": "1"}}.items():
            with self.subTest(what):
                answer = self.github("PUT", f"{R}/actions/secrets/A", body)
                self.assertEqual(answer.status, 422)
                self.assertEqual(answer.json["errors"][0]["code"], "invalid")
        self.assertEqual(self.github("PUT", f"{R}/actions/secrets/A", {"key_id": good["key_id"]}).status, 422)
        self.assertEqual(self.github("PUT", f"{R}/actions/secrets/A", b"{").status, 400)
        self.assertEqual(self.cloud.github_secrets(), {})

    def test_rotated_key(self) -> None:
        old = self.seal(b"x")
        self.cloud.control("POST", "/github/rotate-key", {})
        self.assertEqual(self.github("PUT", f"{R}/actions/secrets/A", old).status, 422)
        self.assertEqual(self.put("A").status, 201)

    def test_names(self) -> None:
        for name in ("1A", "A-B", "GITHUB_TOKEN", "github_x", "A%20B", "%C3%84"):
            self.assertEqual(self.put(name).status, 422, name)
        for name in ("GH_PAT", "_x", "a1"):
            self.assertEqual(self.put(name).status, 201, name)

    def test_binary_empty_and_large_values(self) -> None:
        self.assertEqual(self.put("BINARY", bytes(range(256))).status, 201)
        self.assertEqual(self.put("EMPTY", b"").status, 201)
        self.assertEqual(self.put("LARGE", b"x" * 49152).status, 201)
        self.assertEqual(self.put("LARGER", b"x" * 49153).status, 422)
        kept = self.cloud.control("GET", "/github/secrets")["secrets"]
        self.assertEqual(base64.b64decode(kept["BINARY"]["base64"]), bytes(range(256)))

    def test_paging_and_the_hundredth_secret(self) -> None:
        for number in range(100):
            self.cloud.overwrite_github_secret(f"S{number:03}", "x")
        self.assertEqual(self.put("S100").status, 422)
        self.assertEqual(self.put("S099").status, 204)
        names, path = [], f"{R}/actions/secrets?per_page=30"
        while path:
            page = self.github("GET", path)
            self.assertEqual(page.json["total_count"], 100)
            names += [secret["name"] for secret in page.json["secrets"]]
            links = {part.split("; ")[1]: part.split("; ")[0].strip("<> ") for part in page.headers.get("Link", "").split(",") if part}
            path = links.get('rel="next"', "").removeprefix(self.cloud.github)
        self.assertEqual(len(set(names)), 100)
        self.assertIsNone(self.github("GET", f"{R}/actions/secrets?per_page=100").headers.get("Link"))
        self.assertEqual(len(self.github("GET", f"{R}/actions/secrets").json["secrets"]), 30)

    def test_no_secret_in_the_log(self) -> None:
        self.put("A", b"very secret")
        records = self.cloud.log()
        self.assertNotIn("very secret", json.dumps(records))
        self.assertNotIn("ghp_", json.dumps(records))
        last = records[-1]
        self.assertEqual((last["server"], last["operation"], last["write"], last["status"], last["resources"]),
                         ("github", "actions/create-or-update-repo-secret", True, 201, ["john-doe/mlops-project", "A"]))

    def test_someone_else(self) -> None:
        self.put("A", b"ours")
        time.sleep(1.1)
        self.cloud.overwrite_github_secret("A", "theirs")
        shown = self.github("GET", f"{R}/actions/secrets/A").json
        self.assertGreater(shown["updated_at"], shown["created_at"])
        self.assertEqual(self.cloud.github_secrets(), {"A": "theirs"})

    def test_tool_writes_through_the_api(self) -> None:
        tool = TREE / "sandbox" / "tools" / "github_secret.py"
        result = subprocess.run([sys.executable, tool, "--github", self.cloud.github, "A"], input=b"by hand",
                                env={**os.environ, "GITHUB_TOKEN": "ghp_sandbox"}, capture_output=True, timeout=20)
        self.assertEqual((result.returncode, result.stdout), (0, b"A created\n"), result.stderr)
        self.assertEqual(self.cloud.github_secrets(), {"A": "by hand"})


class Protocol(GithubTest):
    def test_required_headers(self) -> None:
        self.assertEqual(self.github("GET", R, User_Agent=None).status, 403)
        self.assertEqual(self.github("GET", R, X_GitHub_Api_Version="2020-01-01").status, 400)
        self.assertEqual(self.github("GET", R, X_GitHub_Api_Version=None).status, 200)
        self.assertEqual(self.github("GET", R, Accept="image/png").status, 415)
        self.assertEqual(self.github("GET", R + "/").status, 404, "no trailing slash")

    def test_answer_headers(self) -> None:
        answer = self.github("GET", R)
        for name in ("Date", "X-GitHub-Request-Id", "ETag", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-used",
                     "x-ratelimit-reset", "x-ratelimit-resource"):
            self.assertIn(name, answer.headers)
        self.assertEqual(answer.headers["Content-Type"], "application/json; charset=utf-8")

    def test_etag(self) -> None:
        first = self.github("GET", f"{R}/actions/secrets")
        again = self.github("GET", f"{R}/actions/secrets", If_None_Match=first.headers["ETag"])
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertEqual(again.headers["x-ratelimit-used"], first.headers["x-ratelimit-used"], "a 304 is free")
        other = self.github("GET", f"{R}/actions/secrets", token="ghp_sandboxexpiring", If_None_Match=first.headers["ETag"])
        self.assertEqual(other.status, 200, "the tag belongs to one token")
        self.cloud.overwrite_github_secret("A", "x")
        self.assertEqual(self.github("GET", f"{R}/actions/secrets", If_None_Match=first.headers["ETag"]).status, 200)

    def test_tokens(self) -> None:
        secrets = f"{R}/actions/secrets"
        self.assertEqual(self.github("GET", secrets, token="ghp_wrong").json["message"], "Bad credentials")
        self.assertEqual(self.github("GET", secrets, token="ghp_sandboxexpired").status, 401)
        self.assertEqual(self.github("GET", secrets, token=None).status, 404, "a private repository is hidden")
        self.assertEqual(self.github("GET", secrets, token="github_pat_sandboxelsewhere").status, 404)
        refused = self.github("GET", secrets, token="github_pat_sandboxnosecrets")
        self.assertEqual((refused.status, refused.headers["X-Accepted-GitHub-Permissions"]), (403, "secrets=read"))
        self.assertEqual(self.github("GET", secrets, token="github_pat_sandboxreadonly").status, 200)
        body = self.seal(b"x")
        self.assertEqual(self.github("PUT", f"{secrets}/A", body, token="github_pat_sandboxreadonly").status, 403)
        self.assertEqual(self.github("GET", "/user", token=None).status, 401)
        self.assertEqual(self.github("GET", "/user").json["login"], "john-doe")
        self.assertEqual(self.github("GET", R).headers["X-OAuth-Scopes"], "repo, workflow")
        expiring = self.github("GET", R, token="ghp_sandboxexpiring")
        self.assertRegex(expiring.headers["github-authentication-token-expiration"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$")
        self.cloud.control("DELETE", "/github/tokens?token=ghp_sandbox")
        self.assertEqual(self.github("GET", R).status, 401)

    def test_primary_limit(self) -> None:
        self.cloud.control("POST", "/github/rate", {"used": 4999})
        self.assertEqual(self.github("GET", R).headers["x-ratelimit-remaining"], "0")
        limited = self.github("GET", R)
        self.assertEqual(limited.status, 403)
        self.assertIn("rate limit exceeded", limited.json["message"])
        self.assertEqual(limited.headers["x-ratelimit-remaining"], "0")
        free = self.github("GET", "/rate_limit")
        self.assertEqual((free.status, free.json["resources"]["core"]["remaining"]), (200, 0))
        self.assertIn("rate", free.json)
        self.assertNotIn("rate", self.github("GET", "/rate_limit", X_GitHub_Api_Version="2026-03-10").json)

    def test_variables(self) -> None:
        path = f"{R}/actions/variables"
        self.assertEqual(self.github("POST", path, {"name": "region", "value": "us-east-1"}).status, 201)
        self.assertEqual(self.github("POST", path, {"name": "REGION", "value": "x"}).status, 409)
        self.assertEqual(self.github("GET", f"{path}/region").json["value"], "us-east-1")
        self.assertEqual(self.github("PATCH", f"{path}/REGION", {"value": "eu-west-1", "name": "PLACE"}).status, 204)
        self.assertEqual([v["name"] for v in self.github("GET", path).json["variables"]], ["PLACE"])
        self.assertEqual(self.github("DELETE", f"{path}/PLACE").status, 204)
        self.assertEqual(self.github("GET", f"{path}/PLACE").status, 404)

    def test_oidc(self) -> None:
        path = f"{R}/actions/oidc/customization/sub"
        self.assertEqual(self.github("GET", path).json, {"use_default": True, "use_immutable_subject": False,
                                                         "sub_claim_prefix": "repo:john-doe/mlops-project"})
        self.assertEqual(self.github("PUT", path, {"use_default": False, "include_claim_keys": ["repo", "context"]}).status, 201)
        self.assertEqual(self.github("GET", path).json["include_claim_keys"], ["repo", "context"])
        self.assertEqual(self.github("PUT", path, {}).status, 422)
        self.github("PUT", path, {"use_default": True, "use_immutable_subject": True})
        self.assertRegex(self.github("GET", path).json["sub_claim_prefix"], r"^repo:john-doe@\d+/mlops-project@\d+$")

    def test_young_repository_has_the_immutable_form(self) -> None:
        self.cloud.control("POST", "/github/repository", {"repository": "jane/new", "id": 7, "owner_id": 5, "created": 1784700000})
        answer = self.github("GET", "/repos/jane/new/actions/oidc/customization/sub").json
        self.assertEqual(answer["sub_claim_prefix"], "repo:jane@5/new@7")

    def test_rename_redirects(self) -> None:
        self.cloud.control("POST", "/github/repository", {"repository": "john-doe/mlops-project", "rename_to": "john-doe/renamed"})
        moved = self.github("GET", f"{R}/actions/secrets")
        self.assertEqual((moved.status, moved.json["message"]), (301, "Moved Permanently"))
        self.assertTrue(moved.headers["Location"].endswith("/actions/secrets"))
        self.assertEqual(self.github("GET", moved.headers["Location"].removeprefix(self.cloud.github)).status, 200)
        self.assertEqual(self.github("GET", "/repos/John-Doe/Renamed").json["full_name"], "john-doe/renamed")

    def test_permissions_and_archive(self) -> None:
        self.assertEqual(self.github("GET", f"{R}/actions/permissions").json["allowed_actions"], "all")
        self.assertEqual(self.github("GET", f"{R}/actions/permissions/selected-actions").status, 409)
        self.assertEqual(self.github("PUT", f"{R}/actions/permissions", {"enabled": True, "allowed_actions": "selected"}).status, 204)
        self.assertEqual(self.github("GET", f"{R}/actions/permissions/selected-actions").status, 200)
        self.assertEqual(self.github("GET", f"{R}/actions/permissions/workflow").json["default_workflow_permissions"], "read")
        self.assertEqual(self.github("GET", f"{R}/actions/workflows/deploy.yaml").json["state"], "active")
        self.cloud.control("POST", "/github/repository", {"repository": "john-doe/mlops-project", "archived": True})
        self.assertEqual(self.put("A").status, 403)


class AppTokens(GithubTest):
    def setUp(self) -> None:
        super().setUp()
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.app = self.cloud.control("POST", "/github/app", {"public_key_pem": pem.decode()})

    def jwt(self, **changed: object) -> str:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + 540, "iss": self.app["client_id"], **changed}
        text = f'{_segment(json.dumps({"alg": "RS256", "typ": "JWT"}).encode())}.{_segment(json.dumps(claims).encode())}'
        return f"{text}.{_segment(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def test_installation_token(self) -> None:
        self.assertEqual(self.github("GET", "/app", token=self.jwt()).json["id"], self.app["id"])
        installation = self.github("GET", f"{R}/installation", token=self.jwt()).json["id"]
        repository = self.github("GET", R).json["id"]
        answer = self.github("POST", f"/app/installations/{installation}/access_tokens",
                             {"repository_ids": [repository], "permissions": {"secrets": "write"}}, token=self.jwt())
        self.assertEqual(answer.status, 201)
        token = answer.json["token"]
        self.assertGreater(len(token), 200, "the stateless form is long")
        self.assertEqual(self.github("GET", f"{R}/actions/secrets", token=token).status, 200)
        self.assertEqual(self.github("GET", f"{R}/actions/variables", token=token).status, 403)
        self.cloud.control("POST", "/clock", {"offset": 3700})
        self.assertEqual(self.github("GET", f"{R}/actions/secrets", token=token).status, 401)

    def test_refused_jwts(self) -> None:
        now = int(time.time())
        for what, token in {"late": self.jwt(exp=now + 700), "past": self.jwt(exp=now - 1), "future": self.jwt(iat=now + 60),
                            "spoilt": self.jwt()[:-8] + "AAAAAAAA", "none": "abc"}.items():
            self.assertEqual(self.github("GET", "/app", token=token).status, 401, what)
        self.assertEqual(self.github("GET", "/app", token=self.jwt(iss="other")).status, 404)
        self.assertEqual(self.github("POST", "/app/installations/1/access_tokens", {}, token=self.jwt()).status, 404)
        asked = {"permissions": {"packages": "write"}}
        self.assertEqual(self.github("POST", "/app/installations/31337000/access_tokens", asked, token=self.jwt()).status, 422)


if __name__ == "__main__":
    unittest.main()
