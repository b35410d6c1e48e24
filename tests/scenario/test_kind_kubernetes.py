"""Objects of a cluster: made by server-side apply, changed by hand with kubectl, found with who did it, healed, deleted."""
from __future__ import annotations

import base64
import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.kinds import KindTest  # noqa: E402
from lib.kubernetes import cluster_of, kubectl, open_cluster  # noqa: E402
from lib.scenario import head  # noqa: E402

CLUSTER = "mlops"
NAMESPACE, SECRET, DEPLOYMENT, SERVICE = ("kubernetes_manifest.namespace", "kubernetes_secret.db", "kubernetes_manifest.mlflow",
                                          "kubernetes_manifest.service")
LABELS = {"app.kubernetes.io/name": "mlflow"}


def manifest(api_version: str, kind: str, name: str, namespace: str | None = "mlflow", labels: dict[str, str] | None = None,
             **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def deployment() -> dict[str, Any]:
    container = {"name": "mlflow", "image": "ghcr.io/mlflow/mlflow:v3.9.0-full", "command": ["mlflow", "server", "--host", "0.0.0.0"],
                 "env": [{"name": "MLFLOW_BACKEND_STORE_URI", "valueFrom": {"secretKeyRef": {"name": "db", "key": "uri"}}}],
                 "ports": [{"containerPort": 5000, "protocol": "TCP"}], "resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}}
    template = {"metadata": {"labels": LABELS, "annotations": {"mlflow/secret": "${kubernetes_secret.db.data_digest}"}},
                "spec": {"containers": [container]}}
    return manifest("apps/v1", "Deployment", "mlflow", labels=LABELS,
                    spec={"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template})


class Kubernetes(KindTest):
    def setUp(self) -> None:
        super().setUp()
        self.cloud.control("POST", "/durations", dict.fromkeys(
            ("kubernetes.deployment.rollout", "kubernetes.service.load-balancer", "kubernetes.service.delete"), 0.2))
        open_cluster(self.cloud, CLUSTER)

    def platform(self) -> dict[str, Any]:
        known = cluster_of(self.cloud, CLUSTER)
        cluster = {"name": CLUSTER, "endpoint": known["endpoint"], "certificate_authority": known["certificate_authority_data"]}
        document = head()
        service = manifest("v1", "Service", "mlflow", spec={"type": "LoadBalancer", "selector": LABELS,
                                                            "ports": [{"port": 80, "targetPort": 5000, "protocol": "TCP"}]})
        document["resources"] = {
            "random_password.db": {"length": 24, "special": False},
            NAMESPACE: {"cluster": cluster, "manifest": manifest("v1", "Namespace", "mlflow", None)},
            SECRET: {"cluster": cluster, "namespace": "mlflow", "name": "db", "depends_on": [NAMESPACE],
                     "data": {"uri": "postgresql://mlflow:${random_password.db.result}@db/mlflow", "ca.crt": "pem"}},
            SERVICE: {"cluster": cluster, "depends_on": [NAMESPACE], "manifest": service},
            DEPLOYMENT: {"cluster": cluster, "depends_on": [NAMESPACE], "manifest": deployment()}}
        document["outputs"] = {"host": {"value": "${kubernetes_manifest.service.load_balancer_hostname}"}}
        return document

    def kubectl(self, *arguments: str) -> str:
        return kubectl(self.cloud, CLUSTER, "-n", "mlflow", *arguments).stdout

    def get(self, *what: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", *what, "-o", "json"))
        return found

    def snapshot(self) -> dict[str, Any]:
        """What people would miss: specification, labels, values."""
        found: dict[str, Any] = {}
        for what in (("deployment", "mlflow"), ("service", "mlflow"), ("secret", "db")):
            live = self.get(*what)
            found[what[0]] = {"spec": live.get("spec"), "labels": live["metadata"].get("labels"), "data": live.get("data"),
                              "marks": sorted(key for key in live["metadata"]["annotations"] if key.startswith("mlopsd.io/"))}
        found["service"]["spec"] = {key: found["service"]["spec"][key] for key in ("type", "selector")}
        return found

    def patch(self, what: str, name: str, *operations: dict[str, Any]) -> None:
        self.kubectl("patch", what, name, "--type=json", "-p", json.dumps(operations))

    def test_whatever_kubectl_changes_is_found_and_healed(self) -> None:
        image, pod = "manifest.spec.template.spec.containers.0.image", "/spec/template/spec"
        label = 'manifest.metadata.labels["app.kubernetes.io/name"]'
        rounds = [
            [("manifest.spec.replicas", "changed", "warning", lambda: self.kubectl("scale", "deployment/mlflow", "--replicas=3"))],
            [(image, "changed", "warning", lambda: self.kubectl("set", "image", "deployment/mlflow", "mlflow=evil:1")),
             (label, "changed", "warning", lambda: self.kubectl("label", "--overwrite", "deployment/mlflow", "app.kubernetes.io/name=x"))],
            [(label, "missing", "warning", lambda: self.kubectl("label", "deployment/mlflow", "app.kubernetes.io/name-"))],
            [('manifest.spec.template.spec.containers["miner"]', "extra", "critical",
              lambda: self.patch("deployment", "mlflow", {"op": "add", "path": f"{pod}/containers/0", "value": {"name": "miner", "image": "x"}})),
             ('manifest.spec.template.spec.containers.0.env["LD_PRELOAD"]', "extra", "critical",
              lambda: self.kubectl("set", "env", "deployment/mlflow", "-c", "mlflow", "LD_PRELOAD=/x"))],
            [('tags["mlopsd:address"]', "missing", "notice", lambda: self.kubectl("annotate", "deployment/mlflow", "mlopsd.io/address-"))],
            [("", "missing", "critical", lambda: self.kubectl("delete", "deployment/mlflow"))],
        ]
        daemon = self.heals(self.platform(), DEPLOYMENT, self.snapshot, rounds)
        told = {event["mlopsd_field"]: event["message"] for event in daemon.events("drift", DEPLOYMENT) if event.get("mlopsd_field")}
        self.assertIn("by kubectl-set", told[image])
        self.assertIn("by kubectl-patch", told['manifest.spec.template.spec.containers["miner"]'])
        self.assertRegex(told["manifest.spec.replicas"], "by kubectl.* at 20")

    def test_values_changed_by_hand_are_put_back(self) -> None:
        rounds = [
            [('data["uri"]', "changed", "critical",
              lambda: self.patch("secret", "db", {"op": "replace", "path": "/data/uri", "value": base64.b64encode(b"mine").decode()})),
             ('data["new"]', "extra", "critical",
              lambda: self.patch("secret", "db", {"op": "add", "path": "/data/new", "value": base64.b64encode(b"x").decode()}))],
            [('data["ca.crt"]', "missing", "critical", lambda: self.patch("secret", "db", {"op": "remove", "path": "/data/ca.crt"}))],
            [("", "missing", "critical", lambda: self.kubectl("delete", "secret/db"))],
        ]
        daemon = self.heals(self.platform(), SECRET, self.snapshot, rounds)
        value = base64.b64decode(self.get("secret", "db")["data"]["uri"]).decode()
        password = value.removeprefix("postgresql://mlflow:").removesuffix("@db/mlflow")
        self.assertEqual(len(password), 24)
        self.assertNotIn(password, daemon.all_stderr())
        self.assertNotIn(base64.b64encode(value.encode()).decode(), daemon.all_stderr())

    def test_another_value_rolls_the_pods(self) -> None:
        document = self.platform()
        daemon = self.running(document)
        before = self.get("deployment", "mlflow")["spec"]["template"]["metadata"]["annotations"]["mlflow/secret"]
        document["resources"][SECRET]["data"]["ca.crt"] = "another"
        daemon.write_platform(document)
        daemon.reload()
        daemon.converged(timeout=60)
        after = self.get("deployment", "mlflow")["spec"]["template"]["metadata"]["annotations"]["mlflow/secret"]
        self.assertNotEqual(before, after)
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_what_is_taken_out_of_the_manifest_goes(self) -> None:
        document = self.platform()
        document["resources"][DEPLOYMENT]["manifest"]["metadata"]["labels"] = {**LABELS, "team": "ml"}
        daemon = self.running(document)
        self.assertEqual(self.get("deployment", "mlflow")["metadata"]["labels"]["team"], "ml")
        document["resources"][DEPLOYMENT]["manifest"]["metadata"]["labels"] = LABELS
        daemon.write_platform(document)
        daemon.reload()
        wait_for(lambda: self.get("deployment", "mlflow")["metadata"]["labels"] == LABELS, "the label to go", 30)
        daemon.converged(timeout=60)
        self.assertEqual(daemon.drifts(everything=True), [])

    def test_another_name_is_another_object(self) -> None:
        document = self.platform()
        daemon = self.running(document)
        document["resources"][SERVICE]["manifest"]["metadata"]["name"] = "tracking"
        daemon.write_platform(document)
        daemon.reload()
        wait_for(lambda: [s["metadata"]["name"] for s in self.get("services")["items"]] == ["tracking"], "the Service to be replaced", 60)
        daemon.converged(timeout=60)

    def test_a_lost_state_finds_its_objects_again(self) -> None:
        document = self.platform()
        daemon = self.running(document)
        uids = [self.get(*what)["metadata"]["uid"] for what in (("deployment", "mlflow"), ("secret", "db"))]
        daemon.stop()
        for path in daemon.state.iterdir():
            if path.name.startswith("state.db"):
                path.unlink()
        daemon.start()
        daemon.converged(timeout=60)
        self.assertEqual([self.get(*what)["metadata"]["uid"] for what in (("deployment", "mlflow"), ("secret", "db"))], uids)

    def why(self, address: str) -> str:
        blocked = {entry["address"]: entry["why"] for entry in self.daemon.platform().get("blocked", [])}
        return blocked.get(address, "")

    def test_somebody_elses_object_is_not_touched(self) -> None:
        theirs = manifest("v1", "Secret", "db", data={"uri": base64.b64encode(b"theirs").decode()})
        for made in (manifest("v1", "Namespace", "mlflow", None), theirs):
            kubectl(self.cloud, CLUSTER, "apply", "--server-side", "-f", "-", stdin=json.dumps(made))
        before = self.get("secret", "db")
        document = self.platform()
        document["resources"][NAMESPACE]["adopt"] = True
        self.given(document).start()
        wait_for(lambda: "the name is taken" in self.why(SECRET), "the refusal", 30)
        self.assertEqual(self.get("secret", "db"), before)

    def test_a_rollout_that_does_not_come_up_says_why(self) -> None:
        document = self.platform()
        container = document["resources"][DEPLOYMENT]["manifest"]["spec"]["template"]["spec"]["containers"][0]
        container["image"] = "does-not-exist:1"
        daemon = self.given(document).start()
        wait_for(lambda: "rolling out 0/1: ImagePullBackOff" in self.why(DEPLOYMENT), "the reason", 30)
        container["image"] = "ghcr.io/mlflow/mlflow:v3.9.0-full"
        daemon.write_platform(document)
        daemon.reload()
        daemon.converged(timeout=60)


if __name__ == "__main__":
    unittest.main()
