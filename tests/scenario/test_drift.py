"""Every field that a kind can put right, changed by somebody else: found, told once, healed, and told once that it is over."""
from __future__ import annotations

import json
import sys
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.cloud import PROVIDER_ARN, Oracle  # noqa: E402
from lib.daemon import Daemon, wait_for  # noqa: E402
from lib.scenario import *  # noqa: E402,F403
from lib.scenario import ACCOUNT, ScenarioTest  # noqa: E402

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ECR_ARN = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{ECR_NAME}"
WIDE = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": PROVIDER_ARN},
    "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": f"repo:{'john-doe/mlops-project'}:*"}}}]})
FOREIGN_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": ["ecr:BatchGetImage"]}]})
LIFECYCLE = json.dumps({"rules": [{"rulePriority": 1, "selection": {
    "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]})

Change = tuple[str, str, str, Callable[[Oracle], Any]]  # field, kind of drift, severity, what somebody does

PROVIDER_CHANGES: list[list[Change]] = [
    [('client_id_list["sigstore"]', "extra", "critical",
      lambda o: o.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER_ARN, ClientID="sigstore")),
     ('tags["team"]', "changed", "notice",
      lambda o: o.iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER_ARN, Tags=[{"Key": "team", "Value": "x"}])),
     ('tags["mlopsd:address"]', "missing", "notice",
      lambda o: o.iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER_ARN, TagKeys=["mlopsd:address"]))],
    [('client_id_list["sts.amazonaws.com"]', "missing", "critical",
      lambda o: (o.iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER_ARN, ClientID="other"),
                 o.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER_ARN,
                                                                      ClientID="sts.amazonaws.com"))),
     ('client_id_list["other"]', "extra", "critical", lambda o: None)],
    [("", "missing", "critical", lambda o: o.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER_ARN))],
]
ROLE_CHANGES: list[list[Change]] = [
    [("description", "changed", "warning", lambda o: o.iam.update_role(RoleName=ROLE_NAME, Description="x", MaxSessionDuration=3600)),
     ("max_session_duration", "changed", "critical", lambda o: None),
     ("permissions_boundary", "missing", "critical", lambda o: o.iam.delete_role_permissions_boundary(RoleName=ROLE_NAME)),
     ("assume_role_policy", "changed", "critical",
      lambda o: o.iam.update_assume_role_policy(RoleName=ROLE_NAME, PolicyDocument=WIDE)),
     ('inline_policy["artifacts"].policy', "changed", "critical",
      lambda o: o.iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="artifacts", PolicyDocument=json.dumps(statement("s3:*", "*")))),
     (f'managed_policy_arns["{ADMIN}"]', "extra", "critical",
      lambda o: o.iam.attach_role_policy(RoleName=ROLE_NAME, PolicyArn=ADMIN)),
     ('tags["team"]', "changed", "notice", lambda o: o.iam.tag_role(RoleName=ROLE_NAME, Tags=[{"Key": "team", "Value": "x"}]))],
    [("permissions_boundary", "changed", "critical",
      lambda o: o.iam.put_role_permissions_boundary(RoleName=ROLE_NAME, PermissionsBoundary=ADMIN)),
     ('inline_policy["artifacts"]', "missing", "critical",
      lambda o: o.iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName="artifacts")),
     ('inline_policy["backdoor"]', "extra", "critical",
      lambda o: o.iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="backdoor", PolicyDocument=json.dumps(statement("*", "*")))),
     (f'managed_policy_arns["{ATTACHED}"]', "missing", "critical",
      lambda o: o.iam.detach_role_policy(RoleName=ROLE_NAME, PolicyArn=ATTACHED)),
     ('tags["team"]', "missing", "notice", lambda o: o.iam.untag_role(RoleName=ROLE_NAME, TagKeys=["team"]))],
    [("", "missing", "critical", lambda o: delete_role(o))],
]
BUCKET_CHANGES: list[list[Change]] = [
    [("versioning.enabled", "changed", "critical",
      lambda o: o.s3.put_bucket_versioning(Bucket=BUCKET_NAME, VersioningConfiguration={"Status": "Suspended"})),
     ("server_side_encryption_configuration.sse_algorithm", "changed", "critical",
      lambda o: encrypt(o, ApplyServerSideEncryptionByDefault={"SSEAlgorithm": "aws:kms"})),
     ("public_access_block.block_public_acls", "changed", "critical",
      lambda o: o.s3.put_public_access_block(Bucket=BUCKET_NAME, PublicAccessBlockConfiguration={
          "BlockPublicAcls": False, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True})),
     ("object_ownership", "changed", "critical",
      lambda o: o.s3.put_bucket_ownership_controls(Bucket=BUCKET_NAME, OwnershipControls={
          "Rules": [{"ObjectOwnership": "ObjectWriter"}]})),
     ("policy", "changed", "critical",
      lambda o: o.s3.put_bucket_policy(Bucket=BUCKET_NAME, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
          "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": "s3:GetObject",
          "Resource": f"arn:aws:s3:::{BUCKET_NAME}/*"}]}))),
     ('tags["team"]', "changed", "notice",
      lambda o: o.s3.put_bucket_tagging(Bucket=BUCKET_NAME, Tagging={"TagSet": [
          {"Key": k, "Value": "x" if k == "team" else v} for k, v in o.bucket(BUCKET_NAME)["tags"].items()]}))],
    [("policy", "missing", "critical", lambda o: o.s3.delete_bucket_policy(Bucket=BUCKET_NAME)),
     ("server_side_encryption_configuration.bucket_key_enabled", "changed", "critical",
      lambda o: encrypt(o, BucketKeyEnabled=False)),
     ("public_access_block.block_public_acls", "changed", "critical", lambda o: o.s3.delete_public_access_block(Bucket=BUCKET_NAME)),
     ("public_access_block.block_public_policy", "changed", "critical", lambda o: None),
     ("public_access_block.ignore_public_acls", "changed", "critical", lambda o: None),
     ("public_access_block.restrict_public_buckets", "changed", "critical", lambda o: None),
     ('tags["team"]', "missing", "notice", lambda o: o.s3.delete_bucket_tagging(Bucket=BUCKET_NAME)),
     ('tags["mlopsd:platform"]', "missing", "notice", lambda o: None),
     ('tags["mlopsd:address"]', "missing", "notice", lambda o: None)],
    [("", "missing", "critical", lambda o: o.s3.delete_bucket(Bucket=BUCKET_NAME))],
]
ECR_CHANGES: list[list[Change]] = [
    [("image_tag_mutability", "changed", "critical",
      lambda o: o.ecr.put_image_tag_mutability(repositoryName=ECR_NAME, imageTagMutability="MUTABLE")),
     ("image_scanning_configuration.scan_on_push", "changed", "critical",
      lambda o: o.ecr.put_image_scanning_configuration(repositoryName=ECR_NAME, imageScanningConfiguration={"scanOnPush": False})),
     ("policy", "changed", "critical",
      lambda o: o.ecr.set_repository_policy(repositoryName=ECR_NAME, policyText=FOREIGN_POLICY)),
     ("lifecycle_policy", "changed", "warning",
      lambda o: o.ecr.put_lifecycle_policy(repositoryName=ECR_NAME, lifecyclePolicyText=LIFECYCLE)),
     ('tags["team"]', "changed", "notice", lambda o: o.ecr.tag_resource(resourceArn=ECR_ARN, tags=[{"Key": "team", "Value": "x"}]))],
    [("policy", "missing", "critical", lambda o: o.ecr.delete_repository_policy(repositoryName=ECR_NAME)),
     ("lifecycle_policy", "missing", "warning", lambda o: o.ecr.delete_lifecycle_policy(repositoryName=ECR_NAME)),
     ('tags["team"]', "missing", "notice", lambda o: o.ecr.untag_resource(resourceArn=ECR_ARN, tagKeys=["team"]))],
    [("", "missing", "critical", lambda o: o.ecr.delete_repository(repositoryName=ECR_NAME, force=True))],
]


def encrypt(oracle: Oracle, **changes: Any) -> None:
    """Change the bucket's encryption rule and keep the rest of it."""
    rule = {**oracle.bucket(BUCKET_NAME)["encryption"][0], **changes}
    oracle.s3.put_bucket_encryption(Bucket=BUCKET_NAME, ServerSideEncryptionConfiguration={"Rules": [rule]})


def delete_role(oracle: Oracle) -> None:
    for arn in oracle.role(ROLE_NAME)["managed_policy_arns"]:
        oracle.iam.detach_role_policy(RoleName=ROLE_NAME, PolicyArn=arn)
    for name in oracle.role(ROLE_NAME)["inline_policy"]:
        oracle.iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName=name)
    oracle.iam.delete_role(RoleName=ROLE_NAME)


class Drift(ScenarioTest):
    maxDiff = None

    def told(self, daemon: Daemon, event: str, address: str) -> list[str]:
        return sorted(e.get("mlopsd_field", "") for e in daemon.events(event, address))

    def heals(self, address: str, rounds: list[list[Change]], platform: dict[str, Any] | None = None) -> None:
        """Somebody makes the changes of each round; the daemon looks three times; every change is told and healed once."""
        daemon = self.running(platform or full())
        before = self.oracle.snapshot()
        expected: list[str] = []
        for changes in rounds:
            for *_, act in changes:
                act(self.oracle)
            mark = len(daemon.drifts(everything=True))
            for _ in range(3):
                daemon.check()
            wait_for(lambda: not daemon.drifts(), "the drift to be healed")
            episodes = daemon.drifts(everything=True)
            fresh = sorted((d["field"], d["kind"], d["severity"]) for d in episodes
                           if d["address"] == address)
            expected = sorted([*expected, *[c[0] for c in changes]])
            wanted = sorted(c[:3] for done in rounds[:rounds.index(changes) + 1] for c in done)
            self.assertEqual(fresh, wanted)
            self.assertEqual({d["address"] for d in episodes}, {address}, "nothing else drifted")
            self.assertGreater(len(episodes), mark)
            self.assertEqual(self.told(daemon, "drift", address), expected, "each is told once")
            self.assertEqual(self.told(daemon, "resolved", address), expected, "and its end once")
            self.assertEqual(self.oracle.snapshot(), before)
        severities = {e["mlopsd_field"] if "mlopsd_field" in e else "": e["level"] for e in daemon.events("drift", address)}
        for changes in rounds:
            for field, _, severity, _ in changes:
                self.assertEqual(severities[field], severity, field)

    def test_whatever_is_changed_on_a_provider_is_found_and_healed(self) -> None:
        self.heals(PROVIDER, PROVIDER_CHANGES)

    def test_whatever_is_changed_on_a_role_is_found_and_healed(self) -> None:
        self.heals(ROLE, ROLE_CHANGES)

    def test_whatever_is_changed_on_a_bucket_is_found_and_healed(self) -> None:
        self.heals(BUCKET, BUCKET_CHANGES)

    def test_whatever_is_changed_on_an_image_repository_is_found_and_healed(self) -> None:
        self.heals(ECR, ECR_CHANGES)

    def test_a_secret_written_by_someone_else_is_found_and_healed(self) -> None:
        daemon = self.running(full())
        wanted = self.cloud.github_secrets()
        wait_for(lambda: self.write_secret_later("DB_PASSWORD", "stolen"), "another second")
        daemon.check()
        wait_for(lambda: not daemon.drifts(), "the drift to be healed")
        (episode,) = daemon.drifts(everything=True)
        self.assertEqual((episode["address"], episode["field"], episode["kind"], episode["severity"]),
                         (DB_SECRET, "plaintext_value", "changed", "critical"))
        self.assertEqual(self.cloud.github_secrets(), wanted)
        self.assertEqual(len(daemon.events("drift")), 1)
        self.assertEqual(len(daemon.events("resolved")), 1)
        self.assertNotIn("stolen", daemon.all_stderr())

    def test_a_deleted_secret_is_found_and_healed(self) -> None:
        daemon = self.running(full())
        wanted = self.cloud.github_secrets()
        daemon.check()  # what is young must be seen twice before its absence is believed
        self.cloud.control("DELETE", "/github/secret?name=ROLE_ARN&repository=john-doe/mlops-project")
        daemon.check()
        wait_for(lambda: self.cloud.github_secrets() == wanted, "the secret to be written again")
        wait_for(lambda: not daemon.drifts(), "the drift to be resolved", 30)
        (episode,) = daemon.drifts(everything=True)
        self.assertEqual((episode["address"], episode["field"], episode["kind"]), (ROLE_SECRET, "", "missing"))
        self.assertEqual(len(daemon.events("drift")), 1)

    def write_secret_later(self, name: str, value: str) -> bool:
        """Overwrite it, but not within the second of its last write: times have whole seconds, nobody could tell."""
        def stamp() -> str:
            return self.cloud.control("GET", "/github/secrets?repository=john-doe/mlops-project")["secrets"][name]["updated_at"]

        before = stamp()
        self.cloud.overwrite_github_secret(name, value)
        return stamp() != before

    def test_with_on_drift_alert_every_change_is_told_once_and_left_alone(self) -> None:
        platform = full()
        platform["policy"] = {"on_drift": "alert"}
        daemon = self.running(platform)
        table = [(PROVIDER, PROVIDER_CHANGES[0]), (ROLE, ROLE_CHANGES[0]), (BUCKET, BUCKET_CHANGES[0]), (ECR, ECR_CHANGES[0])]
        for _, changes in table:
            for *_, act in changes:
                act(self.oracle)
        wait_for(lambda: self.write_secret_later("ROLE_ARN", "stolen"), "another second")
        mark, changed = self.cloud.mark(), self.oracle.snapshot()
        for _ in range(3):
            daemon.check()
        wanted = sorted([(a, *c[:3]) for a, changes in table for c in changes]
                        + [(ROLE_SECRET, "plaintext_value", "changed", "critical")])
        self.assertEqual(sorted((d["address"], d["field"], d["kind"], d["severity"]) for d in daemon.drifts()), wanted)
        self.assertEqual({d["state"] for d in daemon.drifts()}, {"open"})
        self.assertEqual(len(daemon.events("drift")), len(wanted))
        self.assert_no_write(mark)
        self.assertEqual(self.oracle.snapshot(), changed)
        self.assertEqual(self.cloud.github_secrets()["ROLE_ARN"], "stolen")
        self.assertFalse(daemon.platform()["converged"])

    def test_an_ignored_field_is_neither_told_nor_healed(self) -> None:
        platform = full()
        platform["policy"] = {"ignore": {ROLE: ["description"]}}
        daemon = self.running(platform)
        self.oracle.iam.update_role(RoleName=ROLE_NAME, Description="mine", MaxSessionDuration=7200)
        mark = self.cloud.mark()
        daemon.check()
        self.assert_no_write(mark)
        self.assertEqual(daemon.drifts(everything=True), [])
        self.assertTrue(daemon.platform()["converged"])

    def test_tags_of_others_are_left_alone(self) -> None:
        daemon = self.running(full())
        self.oracle.iam.tag_role(RoleName=ROLE_NAME, Tags=[{"Key": "cost-centre", "Value": "42"}])
        self.oracle.ecr.tag_resource(resourceArn=ECR_ARN, tags=[{"Key": "cost-centre", "Value": "42"}])
        self.oracle.s3.put_bucket_tagging(Bucket=BUCKET_NAME, Tagging={"TagSet": [
            {"Key": k, "Value": v} for k, v in {**self.oracle.bucket(BUCKET_NAME)["tags"], "cost-centre": "42", "team": "x"}.items()]})
        daemon.check()
        self.assertEqual([d["field"] for d in daemon.drifts(everything=True)], ['tags["team"]'])
        for tags in (self.oracle.role(ROLE_NAME)["tags"], self.oracle.bucket(BUCKET_NAME)["tags"], self.oracle.repository(ECR_NAME)["tags"]):
            self.assertEqual((tags["cost-centre"], tags["team"]), ("42", "ml"))


class Episodes(ScenarioTest):
    def test_a_drift_that_outlives_three_restarts_is_told_once_and_resolved_once(self) -> None:
        platform = small()
        platform["policy"] = {"on_drift": "alert"}
        daemon = self.running(platform)
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600)
        daemon.check()
        first = daemon.drifts()
        for _ in range(3):
            self.assertEqual(daemon.stop(), 0)
            daemon.start()
            daemon.check()
            self.assertEqual(daemon.drifts(), first)
        self.assertEqual(len(daemon.events("drift")), 1)
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=7200)
        daemon.check()
        daemon.check()
        self.assertEqual(daemon.drifts(), [])
        self.assertEqual(len(daemon.events("drift")), 1)
        self.assertEqual(len(daemon.events("resolved")), 1)
        kept = [e["event"] for e in daemon.call("History", limit=200)["events"]]
        self.assertEqual((kept.count("drift"), kept.count("resolved")), (1, 1))

    def test_a_field_that_is_changed_back_again_and_again_is_contested_and_healed_more_slowly(self) -> None:
        daemon = self.running(small())
        for _ in range(3):
            self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600)
            daemon.check()
            self.assertEqual(self.oracle.role(ROLE_NAME)["max_session_duration"], 7200)
        self.assertEqual(daemon.events("contested"), [])
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600)
        mark = self.cloud.mark()
        daemon.check()
        daemon.check()
        self.assertEqual(len(daemon.events("contested", ROLE)), 1)
        self.assert_no_write(mark)
        self.assertEqual([d["state"] for d in daemon.drifts()], ["contested"])
        daemon.call("Apply")  # a person says: now
        self.assertEqual(self.oracle.role(ROLE_NAME)["max_session_duration"], 7200)

    def test_many_resources_that_vanish_at_once_are_held_until_someone_applies(self) -> None:
        daemon = self.running(full())
        before = self.oracle.snapshot()
        daemon.check()  # what is young must be seen twice before its absence is believed
        delete_role(self.oracle)
        self.oracle.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER_ARN)
        self.oracle.s3.delete_bucket(Bucket=BUCKET_NAME)
        self.oracle.ecr.delete_repository(repositoryName=ECR_NAME)
        for name in ("DB_PASSWORD", "ROLE_ARN"):
            self.cloud.control("DELETE", f"/github/secret?name={name}&repository=john-doe/mlops-project")
        mark = self.cloud.mark()
        daemon.check()
        daemon.check()
        self.assert_no_write(mark)
        self.assertTrue(daemon.events("held"))
        self.assertEqual(len(daemon.events("drift")), 6)
        self.assertTrue(any("too many resources vanished" in b["why"] for b in daemon.platform()["blocked"]))
        self.assertTrue(daemon.call("Apply")["results"][0]["converged"])
        self.assertEqual(self.oracle.snapshot(), before)
        self.assertEqual(len(daemon.events("resolved")), 6)

    def test_the_loop_finds_a_drift_by_itself(self) -> None:
        daemon = self.running(small(), poll_interval="1s")
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600)
        wait_for(lambda: self.oracle.role(ROLE_NAME)["max_session_duration"] == 7200, "the role to be healed")
        wait_for(lambda: daemon.events("resolved", ROLE, "max_session_duration"), "the end to be told")


if __name__ == "__main__":
    unittest.main()
