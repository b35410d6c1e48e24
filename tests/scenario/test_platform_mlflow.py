"""MLflow on the cluster: as declared, and ready only when it answers through its public name (every field: test_kind_kubernetes)."""
from __future__ import annotations

import json
import sys
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.kubernetes import kubectl  # noqa: E402
from lib.sandbox import ACCOUNT  # noqa: E402
from lib.whole import BUCKET_NAME, CLUSTER_NAME, DATABASE_NAME, WholeTest  # noqa: E402

NAMESPACE, ACCOUNT_OF_PODS, SECRET = ("kubernetes_manifest.mlflow_namespace", "kubernetes_manifest.mlflow_service_account",
                                      "kubernetes_secret.mlflow_database")
SERVICE, DEPLOYMENT, SERVER = "kubernetes_manifest.mlflow_service", "kubernetes_manifest.mlflow", "mlflow_tracking_server.main"
URI = "github_actions_secret.mlflow_tracking_uri"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/MLflowServerRole"
SEARCH = "/api/2.0/mlflow/experiments/search"


class Mlflow(WholeTest):
    parameters = {"mlflow_image": "ghcr.io/mlflow/mlflow:does-not-exist"}

    @classmethod
    def arrive(cls) -> None:
        """All but MLflow, whose image is not to be had."""
        def waits_for_the_image() -> bool:
            blocked = {entry["address"]: entry["why"] for entry in cls.daemon.platform()["blocked"]}
            return "ImagePullBackOff" in blocked.get(DEPLOYMENT, "") and set(blocked) == {DEPLOYMENT, SERVER, URI}

        wait_for(waits_for_the_image, "all but MLflow", 60)

    def kubectl(self, *arguments: str) -> str:
        return kubectl(self.cloud, CLUSTER_NAME, "-n", "mlflow", *arguments).stdout

    def get(self, *what: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", *what, "-o", "json"))
        return found

    def ask(self, path: str, body: dict[str, Any] | None = None) -> int:
        """The status that a client gets through the public name."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url() + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def url(self) -> str:
        return f"http://{self.get('service', 'mlflow')['status']['loadBalancer']['ingress'][0]['hostname']}"

    def snapshot(self) -> dict[str, Any]:
        deployment, service = self.get("deployment", "mlflow"), self.get("service", "mlflow")
        return {"labels": self.get("namespace", "mlflow")["metadata"]["labels"], "secret": self.get("secret", "mlflow-database")["data"],
                "account": self.get("serviceaccount", "mlflow")["metadata"]["annotations"]["eks.amazonaws.com/role-arn"],
                "replicas": deployment["spec"]["replicas"], "pods": deployment["spec"]["template"],
                "ranges": service["spec"]["loadBalancerSourceRanges"], "selector": service["spec"]["selector"]}

    def why_it_is_not_ready(self, words: str) -> str:
        def told() -> str:
            self.daemon.check()
            return self.why(SERVER) if words in self.why(SERVER) else ""

        try:
            return wait_for(told, f"{words!r} to be told")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.why(SERVER)!r}") from None

    def test_1_nobody_is_told_of_a_server_that_does_not_answer(self) -> None:
        self.assertIn("does-not-exist", self.get("deployment", "mlflow")["spec"]["template"]["spec"]["containers"][0]["image"])
        self.assertEqual(self.ask("/health"), 503)
        self.assertNotIn("mlflow_url", self.outputs())
        self.assertNotIn("MLFLOW_TRACKING_URI", self.cloud.github_secrets())
        del self.document["parameters"]["mlflow_image"]
        self.offer(self.document)
        self.daemon.converged(timeout=60)
        self.daemon.check()
        self.assertEqual((self.ask("/health"), self.ask(SEARCH, {"max_results": 1})), (200, 200))
        self.assertEqual(self.outputs()["mlflow_url"], self.url())
        self.assertEqual(self.cloud.github_secrets()["MLFLOW_TRACKING_URI"], self.url())

    def test_2_namespace_account_secret_and_server_as_declared(self) -> None:
        labels = self.get("namespace", "mlflow")["metadata"]["labels"]
        self.assertEqual(labels["pod-security.kubernetes.io/enforce"], "restricted")
        self.assertEqual(self.snapshot()["account"], ROLE_ARN)
        pod = self.get("deployment", "mlflow")["spec"]["template"]["spec"]
        [server] = pod["containers"]
        self.assertEqual(pod["serviceAccountName"], "mlflow")
        variables = {item["name"]: item for item in server["env"]}
        self.assertEqual(variables["MLFLOW_BACKEND_STORE_URI"]["valueFrom"]["secretKeyRef"], {"name": "mlflow-database", "key": "uri"})
        self.assertEqual(variables["MLFLOW_ARTIFACTS_DESTINATION"]["value"], f"s3://{BUCKET_NAME}/mlflow")
        self.assertIn(self.url().removeprefix("http://"), variables["MLFLOW_SERVER_ALLOWED_HOSTS"]["value"].split(","))
        service = self.get("service", "mlflow")["spec"]
        self.assertEqual((service["type"], service["loadBalancerSourceRanges"]), ("LoadBalancer", ["0.0.0.0/0"]))
        self.assertEqual([(port["port"], port["targetPort"]) for port in service["ports"]], [(80, 5000)])

    def test_3_its_role_is_for_its_account_of_pods_alone(self) -> None:
        issuer = self.cloud.client("eks").describe_cluster(name=CLUSTER_NAME)["cluster"]["identity"]["oidc"]["issuer"]
        host, role = issuer.removeprefix("https://"), self.oracle.role("MLflowServerRole")
        [statement] = role["assume_role_policy"]["Statement"]
        self.assertEqual(statement["Principal"], {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"})
        self.assertEqual(statement["Condition"], {"StringEquals": {
            f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": "system:serviceaccount:mlflow:mlflow"}})
        objects = [s["Resource"] for s in role["inline_policy"]["artifacts"]["Statement"] if "s3:GetObject" in s["Action"]]
        self.assertEqual(objects, [f"arn:aws:s3:::{BUCKET_NAME}/mlflow/*"])

    def test_4_locked_out_of_its_database_it_is_not_ready(self) -> None:
        rds = self.cloud.client("rds")
        right = self.outputs(reveal=True)["db_password"]

        def set_password(password: str) -> None:
            rds.modify_db_instance(DBInstanceIdentifier=DATABASE_NAME, MasterUserPassword=password, ApplyImmediately=True)
            wait_for(lambda: rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "available", "the database")

        set_password("somebody-elses-idea")
        self.assertEqual((self.ask("/health"), self.ask(SEARCH, {"max_results": 1})), (200, 503))
        self.assertIn("does it reach its database?", self.why_it_is_not_ready("503"))
        self.assertFalse(self.daemon.platform()["converged"])
        set_password(right)
        wait_for(lambda: not self.drifts_left(), "the all-clear")
        self.daemon.converged()

    def test_5_without_pods_it_is_not_ready(self) -> None:
        self.daemon.call("Pause")
        self.kubectl("scale", "deployment/mlflow", "--replicas=0")
        self.why_it_is_not_ready("503")
        self.daemon.call("Resume")
        wait_for(lambda: not self.drifts_left(), "the all-clear", 40)
        self.daemon.converged(timeout=60)
        self.assertEqual((self.get("deployment", "mlflow")["spec"]["replicas"], self.ask("/health")), (1, 200))

    def test_6_changed_by_hand_it_is_put_right(self) -> None:
        label, key = 'manifest.metadata.labels["pod-security.kubernetes.io/enforce"]', "eks.amazonaws.com/role-arn"
        self.heals(self.snapshot, [
            (NAMESPACE, label, "changed", "warning", lambda: self.kubectl(
                "label", "--overwrite", "namespace/mlflow", "pod-security.kubernetes.io/enforce=privileged")),
            (ACCOUNT_OF_PODS, f'manifest.metadata.annotations["{key}"]', "changed", "warning", lambda: self.kubectl(
                "annotate", "--overwrite", "serviceaccount/mlflow", f"{key}=arn:aws:iam::{ACCOUNT}:role/admin")),
            (SECRET, 'data["uri"]', "changed", "critical", lambda: self.kubectl(
                "patch", "secret/mlflow-database", "--type=merge", "-p", '{"stringData": {"uri": "sqlite:///mine.db"}}')),
            (SERVICE, "manifest.spec.loadBalancerSourceRanges.0", "changed", "warning", lambda: self.kubectl(
                "patch", "service/mlflow", "--type=merge", "-p", '{"spec": {"loadBalancerSourceRanges": ["192.0.2.0/24"]}}')),
            (DEPLOYMENT, "manifest.spec.template.spec.containers.0.image", "changed", "warning",
             lambda: self.kubectl("set", "image", "deployment/mlflow", "mlflow=ghcr.io/somebody/mlflow:v3.9.0"))])

    def test_7_a_deleted_deployment_is_made_again(self) -> None:
        before = self.snapshot()
        self.made_again(DEPLOYMENT, lambda: self.kubectl("delete", "deployment/mlflow"), (SERVER, "", "missing", "critical"))
        self.assertEqual((self.snapshot(), self.ask("/health")), (before, 200))

    def test_9_switched_off(self) -> None:
        self.switched_off({NAMESPACE, ACCOUNT_OF_PODS, SECRET, SERVICE, DEPLOYMENT, SERVER, URI, "aws_iam_role.mlflow"}, with_mlflow=False)
        self.assertNotIn("mlflow", kubectl(self.cloud, CLUSTER_NAME, "get", "namespaces").stdout)
        self.assertNotIn("MLFLOW_TRACKING_URI", self.cloud.github_secrets())


if __name__ == "__main__":
    unittest.main()
