"""A Studio domain and a user of it: made, waited for, healed, found again; users' work is never lost without approval and force."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import Daemon, wait_for  # noqa: E402
from lib.scenario import ACCOUNT, ScenarioTest, head  # noqa: E402

DOMAIN, USER, ROLE = "aws_sagemaker_domain.studio", "aws_sagemaker_user_profile.alice", "aws_iam_role.studio"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/studio"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                 "Principal": {"Service": "sagemaker.amazonaws.com"}}]}


def platform(domain: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> dict[str, Any]:
    document = head()
    document["resources"] = {
        ROLE: {"name": "studio", "assume_role_policy": TRUST},
        DOMAIN: {"domain_name": "studio", "vpc_id": "vpc-1", "subnet_ids": ["subnet-1", "subnet-2"],
                 "default_user_settings": {"execution_role": "${aws_iam_role.studio.arn}", "security_groups": ["sg-1"]},
                 "tags": {"team": "ml"}, **(domain or {})},
        USER: {"domain_id": "${aws_sagemaker_domain.studio.id}", "user_profile_name": "alice", "tags": {"team": "ml"}, **(user or {})}}
    return document


class Studio(ScenarioTest):
    maxDiff = None

    def setUp(self) -> None:
        super().setUp()
        names = [name for name in self.cloud.control("GET", "/durations") if name.startswith("sagemaker.")]
        self.cloud.control("POST", "/durations", {name: 0.2 for name in names})
        self.sagemaker = self.oracle.sagemaker

    def settle(self, daemon: Daemon) -> None:
        """Look until all is as wanted: the times between two looks are made for a service that takes minutes."""
        wait_for(lambda: (daemon.check(), daemon.platform()["converged"])[1], "the platform to settle", 40)

    def converged(self, document: dict[str, Any]) -> Daemon:
        daemon = self.given(document).start()
        self.settle(daemon)
        return daemon

    def ids(self) -> list[str]:
        return [domain["DomainId"] for domain in self.sagemaker.list_domains()["Domains"]]

    def users(self) -> list[str]:
        return [user["UserProfileName"] for user in self.sagemaker.list_user_profiles()["UserProfiles"]]

    def snapshot(self) -> dict[str, Any]:
        """Every declared field, as boto3 sees it."""
        [domain] = self.ids()
        seen = self.sagemaker.describe_domain(DomainId=domain)
        user = self.sagemaker.describe_user_profile(DomainId=domain, UserProfileName="alice")
        settings = seen["DefaultUserSettings"]
        return {"network": seen["AppNetworkAccessType"], "role": settings["ExecutionRole"], "groups": settings["SecurityGroups"],
                "subnets": sorted(seen["SubnetIds"]), "propagation": seen["TagPropagation"], "user": user["UserSettings"],
                "tags": [self.tags(seen["DomainArn"]), self.tags(user["UserProfileArn"])]}

    def tags(self, arn: str) -> dict[str, str]:
        found = {tag["Key"]: tag["Value"] for tag in self.sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        found.pop("mlopsd:intent", None)
        return found

    def test_made_once_and_left_alone(self) -> None:
        daemon = self.converged(platform())
        self.assertEqual(self.snapshot(), {
            "network": "VpcOnly", "role": ROLE_ARN, "groups": ["sg-1"], "subnets": ["subnet-1", "subnet-2"], "propagation": "DISABLED",
            "user": {}, "tags": [{"team": "ml", "mlopsd:platform": "small", "mlopsd:address": address} for address in (DOMAIN, USER)]})
        self.assertEqual(self.writes().count("sagemaker.CreateDomain"), 1)
        mark = self.cloud.mark()
        daemon.check()
        self.assert_no_write(mark)
        self.assertLessEqual(len([r for r in self.cloud.log(mark) if r["service"] == "sagemaker"]), 4)
        listed = {r["address"]: r for r in daemon.call("StateList")["resources"]}
        self.assertEqual((listed[DOMAIN]["id"], listed[USER]["id"]), (self.ids()[0], f"{self.ids()[0]}/alice"))

    def test_whatever_is_opened_is_told_and_closed(self) -> None:
        daemon = self.converged(platform())
        before, domain = self.snapshot(), self.ids()[0]
        other = self.oracle.iam.create_role(RoleName="admin", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.sagemaker.update_domain(DomainId=domain, AppNetworkAccessType="PublicInternetOnly", TagPropagation="ENABLED",
                                     DefaultUserSettings={"ExecutionRole": other, "SecurityGroups": ["sg-1", "sg-2"]})
        self.sagemaker.update_user_profile(DomainId=domain, UserProfileName="alice", UserSettings={"ExecutionRole": other})
        arn = self.sagemaker.describe_domain(DomainId=domain)["DomainArn"]
        self.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "x"}])
        self.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["mlopsd:address"])
        wait_for(lambda: self.sagemaker.describe_domain(DomainId=domain)["Status"] == "InService", "the change by hand")
        self.settle(daemon)
        self.assertEqual(self.snapshot(), before)
        told = sorted((d["address"], d["field"], d["kind"], d["severity"]) for d in daemon.drifts(everything=True))
        self.assertEqual(told, sorted([
            (DOMAIN, "app_network_access_type", "changed", "critical"),
            (DOMAIN, "default_user_settings.execution_role", "changed", "critical"),
            (DOMAIN, 'default_user_settings.security_groups["sg-2"]', "extra", "critical"),
            (DOMAIN, "tag_propagation", "changed", "warning"),
            (DOMAIN, 'tags["mlopsd:address"]', "missing", "notice"), (DOMAIN, 'tags["team"]', "changed", "notice"),
            (USER, "user_settings.execution_role", "extra", "critical")]))

    def test_found_again_among_domains_of_that_name(self) -> None:
        """The answer of CreateDomain is lost, and a stranger has a domain of the same name."""
        self.oracle.iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.sagemaker.create_domain(DomainName="studio", AuthMode="IAM", VpcId="vpc-2", SubnetIds=["subnet-9"],
                                     DefaultUserSettings={"ExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/other"})
        self.cloud.fault(server="aws", service="sagemaker", operation="CreateDomain", kind="reply-lost", times=1)
        daemon = self.converged(platform())
        self.assertEqual(self.writes().count("sagemaker.CreateDomain"), 2, "the stranger's and ours")
        listed = {r["address"]: r["id"] for r in daemon.call("StateList")["resources"]}
        self.assertEqual(self.sagemaker.describe_domain(DomainId=listed[DOMAIN])["VpcId"], "vpc-1")

    def undeclare(self, daemon: Daemon, document: dict[str, Any], *addresses: str) -> None:
        for address in addresses:
            del document["resources"][address]
        daemon.write_platform(document)
        daemon.reload()
        daemon.check()
        for address in addresses:
            daemon.call("Approve", address=address)

    def start_work(self) -> None:
        domain = self.ids()[0]
        self.sagemaker.create_space(DomainId=domain, SpaceName="desk", OwnershipSettings={"OwnerUserProfileName": "alice"},
                                    SpaceSharingSettings={"SharingType": "Private"})
        self.sagemaker.create_app(DomainId=domain, SpaceName="desk", AppType="JupyterLab", AppName="default")

    def test_work_of_users_is_named_and_kept(self) -> None:
        document = platform()
        daemon = self.converged(document)
        self.start_work()
        self.undeclare(daemon, document, USER)
        for _ in range(3):
            daemon.check()
        self.assertEqual(self.users(), ["alice"])
        blocked = str(daemon.call("Status"))
        self.assertIn("app JupyterLab/default", blocked)
        self.assertIn("space desk", blocked)

    def test_nothing_goes_without_an_approval(self) -> None:
        document = platform()
        daemon = self.converged(document)
        mark = self.cloud.mark()
        del document["resources"][USER], document["resources"][DOMAIN]
        daemon.write_platform(document)
        daemon.reload()
        daemon.check()
        self.assert_no_write(mark)

    def test_by_force_all_of_it_goes_in_order(self) -> None:
        document = platform({"force_destroy": True, "retention_policy": {"home_efs_file_system": "Delete"}}, {"force_destroy": True})
        daemon = self.converged(document)
        self.start_work()
        self.sagemaker.create_user_profile(DomainId=self.ids()[0], UserProfileName="stranger")
        mark = self.cloud.mark()
        self.undeclare(daemon, document, USER, DOMAIN)
        wait_for(lambda: (daemon.check(), not self.ids())[1], "the domain to go", 60)
        writes = [name.split(".")[1] for name in self.writes(mark) if name.startswith("sagemaker.Delete")]
        self.assertEqual(sorted(writes), sorted(["DeleteApp", "DeleteSpace", "DeleteUserProfile", "DeleteUserProfile", "DeleteDomain"]))
        self.assertEqual(writes[:2] + writes[-1:], ["DeleteApp", "DeleteSpace", "DeleteDomain"])


if __name__ == "__main__":
    unittest.main()
