"""A group of model versions: found and healed; its models are never lost without an approval and force_destroy."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.kinds import KindTest  # noqa: E402
from lib.scenario import ACCOUNT, head  # noqa: E402

GROUP, NAME = "aws_sagemaker_model_package_group.abalone", "abalone"
ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/{NAME}"
FOREIGN = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": "sagemaker:DescribeModelPackage", "Resource": "*"}]})


def platform(**more: Any) -> dict[str, Any]:
    document = head()
    document["resources"] = {GROUP: {"model_package_group_name": NAME, "model_package_group_description": "ages of abalones",
                                     "tags": {"team": "ml"}, **more}}
    return document


class Group(KindTest):
    def snapshot(self) -> dict[str, Any]:
        client = self.oracle.sagemaker
        found = client.describe_model_package_group(ModelPackageGroupName=NAME)
        tags = {t["Key"]: t["Value"] for t in client.list_tags(ResourceArn=ARN)["Tags"]}
        tags.pop("mlopsd:intent", None)
        return {"description": found["ModelPackageGroupDescription"], "tags": tags, "policy": self.policy(),
                "all": [g["ModelPackageGroupName"] for g in client.list_model_package_groups()["ModelPackageGroupSummaryList"]]}

    def policy(self) -> str | None:
        client = self.oracle.sagemaker
        try:
            return client.get_model_package_group_policy(ModelPackageGroupName=NAME)["ResourcePolicy"]
        except client.exceptions.ClientError:
            return None

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        o = self.oracle.sagemaker
        rounds = [
            [("resource_policy", "extra", "critical",
              lambda: o.put_model_package_group_policy(ModelPackageGroupName=NAME, ResourcePolicy=FOREIGN)),
             ('tags["team"]', "changed", "notice", lambda: o.add_tags(ResourceArn=ARN, Tags=[{"Key": "team", "Value": "x"}]))],
            [('tags["mlopsd:address"]', "missing", "notice", lambda: o.delete_tags(ResourceArn=ARN, TagKeys=["mlopsd:address"]))],
            [("", "missing", "critical", lambda: o.delete_model_package_group(ModelPackageGroupName=NAME))],
        ]
        self.heals(platform(), GROUP, self.snapshot, rounds)

    def without(self, daemon: Any, document: dict[str, Any]) -> None:
        del document["resources"][GROUP]
        daemon.write_platform(document)
        daemon.call("Reload")
        daemon.check()

    def groups(self) -> list[str]:
        return [g["ModelPackageGroupName"] for g in self.oracle.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]]

    def test_models_go_only_with_approval_and_force(self) -> None:
        document = platform(force_destroy=True)
        daemon = self.running(document)
        daemon.check()
        self.oracle.sagemaker.create_model_package(ModelPackageGroupName=NAME)
        self.without(daemon, document)
        self.assertEqual(self.groups(), [NAME], "not without an approval")
        daemon.call("Approve", address=GROUP)
        wait_for(lambda: (daemon.check(), not self.groups())[1], "the group to go")
        self.assertEqual(self.oracle.sagemaker.list_model_packages(ModelPackageGroupName=NAME)["ModelPackageSummaryList"], [])

    def test_without_force_a_full_group_stays(self) -> None:
        document = platform()
        daemon = self.running(document)
        daemon.check()
        self.oracle.sagemaker.create_model_package(ModelPackageGroupName=NAME)
        self.without(daemon, document)
        mark = self.cloud.mark()
        daemon.call("Approve", address=GROUP)
        for _ in range(3):
            daemon.check()
        self.assertEqual(self.groups(), [NAME])
        self.assert_no_write(mark)

    def test_another_description_waits_for_an_approval(self) -> None:
        document = platform()
        daemon = self.running(document)
        mark = self.cloud.mark()
        document["resources"][GROUP]["model_package_group_description"] = "sizes"
        daemon.write_platform(document)
        daemon.call("Reload")
        daemon.check()
        self.assert_no_write(mark)
        self.assertEqual(self.snapshot()["description"], "ages of abalones")
        self.assertFalse(daemon.platform()["converged"])


if __name__ == "__main__":
    unittest.main()
