"""The sandbox's Kubernetes API server: with kubectl, and with raw calls where the wire matters."""
from __future__ import annotations

import base64
import copy
import json
import tempfile
import time
import unittest
from collections.abc import Callable
from typing import Any

from support import SandboxTest, call

from lib.kubernetes import Api, cluster_of, encode_token, kubeconfig, kubectl, open_cluster, token
from lib.sandbox import OTHER_ACCESS_KEY, OTHER_SECRET_KEY

CLUSTER = "mlops"
NAMESPACES, SPACE = "/api/v1/namespaces", "/api/v1/namespaces/lab"
DEPLOYMENTS = "/apis/apps/v1/namespaces/lab/deployments"
WEB = f"{DEPLOYMENTS}/web"
HARDENED = {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"}}


def namespace(name: str = "lab", **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def secret(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "database"},
            "data": {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}}


def deployment(**container: Any) -> dict[str, Any]:
    item = {"name": "web", "image": "example.org/mlflow:v3.9.0-full", "ports": [{"containerPort": 5000, "protocol": "TCP"}], **container}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}},
                     "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [item]}}}}


def service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, **spec,
                     "ports": [{"port": 80, "targetPort": 5000, "protocol": "TCP"}]}}


class KubernetesTest(SandboxTest):
    """A cluster named mlops with the namespace lab."""

    options = {"time_scale": 300}
    nodes = True

    def setUp(self) -> None:
        super().setUp()
        open_cluster(self.cloud, CLUSTER, nodes=self.nodes)
        self.api = Api(self.cloud, CLUSTER)
        self.good(self.api.apply(SPACE, namespace()))

    def good(self, answer: tuple[int, Any]) -> Any:
        self.assertIn(answer[0], (200, 201), answer[1])
        return answer[1]

    def bad(self, code: int, answer: tuple[int, Any]) -> Any:
        self.assertEqual(answer[0], code, answer[1])
        self.assertEqual((answer[1]["kind"], answer[1]["code"]), ("Status", code))
        return answer[1]

    def wait(self, what: Callable[[], Any], seconds: float = 10) -> Any:
        end = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), end, "it does not come")
            time.sleep(0.02)
        return found

    def get(self, path: str) -> Any:
        return self.good(self.api("GET", path))

    def rolled_out(self) -> bool:
        return self.get(WEB)["status"].get("availableReplicas", 0) == self.get(WEB)["spec"]["replicas"]

    def kubectl(self, *arguments: str, stdin: Any = "", check: bool = True) -> Any:
        text = stdin if isinstance(stdin, str) else json.dumps(stdin)
        return kubectl(self.cloud, CLUSTER, *arguments, stdin=text, check=check)


class Authentication(KubernetesTest):
    def status(self, bearer: str, path: str = NAMESPACES) -> int:
        return Api(self.cloud, CLUSTER, bearer=bearer)("GET", path)[0]

    def url(self, **changes: str) -> str:
        text = token(CLUSTER).removeprefix("k8s-aws-v1.")
        url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        for old, new in changes.items():
            url = url.replace(old, new)
        return url

    def test_good_token(self) -> None:
        self.assertEqual(self.status(token(CLUSTER)), 200)

    def test_token_of_another_cluster(self) -> None:
        self.assertEqual(self.status(token("other")), 401)

    def test_wrong_secret_and_unknown_key(self) -> None:
        self.assertEqual(self.status(token(CLUSTER, secret="wrong")), 401)
        self.assertEqual(self.status(token(CLUSTER, access_key="AKIANOBODY")), 401)

    def test_principal_without_an_entry(self) -> None:
        self.assertEqual(self.status(token(CLUSTER, access_key=OTHER_ACCESS_KEY, secret=OTHER_SECRET_KEY)), 401)

    def test_form(self) -> None:
        good = self.url()
        self.assertEqual(self.status(encode_token(good)), 200)
        for wrong in (good.replace("https://", "http://"), good.replace("sts.us-east-1.amazonaws.com", "sts.example.org"),
                      good.replace("amazonaws.com/?", "amazonaws.com/x?"), good + "&Extra=1", good + "&Version=2011-06-15",
                      good.replace("GetCallerIdentity", "GetSessionToken"), good.replace("%3Bx-k8s-aws-id", ""),
                      good.replace("X-Amz-Expires=60", "X-Amz-Expires=901"), good.replace("X-Amz-Expires=60", "X-Amz-Expires=61"),
                      good + "&X-Amz-User-Agent=" + "x" * 4096):
            with self.subTest(wrong[:300]):
                self.assertEqual(self.status(encode_token(wrong)), 401)
        self.assertEqual(self.status(token(CLUSTER).replace("v1.", "v2.")), 401)
        self.assertEqual(self.status(token(CLUSTER) + "=="), 401)

    def test_fifteen_minutes(self) -> None:
        bearer = token(CLUSTER)
        self.cloud.control("POST", "/clock", {"offset": 880})
        self.assertEqual(self.status(bearer), 200)
        self.cloud.control("POST", "/clock", {"offset": 910})
        self.assertEqual(self.status(bearer), 401)

    def test_nobody(self) -> None:
        answer = self.bad(403, Api(self.cloud, CLUSTER, bearer="")("GET", NAMESPACES))
        self.assertIn('User "system:anonymous" cannot list resource "namespaces"', answer["message"])
        self.assertEqual(self.status("", "/version"), 200)
        self.assertEqual(self.status("", "/api"), 403)

    def test_the_reason_is_in_the_log_only(self) -> None:
        self.bad(401, Api(self.cloud, CLUSTER, bearer=token("other"))("GET", NAMESPACES))
        self.assertIn("SignatureDoesNotMatch", self.cloud.log()[-1]["error"])

    def test_certificate(self) -> None:
        import ssl
        import urllib.error
        import urllib.request
        https = urllib.request.HTTPSHandler(context=ssl.create_default_context())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        with self.assertRaisesRegex(urllib.error.URLError, "CERTIFICATE_VERIFY_FAILED"):
            opener.open(cluster_of(self.cloud, CLUSTER)["endpoint"], timeout=10)

    def test_kubectl_with_get_token(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            user = json.loads(kubeconfig(self.cloud, CLUSTER, folder).read_text())["users"][0]["user"]
            self.assertIn("exec", user)
            self.assertIn("lab", kubectl(self.cloud, CLUSTER, "get", "namespaces", user=user).stdout)

    def test_base_url_has_every_cluster(self) -> None:
        path = f"/clusters/123456789012/us-east-1/{CLUSTER}/version"
        api = Api(self.cloud, CLUSTER)
        api._endpoint = self.cloud.kubernetes
        self.assertEqual(self.good(api("GET", path))["major"], "1")
        self.bad(404, api("GET", "/clusters/123456789012/us-east-1/other/version"))


class Apply(KubernetesTest):
    def entry(self, document: Any, manager: str = "mlopsd") -> Any:
        return next((item for item in document["metadata"]["managedFields"] if item["manager"] == manager), None)

    def test_create_then_nothing(self) -> None:
        status, first = self.api.apply(WEB, deployment())
        self.assertEqual(status, 201)
        self.wait(self.rolled_out)
        before = self.get(WEB)
        status, second = self.api.apply(WEB, deployment())
        self.assertEqual((status, second["metadata"]["resourceVersion"]), (200, before["metadata"]["resourceVersion"]))
        self.assertEqual((first["metadata"]["generation"], second["metadata"]["generation"]), (1, 1))

    def test_managed_fields(self) -> None:
        owned = self.entry(self.good(self.api.apply(WEB, deployment())))
        self.assertEqual((owned["operation"], owned["apiVersion"], owned["fieldsType"]), ("Apply", "apps/v1", "FieldsV1"))
        container = owned["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}']
        self.assertEqual(container["f:ports"], {
            'k:{"containerPort":5000,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:protocol": {}}})
        self.assertEqual(owned["fieldsV1"]["f:spec"]["f:selector"], {})  # atomic
        self.assertNotIn("f:imagePullPolicy", container)  # the server's default is nobody's

    def test_conflict_and_force(self) -> None:
        self.good(self.api.apply(WEB, deployment()))
        other = deployment(image="example.org/other:1")
        answer = self.bad(409, self.api.apply(WEB, other, manager="someone"))
        self.assertEqual(answer["reason"], "Conflict")
        self.assertEqual(answer["details"]["causes"], [
            {"reason": "FieldManagerConflict", "message": 'conflict with "mlopsd"',
             "field": '.spec.template.spec.containers[name="web"].image'}])
        taken = self.good(self.api.apply(WEB, other, manager="someone", force="true"))
        image = "f:image"
        path = taken["metadata"]["managedFields"]
        mine = next(item for item in path if item["manager"] == "mlopsd")["fieldsV1"]
        self.assertNotIn(image, mine["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}'])
        self.assertEqual(taken["metadata"]["generation"], 2)

    def test_dry_run_shows_drift(self) -> None:
        self.good(self.api.apply(WEB, deployment()))
        self.wait(self.rolled_out)
        live = self.get(WEB)
        self.good(self.api("PATCH", f"{WEB}?fieldManager=kubectl-edit", {"spec": {"replicas": 4}}, "application/merge-patch+json"))
        answer = self.bad(409, self.api.apply(WEB, deployment(), dryRun="All"))
        self.assertEqual([cause["field"] for cause in answer["details"]["causes"]], [".spec.replicas"])
        self.assertIn('conflict with "kubectl-edit" using apps/v1 at ', answer["details"]["causes"][0]["message"])
        self.good(self.api.apply(WEB, deployment(), force="true"))
        again = self.good(self.api.apply(WEB, deployment(), dryRun="All"))
        self.assertEqual(again["spec"], live["spec"])

    def test_dry_run_stores_nothing(self) -> None:
        answer = self.api.apply(WEB, deployment(), dryRun="All")
        self.assertEqual(answer[0], 201)
        self.bad(404, self.api("GET", WEB))
        self.good(self.api.apply(WEB, deployment()))
        self.good(self.api.apply(WEB, deployment(image="x:2"), dryRun="All"))
        self.assertEqual(self.get(WEB)["spec"]["template"]["spec"]["containers"][0]["image"], "example.org/mlflow:v3.9.0-full")

    def test_left_out_is_taken_out(self) -> None:
        document = deployment(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
        document["metadata"]["annotations"] = {"mine": "1"}
        self.good(self.api.apply(WEB, document))
        theirs = {"metadata": {"annotations": {"theirs": "1"}}}
        self.good(self.api("PATCH", f"{WEB}?fieldManager=other", theirs, "application/merge-patch+json"))
        del document["spec"]["template"]["spec"]["containers"][0]["env"][0]
        del document["metadata"]["annotations"]
        after = self.good(self.api.apply(WEB, document))
        self.assertEqual(after["spec"]["template"]["spec"]["containers"][0]["env"], [{"name": "B", "value": "2"}])
        self.assertEqual({name for name in after["metadata"]["annotations"] if "/" not in name}, {"theirs"})
        document["spec"].pop("replicas")
        self.assertEqual(self.good(self.api.apply(WEB, document))["spec"]["replicas"], 1)

    def test_shared_element_stays(self) -> None:
        self.good(self.api.apply(WEB, deployment(env=[{"name": "A", "value": "1"}])))
        extra = deployment()
        extra["spec"]["template"]["spec"]["containers"].append({"name": "spy", "image": "spy:1"})
        self.good(self.api.apply(WEB, extra, manager="someone", force="true"))
        after = self.good(self.api.apply(WEB, deployment(env=[{"name": "A", "value": "1"}]), force="true"))
        self.assertEqual([item["name"] for item in after["spec"]["template"]["spec"]["containers"]], ["web", "spy"])

    def test_refusals(self) -> None:
        wrong = deployment(imagee="x")
        self.assertIn(".imagee: field not declared in schema", self.bad(400, self.api.apply(WEB, wrong))["message"])
        wrong = deployment()
        wrong["spec"]["replicas"] = "three"
        self.assertIn("expected numeric", self.bad(400, self.api.apply(WEB, wrong))["message"])
        twice = json.dumps(deployment()).replace('"replicas": 1', '"replicas": 1, "replicas": 2')
        self.assertIn("replicas", self.bad(400, self.api.apply(WEB, twice))["message"])
        slashes = json.dumps(deployment()).replace("/", "\\/")
        self.assertIn("found unknown escape character", self.bad(400, self.api.apply(WEB, slashes))["message"])
        self.bad(422, self.api("PATCH", WEB, deployment(), "application/apply-patch+yaml"))  # no fieldManager
        self.bad(415, self.api("PATCH", f"{WEB}?fieldManager=x", deployment(), "application/json"))
        self.bad(404, self.api.apply("/apis/apps/v1/namespaces/absent/deployments/web", deployment()))
        stale = deployment()
        stale["metadata"]["managedFields"] = []
        self.bad(400, self.api.apply(WEB, stale))

    def test_resource_version_is_a_precondition(self) -> None:
        live = self.good(self.api.apply(WEB, deployment()))
        document = deployment()
        document["metadata"]["resourceVersion"] = "1"
        self.bad(409, self.api.apply(WEB, document))
        document["metadata"]["resourceVersion"] = self.get(WEB)["metadata"]["resourceVersion"]
        self.good(self.api.apply(WEB, document))
        self.assertNotEqual(live["metadata"]["resourceVersion"], "1")

    def test_immutable(self) -> None:
        self.good(self.api.apply(WEB, deployment()))
        document = deployment()
        document["spec"]["selector"]["matchLabels"] = {"app": "web", "more": "1"}
        document["spec"]["template"]["metadata"]["labels"]["more"] = "1"
        answer = self.bad(422, self.api.apply(WEB, document))
        self.assertEqual(answer["details"]["causes"][0]["field"], "spec.selector")
        self.good(self.api.apply(f"{SPACE}/secrets/database", {**secret(a="b"), "immutable": True}))
        refused = self.bad(422, self.api.apply(f"{SPACE}/secrets/database", {**secret(a="c"), "immutable": True}))
        self.assertIn("field is immutable", refused["message"])

    def test_strategic_and_json_patch(self) -> None:
        self.good(self.api.apply(WEB, deployment(env=[{"name": "A", "value": "1"}])))
        body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": "B", "value": "2"}]}]}}}}
        after = self.good(self.api("PATCH", f"{WEB}?fieldManager=kubectl-set", body, "application/strategic-merge-patch+json"))
        container = after["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual((container["image"], {item["name"] for item in container["env"]}), ("example.org/mlflow:v3.9.0-full", {"A", "B"}))
        patch = [{"op": "test", "path": "/spec/replicas", "value": 1}, {"op": "remove", "path": "/spec/template/spec/containers/0/env/1"}]
        self.good(self.api("PATCH", WEB, patch, "application/json-patch+json"))
        patch[0]["value"] = 7
        self.bad(422, self.api("PATCH", WEB, patch, "application/json-patch+json"))


class Objects(KubernetesTest):
    def test_put_needs_the_present_version(self) -> None:
        document = self.good(self.api("POST", f"{SPACE}/configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}))
        self.bad(409, self.api("POST", f"{SPACE}/configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}))
        changed = {**document, "data": {"a": "1"}}
        self.good(self.api("PUT", f"{SPACE}/configmaps/c", changed))
        self.bad(409, self.api("PUT", f"{SPACE}/configmaps/c", {**document, "data": {"a": "2"}}))

    def test_field_validation(self) -> None:
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "datta": {}}
        refused = self.bad(400, self.api("POST", f"{SPACE}/configmaps?fieldValidation=Strict", document))
        self.assertIn('unknown field "datta"', refused["message"])
        with self.api.open("POST", f"{SPACE}/configmaps", document) as answer:
            self.assertIn("unknown field", answer.headers["Warning"])

    def test_names(self) -> None:
        self.bad(422, self.api("POST", NAMESPACES, namespace("Not_Good")))
        self.bad(422, self.api.apply(f"{SPACE}/services/1web", {**service(), "metadata": {"name": "1web"}}))

    def test_lists(self) -> None:
        for number in range(5):
            self.good(self.api("POST", f"{SPACE}/configmaps", {"apiVersion": "v1", "kind": "ConfigMap",
                                                               "metadata": {"name": f"c{number}", "labels": {"n": str(number % 2)}}}))
        first = self.get(f"{SPACE}/configmaps?limit=4&labelSelector=n")
        self.assertEqual(len(first["items"]), 4)
        rest = self.get(f"{SPACE}/configmaps?limit=4&labelSelector=n&continue={first['metadata']['continue']}")
        self.assertEqual([item["metadata"]["name"] for item in rest["items"]], ["c4"])
        self.assertNotIn("continue", rest["metadata"])
        self.assertEqual(len(self.get(f"{SPACE}/configmaps?labelSelector=n%3D1")["items"]), 2)
        self.assertEqual(len(self.get(f"{SPACE}/configmaps?labelSelector=n+notin+(0),n")["items"]), 2)
        self.assertEqual(len(self.get(f"{SPACE}/configmaps?fieldSelector=metadata.name%3Dc3")["items"]), 1)
        self.bad(400, self.api("GET", f"{SPACE}/configmaps?fieldSelector=data.x%3Dc3"))
        self.cloud.control("POST", "/kubernetes/forget", {"name": CLUSTER})
        self.bad(410, self.api("GET", f"{SPACE}/configmaps?limit=4&continue={first['metadata']['continue']}"))

    def test_delete_preconditions(self) -> None:
        self.good(self.api.apply(f"{SPACE}/secrets/database", secret(a="b")))
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "someone-else"}}
        self.bad(409, self.api("DELETE", f"{SPACE}/secrets/database", body))
        body["preconditions"]["uid"] = self.get(f"{SPACE}/secrets/database")["metadata"]["uid"]
        self.good(self.api("DELETE", f"{SPACE}/secrets/database", body))
        self.bad(404, self.api("GET", f"{SPACE}/secrets/database"))

    def test_namespace_takes_all_with_it(self) -> None:
        self.good(self.api.apply(WEB, deployment()))
        self.good(self.api.apply(f"{SPACE}/services/web", service()))
        self.get(f"{SPACE}/services/web")
        self.assertEqual(self.good(self.api("DELETE", SPACE))["status"]["phase"], "Terminating")
        answer = self.bad(403, self.api.apply(f"{SPACE}/secrets/database", secret(a="b")))
        self.assertEqual(answer["details"]["causes"][0]["reason"], "NamespaceTerminating")
        self.wait(lambda: self.api("GET", SPACE)[0] == 404)
        self.bad(404, self.api("GET", WEB))

    def test_watch(self) -> None:
        version = self.get(f"{SPACE}/configmaps")["metadata"]["resourceVersion"]
        path = f"{SPACE}/configmaps?watch=1&allowWatchBookmarks=true&timeoutSeconds=1&resourceVersion={version}"
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
        with self.api.open("GET", path) as stream:
            self.good(self.api("POST", f"{SPACE}/configmaps", document))
            self.good(self.api("DELETE", f"{SPACE}/configmaps/c"))
            events = [json.loads(line) for line in stream]
        self.assertEqual([event["type"] for event in events], ["ADDED", "DELETED", "BOOKMARK"])
        self.cloud.control("POST", "/kubernetes/forget", {"name": CLUSTER})
        self.bad(410, self.api("GET", f"{SPACE}/configmaps?watch=1&resourceVersion=1"))

    def test_access_review(self) -> None:
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": {"verb": "patch", "resource": "deployments", "group": "apps", "namespace": "lab"}}}
        self.assertTrue(self.good(self.api("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body))["status"]["allowed"])

    def test_log_and_faults(self) -> None:
        mark = self.cloud.mark()
        self.good(self.api.apply(WEB, deployment(), dryRun="All"))
        self.good(self.api.apply(WEB, deployment()))
        self.get(f"{WEB}")
        found = [(item["server"], item["operation"], item["write"]) for item in self.cloud.log(mark)]
        self.assertEqual(found, [("kubernetes", "dry-run deployments", False), ("kubernetes", "apply deployments", True),
                                 ("kubernetes", "get deployments", False)])
        self.cloud.fault(server="kubernetes", operation="apply .*", kind="reply-lost", times=1)
        with self.assertRaises(OSError):
            self.api.apply(f"{SPACE}/secrets/database", secret(a="b"))
        self.get(f"{SPACE}/secrets/database")
        self.cloud.fault(server="kubernetes", operation="get secrets", resource="lab/database", kind="429", times=1)
        with self.api.open("GET", f"{SPACE}/secrets/database") as answer:
            self.assertEqual((answer.status, answer.headers["Retry-After"]), (429, "1"))

    def test_reset_empties_all(self) -> None:
        self.cloud.reset()
        self.assertEqual(self.cloud.control("GET", "/kubernetes/clusters")["clusters"], [])


class Workloads(KubernetesTest):
    def condition(self, kind: str) -> Any:
        return next((item for item in self.get(WEB)["status"]["conditions"] if item["type"] == kind), {})

    def pods(self) -> list[Any]:
        return self.get(f"{SPACE}/pods?labelSelector=app%3Dweb")["items"]

    def test_rollout(self) -> None:
        self.good(self.api.apply(WEB, deployment()))
        self.assertEqual(self.get(WEB)["status"].get("availableReplicas", 0), 0)
        self.wait(self.rolled_out)
        status = self.get(WEB)["status"]
        self.assertEqual([status[name] for name in ("observedGeneration", "replicas", "updatedReplicas", "readyReplicas")], [1, 1, 1, 1])
        self.assertEqual(self.condition("Progressing")["reason"], "NewReplicaSetAvailable")
        self.assertEqual([pod["status"]["phase"] for pod in self.pods()], ["Running"])
        self.good(self.api.apply(WEB, deployment(image="x:2")))
        self.assertEqual(self.get(WEB)["status"]["availableReplicas"], 1)  # the old one serves on
        self.wait(lambda: self.condition("Progressing")["reason"] == "NewReplicaSetAvailable")
        self.assertEqual([pod["spec"]["containers"][0]["image"] for pod in self.pods()], ["x:2"])

    def test_image_that_is_not_there(self) -> None:
        self.good(self.api.apply(WEB, {**deployment(image="x/does-not-exist:1")}))
        self.wait(lambda: self.condition("Progressing")["status"] == "False")
        self.assertEqual(self.condition("Progressing")["reason"], "ProgressDeadlineExceeded")
        self.assertEqual(self.pods()[0]["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "ImagePullBackOff")
        events = self.get(f"{SPACE}/events?fieldSelector=involvedObject.name%3D{self.pods()[0]['metadata']['name']}")
        self.assertEqual([event["reason"] for event in events["items"]], ["BackOff"])

    def test_missing_secret_then_there(self) -> None:
        variable = {"name": "URI", "valueFrom": {"secretKeyRef": {"name": "database", "key": "uri"}}}
        self.good(self.api.apply(WEB, deployment(env=[variable])))
        self.wait(self.pods)
        time.sleep(0.5)
        self.assertFalse(self.rolled_out())
        self.assertEqual(self.pods()[0]["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "CreateContainerConfigError")
        self.good(self.api.apply(f"{SPACE}/secrets/database", secret(uri="x")))
        self.wait(self.rolled_out)

    def test_restricted_namespace(self) -> None:
        self.good(self.api.apply(SPACE, namespace(**{"pod-security.kubernetes.io/enforce": "restricted"})))
        with self.api.open("PATCH", f"{WEB}?fieldManager=x", deployment(), "application/apply-patch+yaml") as answer:
            self.assertIn("would violate PodSecurity", answer.headers["Warning"])
        self.assertEqual(self.wait(lambda: self.condition("ReplicaFailure"))["reason"], "FailedCreate")
        self.assertEqual(self.pods(), [])
        self.good(self.api.apply(WEB, deployment(securityContext=HARDENED), manager="x"))
        self.wait(self.rolled_out)

    def test_foreground_deletion(self) -> None:
        self.good(self.api.apply(WEB, deployment()))
        self.wait(self.pods)
        self.good(self.api("DELETE", WEB, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}))
        self.wait(lambda: self.api("GET", WEB)[0] == 404)
        self.assertEqual(self.pods(), [])


class NoNodes(KubernetesTest):
    nodes = False

    def test_pending(self) -> None:
        self.good(self.api.apply(WEB, deployment()))
        time.sleep(0.5)
        self.assertFalse(self.rolled_out())
        pods = self.get(f"{SPACE}/pods")["items"]
        self.assertEqual([pod["status"]["phase"] for pod in pods], ["Pending"])
        open_cluster(self.cloud, CLUSTER, nodes=True)
        self.wait(self.rolled_out)


class LoadBalancer(KubernetesTest):
    def hostname(self) -> str:
        ingress = self.get(f"{SPACE}/services/web")["status"]["loadBalancer"].get("ingress")
        return str(ingress[0]["hostname"]) if ingress else ""

    def ask(self, name: str, path: str, body: Any = None, **headers: str) -> Any:
        return call(f"http://{name}", "POST" if body is not None else "GET", path, body, headers or None)

    def serve(self, **environment: str) -> str:
        env = [{"name": name, "value": value} for name, value in environment.items()]
        self.good(self.api.apply(WEB, deployment(env=env), force="true"))
        self.good(self.api.apply(f"{SPACE}/services/web", service()))
        return str(self.wait(self.hostname))

    def test_comes_answers_and_goes(self) -> None:
        self.good(self.api.apply(f"{SPACE}/services/web", service()))
        self.assertEqual(self.hostname(), "")
        name = self.wait(self.hostname)
        self.assertEqual(self.ask(name, "/health").status, 503)
        self.good(self.api.apply(WEB, deployment()))
        self.wait(lambda: self.ask(name, "/health").body == b"OK")
        self.assertEqual(self.ask(name, "/version").body, b"3.9.0")
        live = self.get(f"{SPACE}/services/web")
        self.assertEqual(live["metadata"]["finalizers"], ["service.kubernetes.io/load-balancer-cleanup"])
        self.assertTrue(live["spec"]["clusterIP"] and live["spec"]["ports"][0]["nodePort"])
        self.good(self.api("DELETE", f"{SPACE}/services/web"))
        self.assertIn("deletionTimestamp", self.get(f"{SPACE}/services/web")["metadata"])
        self.wait(lambda: self.api("GET", f"{SPACE}/services/web")[0] == 404)
        with self.assertRaises(ConnectionRefusedError):
            self.ask(name, "/health")

    def test_hosts_and_origins(self) -> None:
        name = self.serve(MLFLOW_SERVER_ALLOWED_HOSTS="elsewhere.example.org")
        self.wait(lambda: self.ask(name, "/health").status == 200)
        search = "/api/2.0/mlflow/experiments/search"
        refused = self.ask(name, search, {"max_results": 1})
        self.assertEqual((refused.status, refused.body), (403, b"Invalid Host header - possible DNS rebinding attack detected"))
        self.serve(MLFLOW_SERVER_ALLOWED_HOSTS=name)
        self.wait(lambda: self.ask(name, search, {"max_results": 1}).status == 200)
        self.assertEqual(self.ask(name, search, {"max_results": 1}).json["experiments"][0]["name"], "Default")
        crossed = self.ask(name, search, {"max_results": 1}, Host=name, Origin="http://evil.example.org")
        self.assertEqual((crossed.status, crossed.body), (403, b"Cross-origin request blocked"))

    def test_database(self) -> None:
        uri = "postgresql+psycopg2://mlflow:p%40ss@absent.example.org:5432/mlflow"
        self.good(self.api.apply(f"{SPACE}/secrets/database", secret(uri=uri)))
        env = [{"name": "MLFLOW_BACKEND_STORE_URI", "valueFrom": {"secretKeyRef": {"name": "database", "key": "uri"}}}]
        self.good(self.api.apply(WEB, deployment(env=env)))
        self.good(self.api.apply(f"{SPACE}/services/web", service()))
        name = self.wait(self.hostname)
        self.wait(lambda: self.ask(name, "/health").status == 200)
        search = "/api/2.0/mlflow/experiments/search"
        self.assertEqual(self.ask(name, search, {}).status, 503)
        self.assertIn(b"could not translate host name", self.ask(name, search, {}).body)

    def test_database_that_lets_in(self) -> None:
        ec2 = self.cloud.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"]["SubnetId"]
                   for number, zone in enumerate("ab")]
        rds = self.cloud.client("rds")
        rds.create_db_subnet_group(DBSubnetGroupName="lab", DBSubnetGroupDescription="lab", SubnetIds=subnets)
        rds.create_db_instance(DBInstanceIdentifier="lab", DBInstanceClass="db.t4g.micro", Engine="postgres", AllocatedStorage=20,
                               MasterUsername="mlflow", MasterUserPassword="p#ssword-1", DBSubnetGroupName="lab")
        host = self.wait(lambda: rds.describe_db_instances()["DBInstances"][0].get("Endpoint", {}).get("Address"))
        env = [{"name": "MLFLOW_BACKEND_STORE_URI", "valueFrom": {"secretKeyRef": {"name": "database", "key": "uri"}}}]
        uri = "postgresql+psycopg2://mlflow:{}@{}:5432/mlflow"
        self.good(self.api.apply(f"{SPACE}/secrets/database", secret(uri=uri.format("wrong", host))))
        self.good(self.api.apply(WEB, deployment(env=env)))
        self.good(self.api.apply(f"{SPACE}/services/web", service()))
        name = self.wait(self.hostname)
        search = "/api/2.0/mlflow/experiments/search"
        self.wait(lambda: self.ask(name, "/health").status == 200)
        self.assertIn(b"password authentication failed", self.ask(name, search, {}).body)
        self.good(self.api.apply(f"{SPACE}/secrets/database", secret(uri=uri.format("p%23ssword-1", host))))
        self.assertEqual(self.ask(name, search, {}).status, 503)  # a pod keeps the environment it was started with
        self.kubectl("rollout", "restart", "deployment/web", "-n", "lab")
        self.wait(lambda: self.ask(name, search, {}).status == 200)


class Kubectl(KubernetesTest):
    def manifest(self, **container: Any) -> dict[str, Any]:
        document = copy.deepcopy(deployment(**container))
        document["metadata"]["namespace"] = "lab"
        return document

    def test_apply_diff_scale_delete(self) -> None:
        self.assertIn("created", self.kubectl("apply", "-f", "-", stdin=self.manifest()).stdout)
        self.assertIn("unchanged", self.kubectl("apply", "-f", "-", stdin=self.manifest()).stdout)
        self.assertEqual(self.kubectl("diff", "-f", "-", stdin=self.manifest(), check=False).returncode, 0)
        self.assertEqual(self.kubectl("diff", "-f", "-", stdin=self.manifest(image="x:2"), check=False).returncode, 1)
        self.assertIn("configured", self.kubectl("apply", "-f", "-", stdin=self.manifest(image="x:2")).stdout)
        self.kubectl("scale", "deployment/web", "-n", "lab", "--replicas=2")
        self.kubectl("set", "env", "deployment/web", "-n", "lab", "A=1")
        self.kubectl("label", "namespace", "lab", "a=b")
        self.kubectl("rollout", "status", "deployment/web", "-n", "lab", "--timeout=20s")
        managers = {item["manager"] for item in self.get(WEB)["metadata"]["managedFields"]}
        self.assertLessEqual({"kubectl-client-side-apply", "kubectl", "kubectl-set", "kube-controller-manager"}, managers)
        self.kubectl("delete", "deployment", "web", "-n", "lab", "--timeout=20s")

    def test_server_side(self) -> None:
        self.assertIn("serverside-applied", self.kubectl("apply", "--server-side", "-f", "-", stdin=self.manifest()).stdout)
        refused = self.kubectl("apply", "--server-side", "--field-manager=x", "-f", "-", stdin=self.manifest(image="x:2"), check=False)
        self.assertIn('conflict with "kubectl": .spec.template.spec.containers[name="web"].image', refused.stderr)

    def test_validation_comes_from_the_server(self) -> None:
        refused = self.kubectl("apply", "-f", "-", stdin=self.manifest(imagee="x"), check=False)
        self.assertIn('unknown field "spec.template.spec.containers[0].imagee"', refused.stderr)

    def test_tables(self) -> None:
        self.kubectl("apply", "-f", "-", stdin=self.manifest())
        self.good(self.api.apply(f"{SPACE}/services/web", service()))
        self.wait(self.rolled_out)
        deployments, services = (self.kubectl("get", kind, "-n", "lab").stdout for kind in ("deployments", "services"))
        self.assertRegex(deployments, r"NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +1/1 +1 +1 ")
        self.assertRegex(services, r"web +LoadBalancer +172\.20\.\S+ +(<pending>|127\.0\.0\.1:\d+) +80:\d+/TCP")
        self.assertRegex(self.kubectl("get", "namespaces").stdout, r"lab +Active +\d+s")
        self.assertRegex(self.kubectl("get", "pods", "-A").stdout, r"web-\w+-\w+ +1/1 +Running +0")
        self.assertIn("ScalingReplicaSet", self.kubectl("get", "events", "-n", "lab").stdout)
        self.assertIn("ScalingReplicaSet", self.kubectl("describe", "deployment", "web", "-n", "lab").stdout)
        self.assertIn("selector", self.kubectl("get", "deployment", "web", "-n", "lab", "-o", "yaml").stdout)


if __name__ == "__main__":
    unittest.main()
