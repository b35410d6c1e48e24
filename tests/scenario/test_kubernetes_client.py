"""The Kubernetes client against an API server: its trust, its token, applies, conflicts, and Secrets that stay secret.

The kinds come later; here the client alone is driven, by tests/unit/kube_call_tool.
"""
from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.sandbox import OTHER_ACCESS_KEY, OTHER_SECRET_KEY, Sandbox, start_sandbox  # noqa: E402

BUILD = Path(os.environ.get("MLOPSD_BUILD") or Path(__file__).resolve().parents[2])
TOOL = BUILD / "tests" / "unit" / "kube_call_tool"
SECRET = "postgresql+psycopg2://u:hunter2@h:5432/d"
TEXT = "é 😀 / \u2028 \x7f \t \\ \""


def deployment(**spec: Any) -> dict[str, Any]:
    container = {"name": "mlflow", "image": "ghcr.io/mlflow/mlflow:v3.9.0-full", "env": [{"name": "TEXT", "value": TEXT}]}
    template = {"metadata": {"labels": {"app": "mlflow"}}, "spec": {"containers": [container]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mlflow"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "mlflow"}}, "template": template, **spec}}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mlflow"}}
CREDENTIALS = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "database"}}


def call(verb: str, about: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """About an object, the Deployment unless said otherwise; what applies sends it."""
    about = about or deployment()
    space = {} if about["kind"] == "Namespace" else {"namespace": "mlflow"}
    given = {"verb": verb, "api_version": about["apiVersion"], "kind": about["kind"], "name": about["metadata"]["name"], **space}
    return {**given, **({"body": about} if verb in ("apply", "dry_run") else {}), **more}


@unittest.skipUnless(TOOL.exists(), "needs tests/unit/kube_call_tool: make check builds it")
class KubernetesClientTest(unittest.TestCase):
    cloud: Sandbox

    @classmethod
    def setUpClass(cls) -> None:
        cls.cloud = cls.enterClassContext(start_sandbox())

    def setUp(self) -> None:
        self.cloud.reset()
        self.cluster = self.cloud.control("POST", "/kubernetes/clusters", {"name": "mlops"})
        self.output = ""

    def ask(self, *calls: dict[str, Any], name: str = "mlops", authority: str | None = None, **keys: str) -> list[dict[str, Any]]:
        command = [str(TOOL), name, self.cluster["endpoint"], authority or self.cluster["certificate_authority_data"]]
        ran = subprocess.run(command, input="".join(json.dumps(one) + "\n" for one in calls), text=True, capture_output=True, timeout=60,
                             env={**os.environ, **self.cloud.environment(**keys)})
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.output = ran.stdout
        answers = [json.loads(line) for line in ran.stdout.rstrip("\n").split("\n")]
        self.assertEqual(len(answers), len(calls), ran.stderr)
        return answers

    def test_apply_arrives_as_it_was_meant(self) -> None:
        missing, _, made, same, read = self.ask(call("apply", deployment()), call("apply", NAMESPACE), call("apply", deployment()),
                                                call("dry_run", deployment()), call("get"))
        self.assertEqual((missing["class"], missing["wire_code"]), ("absent", "NotFound"))
        self.assertIn('namespaces "mlflow" not found', missing["text"])
        self.assertEqual((made["status"], same["status"], read["status"]), (201, 200, 200))
        container = read["body"]["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual(container["env"][0]["value"], TEXT)
        self.assertEqual(container["image"], "ghcr.io/mlflow/mlflow:v3.9.0-full")
        self.assertEqual([(entry["manager"], entry["operation"]) for entry in read["body"]["metadata"]["managedFields"][:1]],
                         [("mlopsd", "Apply")])

    def test_refusals_say_why(self) -> None:
        _, _, unknown, kind, absent = self.ask(call("apply", NAMESPACE), call("apply", deployment()), call("apply", deployment(replicaz=2)),
                                               {**call("get"), "api_version": "example.org/v1", "kind": "Thing"}, call("get", name="other"))
        self.assertEqual(unknown["class"], "invalid")
        self.assertIn("replicaz", unknown["text"])
        self.assertEqual(kind["class"], "invalid")
        self.assertIn("the cluster knows no Thing of example.org/v1", kind["text"])
        self.assertEqual(absent["class"], "absent")

    def test_values_of_a_secret_stay_in_the_cluster(self) -> None:
        _, made, listed, bad, gone = self.ask(call("apply", NAMESPACE), call("apply", CREDENTIALS, hidden={"uri": SECRET}),
                                              {"verb": "list", "api_version": "v1", "kind": "Secret", "namespace": "mlflow"},
                                              call("apply", CREDENTIALS, hidden={"not/a key": SECRET}), call("delete", CREDENTIALS))
        fingerprint = made["body"]["data"]["uri"]["secret"]
        self.assertIn(fingerprint, [item["data"].get("uri", {}).get("secret") for item in listed["body"]["items"]])
        self.assertEqual(bad["class"], "invalid")
        self.assertIn(gone["status"], (200, 202))
        for form in (SECRET, "hunter2", base64.b64encode(SECRET.encode()).decode()[:20]):
            self.assertNotIn(form, self.output)

    def test_a_cluster_knows_whose_token_it_is(self) -> None:
        stranger = self.ask(call("get", NAMESPACE), access_key=OTHER_ACCESS_KEY, secret=OTHER_SECRET_KEY)[0]
        self.assertEqual(stranger["class"], "not_yet")
        self.assertIn("(401)", stranger["text"])
        elsewhere = self.ask(call("get", NAMESPACE), name="other")[0]  # a token for another cluster
        self.assertEqual(elsewhere["class"], "not_yet")

    def test_only_the_clusters_own_authority_is_trusted(self) -> None:
        mark = self.cloud.mark()
        pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        answer = self.ask(call("get", NAMESPACE), authority=base64.b64encode(pem).decode())[0]
        self.assertEqual(answer["class"], "denied")
        self.assertIn("is not trusted", answer["text"])
        self.assertEqual([record for record in self.cloud.log(mark) if record["service"] == "kubernetes"], [])


if __name__ == "__main__":
    unittest.main()
