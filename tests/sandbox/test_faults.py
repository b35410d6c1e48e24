"""Every fault kind, on both servers, and the control URL around them."""
from __future__ import annotations

import http.client
import json
import threading
import time
import unittest

import botocore.exceptions as failures
from botocore.parsers import ResponseParserError
from support import R, GithubTest, SandboxTest, call

from lib.sandbox import ControlError

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


class AwsFaults(SandboxTest):
    def setUp(self) -> None:
        super().setUp()
        self.iam, self.s3, self.ecr = (self.cloud.client(name) for name in ("iam", "s3", "ecr"))

    def test_codes_per_service(self) -> None:
        table = {
            "throttle": ("Throttling", "SlowDown", "ThrottlingException", "RequestLimitExceeded"),
            "500": ("InternalFailure", "InternalError", "InternalServerException", "InternalError"),
            "503": ("ServiceUnavailable", "ServiceUnavailable", "ServiceUnavailableException", "Unavailable"),
            "access-denied": ("AccessDenied", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
            "expired-token": ("ExpiredToken", "ExpiredToken", "ExpiredTokenException", "RequestExpired")}
        calls = (self.iam.list_roles, self.s3.list_buckets, self.ecr.describe_repositories, self.cloud.client("ec2").describe_vpcs)
        for kind, codes in table.items():
            self.cloud.clear_faults()
            self.cloud.fault(kind=kind)
            for function, code in zip(calls, codes):
                with self.subTest(kind=kind, code=code):
                    self.refused(code, function)

    def test_rule_selects_by_service_operation_and_resource(self) -> None:
        self.cloud.fault(service="iam", operation="Get.*", resource="two", kind="access-denied")
        for name in ("one", "two"):
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        self.iam.get_role(RoleName="one")
        self.iam.list_roles()
        self.refused("AccessDenied", self.iam.get_role, RoleName="two")
        self.s3.list_buckets()

    def test_times_and_after(self) -> None:
        self.cloud.fault(service="iam", operation="ListRoles", kind="throttle", times=2, after=1)
        outcomes = []
        for _ in range(5):
            try:
                self.iam.list_roles()
                outcomes.append("good")
            except failures.ClientError:
                outcomes.append("bad")
        self.assertEqual(outcomes, ["good", "bad", "bad", "good", "good"])
        shown = self.cloud.control("GET", "/faults")["faults"][0]
        self.assertEqual((shown["matched"], shown["fired"]), (5, 2))

    def test_times_counts_under_threads(self) -> None:
        self.cloud.fault(service="sts", kind="500", times=5)
        results: list[int] = []
        client = self.cloud.client("sts")

        def ask() -> None:
            try:
                results.append(client.get_caller_identity()["ResponseMetadata"]["HTTPStatusCode"])
            except failures.ClientError as error:
                results.append(error.response["ResponseMetadata"]["HTTPStatusCode"])

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((results.count(500), results.count(200)), (5, 15))

    def test_probability(self) -> None:
        self.cloud.fault(service="sts", kind="500", probability=0.5)
        bad = 0
        for _ in range(40):
            try:
                self.cloud.client("sts").get_caller_identity()
            except failures.ClientError:
                bad += 1
        self.assertTrue(5 < bad < 35, bad)

    def test_reset(self) -> None:
        self.cloud.fault(operation="CreateRole", kind="reset")
        with self.assertRaises((failures.ConnectionClosedError, failures.ConnectionError, failures.HTTPClientError)):
            self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        self.assertEqual(self.iam.list_roles()["Roles"], [])

    def test_reply_lost(self) -> None:
        self.cloud.fault(operation="CreateRole", kind="reply-lost", times=1)
        with self.assertRaises((failures.ConnectionClosedError, failures.ConnectionError, failures.HTTPClientError)):
            self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        self.assertEqual([role["RoleName"] for role in self.iam.list_roles()["Roles"]], ["r"], "done, but nobody was told")
        record = next(record for record in self.cloud.log() if record["operation"] == "CreateRole")
        self.assertEqual((record["fault"], record["status"]), ("reply-lost", 0))

    def test_hang_ends_with_the_rule_or_the_client(self) -> None:
        rule = self.cloud.fault(service="sts", kind="hang", seconds=20)
        start = time.monotonic()
        impatient = self.cloud.client("sts", read_timeout=1)
        with self.assertRaises(failures.ReadTimeoutError):
            impatient.get_caller_identity()
        threading.Timer(0.5, self.cloud.control, ("DELETE", f"/faults?id={rule}")).start()
        self.refused("InternalFailure", self.cloud.client("sts").get_caller_identity)
        self.assertLess(time.monotonic() - start, 19, "neither call waited for the rule's 20 s")

    def test_latency_rule_and_setting(self) -> None:
        self.cloud.fault(service="sts", kind="latency", ms=300, times=1)
        self.assertGreater(self._took(), 0.3)
        self.cloud.control("POST", "/latency", {"ms": 200, "service": "sts"})
        self.assertGreater(self._took(), 0.2)
        self.cloud.control("POST", "/latency", {"ms": 0})
        self.assertEqual(self.cloud.control("GET", "/latency"), {"ms": 0, "jitter_ms": 0, "named": {}})

    def _took(self) -> float:
        client = self.cloud.client("sts")
        start = time.monotonic()
        client.get_caller_identity()
        return time.monotonic() - start

    def test_stale_read(self) -> None:
        for name in ("one", "two"):
            self.ecr.create_repository(repositoryName=name)
            self.assertEqual(len(self.ecr.describe_repositories()["repositories"]), 1 if name == "one" else 2)
            time.sleep(0.6)
        self.ecr.delete_repository(repositoryName="one")
        self.cloud.fault(operation="DescribeRepositories", kind="stale", seconds=1, times=1)
        self.assertEqual(len(self.ecr.describe_repositories()["repositories"]), 1, "as it was a second ago: only one")
        self.assertEqual([r["repositoryName"] for r in self.ecr.describe_repositories()["repositories"]], ["two"])

    def test_empty_page(self) -> None:
        self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        self.ecr.create_repository(repositoryName="one")
        self.s3.create_bucket(Bucket="bucket-one")
        self.cloud.fault(kind="empty")
        self.assertEqual(self.iam.list_roles()["Roles"], [])
        self.assertFalse(self.iam.list_roles()["IsTruncated"])
        self.assertEqual(self.ecr.describe_repositories()["repositories"], [])
        self.assertEqual(self.s3.list_buckets().get("Buckets", []), [])

    def test_broken_answers(self) -> None:
        self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        broken = (ResponseParserError, failures.HTTPClientError, failures.ClientError, failures.ResponseStreamingError,
                  failures.IncompleteReadError)
        for kind in ("truncated", "garbage", "wrong-length"):
            self.cloud.clear_faults()
            self.cloud.fault(service="iam", kind=kind)
            with self.subTest(kind), self.assertRaises(broken):
                self.iam.list_roles()
        self.cloud.clear_faults()
        self.cloud.fault(service="iam", kind="html")
        with self.assertRaises(broken):
            self.iam.list_roles()

    def test_not_yet(self) -> None:
        self.cloud.fault(kind="not-yet", seconds=1)
        arn = self.iam.create_role(RoleName="young", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        self.refused("NoSuchEntity", self.iam.get_role, RoleName="young")
        trust = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}]})
        answer = self.refused("MalformedPolicyDocument", self.iam.create_role, RoleName="other", AssumeRolePolicyDocument=trust)
        self.assertIn("Invalid principal in policy", answer["Error"]["Message"])
        self.s3.create_bucket(Bucket="bucket-one")
        self.refused("NoSuchBucket", self.s3.get_bucket_tagging, Bucket="bucket-one")
        time.sleep(1.1)
        self.iam.get_role(RoleName="young")
        self.iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust)

    def test_custom_error(self) -> None:
        self.cloud.fault(service="iam", kind="error", status=409, code="ConcurrentModification", message="busy")
        self.refused("ConcurrentModification", self.iam.list_roles)

    def test_bad_rules_are_refused(self) -> None:
        for rule in ({"kind": "nonsense"}, {"kind": "500", "operation": "("}, {"kind": "500", "wat": 1}, {"kind": "401"},
                     {"kind": "500", "times": "many"}, {"server": "moon", "kind": "500"}):
            with self.assertRaises(ControlError, msg=str(rule)):
                self.cloud.control("POST", "/faults", rule)

    def test_unknown_operation_is_501(self) -> None:
        answer = self.refused("NotImplemented", self.cloud.client("iam").generate_service_last_accessed_details,
                              Arn="arn:aws:iam::123456789012:role/some-role-name")
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 501)


class GithubFaults(GithubTest):
    def test_refusals(self) -> None:
        table = {"401": 401, "403": 403, "404": 404, "429": 429, "500": 500, "502": 502, "503": 503}
        for kind, status in table.items():
            self.cloud.clear_faults()
            self.cloud.fault(server="github", kind=kind)
            answer = self.github("GET", R)
            self.assertEqual(answer.status, status)
            self.assertIn("message", answer.json)

    def test_limits(self) -> None:
        self.cloud.fault(server="github", kind="secondary-limit", retry_after=7, times=1)
        answer = self.github("GET", R)
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (403, "7"))
        self.assertIn("secondary rate limit", answer.json["message"])
        self.cloud.fault(server="github", kind="rate-limit", seconds=30, times=1)
        answer = self.github("GET", R)
        self.assertEqual((answer.status, answer.headers["x-ratelimit-remaining"]), (403, "0"))
        self.assertAlmostEqual(int(answer.headers["x-ratelimit-reset"]), time.time() + 30, delta=10)
        self.assertEqual(self.github("GET", R).status, 200)

    def test_on_the_wire(self) -> None:
        self.cloud.fault(server="github", kind="reply-lost", operation="actions/create-or-update-repo-secret", times=1)
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            self.put("A", b"arrived")
        self.assertEqual(self.cloud.github_secrets(), {"A": "arrived"})
        self.cloud.fault(server="github", kind="reset", times=1)
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            self.github("GET", R)
        self.cloud.fault(server="github", kind="wrong-length", times=1)
        with self.assertRaises(http.client.IncompleteRead):
            self.github("GET", R)
        self.cloud.fault(server="github", kind="html", times=1)
        self.assertIn(b"<html>", self.github("GET", R).body)
        self.cloud.fault(server="github", kind="truncated", times=1)
        with self.assertRaises(ValueError):
            self.github("GET", R).json  # noqa: B018 - the parsing is the point

    def test_empty_stale_and_lagging_lists(self) -> None:
        self.put("A", b"x")
        self.github("GET", f"{R}/actions/secrets")
        self.cloud.fault(server="github", kind="empty", times=1)
        self.assertEqual(self.github("GET", f"{R}/actions/secrets").json, {"total_count": 0, "secrets": []})
        self.put("B", b"x")
        self.cloud.fault(server="github", kind="stale", seconds=0, operation=".*list.*", times=1)
        self.assertEqual(self.github("GET", f"{R}/actions/secrets").json["total_count"], 1)
        self.cloud.fault(server="github", kind="not-yet", seconds=60, operation=".*get-repo-secret", times=1)
        self.assertEqual(self.github("GET", f"{R}/actions/secrets/B").status, 404)
        self.assertEqual(self.github("GET", f"{R}/actions/secrets/B").status, 200)

    def test_old_stamp_for_a_while(self) -> None:
        self.put("A", b"one")
        time.sleep(2.1)
        self.put("A", b"two")
        new = self.github("GET", f"{R}/actions/secrets/A").json
        self.cloud.fault(server="github", kind="not-yet", seconds=1, times=1)
        old = self.github("GET", f"{R}/actions/secrets/A").json
        self.assertLess(old["updated_at"], new["updated_at"])

    def test_one_secret_only(self) -> None:
        self.cloud.fault(server="github", kind="500", resource="B")
        self.assertEqual(self.put("A").status, 201)
        self.assertEqual(self.put("B").status, 500)


class Control(GithubTest):
    def test_log_and_counters(self) -> None:
        mark = self.cloud.mark()
        iam = self.cloud.client("iam")
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        iam.get_role(RoleName="r")
        self.refused("NoSuchEntity", iam.get_role, RoleName="absent")
        self.github("GET", f"{R}/actions/secrets")
        create, get, absent, secrets = self.cloud.log(since=mark)
        self.assertEqual((create["service"], create["operation"], create["write"], create["account"], create["region"]),
                         ("iam", "CreateRole", True, "123456789012", "us-east-1"))
        self.assertEqual((get["write"], get["resources"]), (False, ["r"]))
        self.assertEqual((absent["status"], absent["error"]), (404, "NoSuchEntity"))
        self.assertEqual(secrets["server"], "github")
        self.assertTrue(all(record["request_id"] for record in (create, get, absent, secrets)))
        self.assertEqual([r["seq"] for r in self.cloud.log(mark)], list(range(mark + 1, mark + 5)))
        counters = self.cloud.counters()
        self.assertEqual(counters["servers"]["aws"]["services"]["iam"]["GetRole"], {"calls": 2, "errors": 1, "faults": 0, "write": False})
        self.assertEqual(counters["servers"]["aws"]["writes"], 1)
        self.cloud.control("DELETE", "/log")
        self.assertEqual(self.cloud.log(), [])
        self.assertEqual(self.cloud.counters()["totals"]["calls"], 0)

    def test_rest_operations_are_named(self) -> None:
        s3 = self.cloud.client("s3")
        s3.create_bucket(Bucket="bucket-one")
        s3.put_bucket_versioning(Bucket="bucket-one", VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_lifecycle_configuration(Bucket="bucket-one", LifecycleConfiguration={"Rules": [
            {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]})
        s3.get_bucket_encryption(Bucket="bucket-one")
        s3.put_object(Bucket="bucket-one", Key="a", Body=b"")
        s3.copy_object(Bucket="bucket-one", Key="b", CopySource="bucket-one/a")
        s3.list_objects_v2(Bucket="bucket-one")
        s3.head_bucket(Bucket="bucket-one")
        s3.delete_objects(Bucket="bucket-one", Delete={"Objects": [{"Key": "a"}]})
        eks, functions = self.cloud.client("eks"), self.cloud.client("lambda")
        eks.list_clusters()
        self.refused("ResourceNotFoundException", eks.describe_cluster, name="absent")
        self.refused("ResourceNotFoundException", functions.get_function, FunctionName="absent")
        self.assertEqual([r["operation"] for r in self.cloud.log()], [
            "CreateBucket", "PutBucketVersioning", "PutBucketLifecycleConfiguration", "GetBucketEncryption", "PutObject", "CopyObject",
            "ListObjectsV2", "HeadBucket", "DeleteObjects", "ListClusters", "DescribeCluster", "GetFunction"])

    def test_reset_is_a_fresh_cloud(self) -> None:
        self.cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        self.cloud.client("s3").create_bucket(Bucket="bucket-one")
        self.put("A")
        self.cloud.fault(kind="500")
        self.cloud.control("POST", "/clock", {"offset": 100})
        self.cloud.reset()
        self.assertEqual(self.cloud.client("iam").list_roles()["Roles"], [])
        self.assertEqual(self.cloud.client("s3").list_buckets()["Buckets"], [])
        self.assertEqual(self.cloud.github_secrets(), {})
        self.assertEqual(self.cloud.control("GET", "/clock")["offset"], 0)

    def test_unknown_routes_and_bodies(self) -> None:
        self.assertEqual(call(self.cloud.control_url, "GET", "/nonsense").status, 404)
        self.assertEqual(call(self.cloud.control_url, "PUT", "/log").status, 405)
        self.assertEqual(call(self.cloud.control_url, "POST", "/faults", b"{").status, 400)
        self.assertEqual(call(self.cloud.control_url, "POST", "/latency", b"{}").status, 400)
        self.assertIn("GET /log", call(self.cloud.control_url, "GET", "/").json["routes"])


if __name__ == "__main__":
    unittest.main()
