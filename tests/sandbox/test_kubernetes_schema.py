"""The Kubernetes server's table and objects against Kubernetes' own API description.

The description does not ship with the tree: set MLOPS_KUBERNETES_OPENAPI to an OpenAPI 2.0 file of v1.35; without it this is skipped.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from typing import Any

import test_kubernetes as objects
from support import TREE

try:
    import jsonschema
except ImportError:
    jsonschema = None  # type: ignore[assignment]

DESCRIPTION = os.environ.get("MLOPS_KUBERNETES_OPENAPI", "")
GROUPS = {"v1": "core.v1", "apps/v1": "apps.v1"}


def plain(node: Any) -> Any:
    """The description in the words of JSON Schema: quantities and ports may be numbers, eventTime may be null."""
    if isinstance(node, list):
        return [plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "int-or-string" or "Quantity is a fixed-point" in str(node.get("description", "")):
        return {"type": ["string", "integer", "number"]}
    node = {key: plain(value) for key, value in node.items()}
    if node.get("format") == "date-time":
        node["type"] = ["string", "null"]
    if "properties" in node:
        node["additionalProperties"] = False
    return node


@unittest.skipUnless(DESCRIPTION, "MLOPS_KUBERNETES_OPENAPI is not set")
class Table(unittest.TestCase):
    def test_made_from_the_description(self) -> None:
        made = subprocess.run([sys.executable, TREE / "sandbox/tools/kubernetes_schema.py", DESCRIPTION], capture_output=True, check=True)
        self.assertEqual(json.loads(made.stdout), json.loads((TREE / "sandbox/kubernetes/schema.json").read_text()))


@unittest.skipUnless(DESCRIPTION, "MLOPS_KUBERNETES_OPENAPI is not set")
@unittest.skipUnless(jsonschema, "jsonschema is not installed")
class Stored(objects.KubernetesTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        with open(DESCRIPTION, encoding="utf-8") as file:
            cls.definitions = plain(json.load(file)["definitions"])

    def check(self, name: str, value: Any) -> None:
        reference = {"$ref": f"#/definitions/{name}", "definitions": self.definitions}
        errors = list(jsonschema.Draft4Validator(reference).iter_errors(value))
        self.assertEqual([f"{'.'.join(map(str, error.path))}: {error.message[:200]}" for error in errors], [])

    def test_objects(self) -> None:
        probe = {"httpGet": {"path": "/health", "port": 5000}}
        self.good(self.api.apply(f"{objects.SPACE}/secrets/database", objects.secret(uri="x")))
        self.good(self.api.apply(objects.WEB, objects.deployment(readinessProbe=probe, securityContext=objects.HARDENED)))
        self.good(self.api.apply(f"{objects.SPACE}/services/web", objects.service()))
        self.wait(self.rolled_out)
        self.wait(lambda: self.get(f"{objects.SPACE}/services/web")["status"]["loadBalancer"])
        stored = objects.cluster_of(self.cloud, objects.CLUSTER)["objects"]
        self.assertEqual({item["kind"] for item in stored}, {
            "Namespace", "ServiceAccount", "Secret", "ConfigMap", "Service", "Pod", "Event", "Deployment", "ReplicaSet"})
        for item in stored:
            with self.subTest(f"{item['kind']} {item['metadata']['name']}"):
                self.check(f"io.k8s.api.{GROUPS[item['apiVersion']]}.{item['kind']}", item)

    def test_lists_discovery_and_refusals(self) -> None:
        self.good(self.api.apply(objects.WEB, objects.deployment()))
        meta = "io.k8s.apimachinery.pkg.apis.meta.v1"
        for path, name in ((objects.DEPLOYMENTS, "io.k8s.api.apps.v1.DeploymentList"),
                           (objects.NAMESPACES, "io.k8s.api.core.v1.NamespaceList"),
                           ("/api", f"{meta}.APIVersions"), ("/apis", f"{meta}.APIGroupList"), ("/api/v1", f"{meta}.APIResourceList"),
                           ("/apis/apps/v1", f"{meta}.APIResourceList"), ("/version", "io.k8s.apimachinery.pkg.version.Info"),
                           (f"{objects.WEB}/scale", "io.k8s.api.autoscaling.v1.Scale")):
            with self.subTest(path):
                self.check(name, self.get(path))
        self.check(f"{meta}.Status", self.bad(404, self.api("GET", f"{objects.SPACE}/secrets/absent")))
        self.check(f"{meta}.Status", self.bad(422, self.api("POST", objects.NAMESPACES, objects.namespace("Bad_Name"))))


if __name__ == "__main__":
    unittest.main()
