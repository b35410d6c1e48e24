"""What people get wrong, and what AWS refuses: each message says what is wrong and what to do, and all that can go on goes on."""
from __future__ import annotations

import re
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.cloud import Oracle  # noqa: E402
from lib.daemon import Daemon, missing, program, wait_for  # noqa: E402
from lib.sandbox import OTHER_ACCESS_KEY, OTHER_SECRET_KEY  # noqa: E402
from lib.whole import BUCKET_NAME, quick_sandbox, whole, whole_daemon  # noqa: E402

ALONE = {"with_network": False, "with_cluster": False, "with_database": False, "with_studio": False}  # without what takes its time


class Refused(unittest.TestCase):
    """What `mlopsctl validate` says before anything is done."""

    @classmethod
    def setUpClass(cls) -> None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)

    def validate(self, document: dict[str, Any]) -> str:
        daemon = whole_daemon(quick_sandbox(), document)
        self.addCleanup(daemon.close)
        told = subprocess.run([str(program("mlopsctl")), "validate", str(daemon.platform_file("abalone-mlops"))],
                              capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual((told.returncode, told.stdout), (1, ""), told.stderr)
        return told.stderr

    def test_a_parameter_that_does_not_exist(self) -> None:
        self.assertRegex(self.validate(whole(bucket_nam="x")),
                         r'platforms\.d/abalone-mlops\.yaml:\d+:\d+: error: blueprint mlops-platform has no parameter "bucket_nam"; '
                         r'did you mean "bucket_name"\?')

    def test_a_parameter_of_another_sort(self) -> None:
        self.assertRegex(self.validate(whole(database_storage_gib="plenty")), r"error: .*database_storage_gib.*integer")
        self.assertRegex(self.validate(whole(image_tag_mutability="SOMETIMES")), r"error: .*MUTABLE.*IMMUTABLE")

    def test_a_subnet_outside_of_its_network(self) -> None:
        told = self.validate(whole(public_subnet_cidrs={"a": "10.9.1.0/24", "b": "10.0.2.0/24"}))
        self.assertIn("aws_subnet.public_a: cidr_block: 10.9.1.0/24 does not lie in 10.0.0.0/16, the range of its VPC: choose", told)
        self.assertNotIn("public_b", told)

    def test_a_part_that_others_stand_on_is_switched_off(self) -> None:
        told = self.validate(whole(with_network=False))
        self.assertEqual(told.count(" error: "), 3, told)
        for part in ("with_cluster", "with_database", "with_studio"):
            self.assertRegex(told, rf"abalone-mlops\.yaml:\d+:\d+: error: {part} needs with_network, which is off: set {part}: false as well")


class FromAws(unittest.TestCase):
    """What AWS refuses: one resource stands still and says why, the others are made."""

    @classmethod
    def setUpClass(cls) -> None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = quick_sandbox()

    def setUp(self) -> None:
        self.cloud.reset()

    def started(self, **parameters: Any) -> Daemon:
        daemon = whole_daemon(self.cloud, whole(**parameters))
        self.addCleanup(daemon.close)
        return daemon.start()

    def told(self, daemon: Daemon, address: str, *words: str) -> str:
        """Status' reason, once it holds all the words; the journal must say it too, and no other resource fails."""
        def why() -> str:
            found = {entry["address"]: entry["why"] for entry in daemon.platform()["blocked"]}.get(address, "")
            return found if all(re.search(word, found) for word in words) else ""

        try:
            text = wait_for(why, f"{address}: {words}", 30)
        except AssertionError as error:
            raise AssertionError(f"{error}: {daemon.platform()['blocked']}") from None

        def in_the_journal() -> bool:
            daemon.check()  # what could not be looked at is told when it lasts
            return any(f"{address}: " in line["message"] and re.search(words[0], line["message"]) for line in daemon.log())

        wait_for(in_the_journal, f"the journal to tell {words[0]!r} of {address}", 10)
        return text

    def goes_on(self, daemon: Daemon, *addresses: str) -> None:
        """These are made all the same."""
        def ready() -> bool:
            found = {row["address"]: row["status"] for row in daemon.call("StateList")["resources"]}
            return all(found.get(address) == "ready" for address in addresses)

        wait_for(ready, f"{addresses} to be made", 30)

    def test_a_bucket_name_that_is_taken(self) -> None:
        Oracle(self.cloud, OTHER_ACCESS_KEY, OTHER_SECRET_KEY).s3.create_bucket(Bucket=BUCKET_NAME)
        daemon = self.started(**ALONE)
        self.told(daemon, "aws_s3_bucket.artifacts", BUCKET_NAME, "belongs to another account", "choose another name")
        self.goes_on(daemon, "aws_ecr_repository.api", "aws_sagemaker_model_package_group.models", "github_actions_secret.aws_region")

    def test_a_role_name_that_is_taken(self) -> None:
        trust = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
                 '"Principal":{"Service":"ec2.amazonaws.com"}}]}')
        Oracle(self.cloud).iam.create_role(RoleName="GitHubActionRole", AssumeRolePolicyDocument=trust)
        daemon = self.started(**ALONE)
        self.told(daemon, "aws_iam_role.github_actions", "name is taken", "choose another name, or say `adopt: true`")
        self.goes_on(daemon, "aws_iam_role.sagemaker_execution", "aws_s3_bucket.artifacts")

    def test_a_quota_of_addresses_that_is_spent(self) -> None:
        self.cloud.fault(server="aws", service="ec2", operation="AllocateAddress", kind="error", status=400, code="AddressLimitExceeded",
                         message="The maximum number of addresses has been reached.")
        daemon = self.started()
        self.told(daemon, "aws_eip.nat", "quota reached", "maximum number of addresses", "Service Quotas")
        self.goes_on(daemon, "aws_vpc.main", "aws_route_table.public", "aws_db_subnet_group.mlflow", "aws_eks_cluster.main")

    def test_a_quota_of_networks_that_is_spent(self) -> None:
        self.cloud.fault(server="aws", service="ec2", operation="CreateVpc", kind="error", status=400, code="VpcLimitExceeded",
                         message="The maximum number of VPCs has been reached.")
        daemon = self.started()
        self.told(daemon, "aws_vpc.main", "quota reached", "maximum number of VPCs", "Service Quotas")
        self.goes_on(daemon, "aws_eip.nat", "aws_s3_bucket.artifacts", "aws_iam_role.cluster")

    def test_a_permission_that_is_missing(self) -> None:
        self.cloud.fault(server="aws", service="ecr", operation="CreateRepository", kind="access-denied")
        self.cloud.fault(server="aws", service="lambda", operation="CreateFunction", kind="access-denied")
        daemon = self.started(**ALONE)
        self.told(daemon, "aws_ecr_repository.api", "ecr:CreateRepository")
        self.told(daemon, "aws_lambda_function.deploy_trigger", "lambda:CreateFunction")
        self.goes_on(daemon, "aws_iam_role.sagemaker_execution", "aws_secretsmanager_secret.github_token")

    def test_a_version_of_kubernetes_that_does_not_exist(self) -> None:
        daemon = self.started(kubernetes_version="1.99")
        self.told(daemon, "aws_eks_cluster.main", r"version 1\.99 is not to be had \(EKS offers .*1\.35")
        self.goes_on(daemon, "aws_db_subnet_group.mlflow", "aws_nat_gateway.main", "aws_lambda_function.deploy_trigger")

    def test_subnets_that_overlap(self) -> None:
        daemon = self.started(public_subnet_cidrs={"a": "10.0.1.0/24", "b": "10.0.1.128/25"})

        def either() -> str:
            blocked = {entry["address"]: entry["why"] for entry in daemon.platform()["blocked"]}
            return blocked.get("aws_subnet.public_a", "") + blocked.get("aws_subnet.public_b", "")

        wait_for(lambda: re.search(r"10\.0\.1\.\d+/2\d.* conflicts with another subnet", either()),
                 "the conflict to be told", 30)
        self.goes_on(daemon, "aws_subnet.private_a", "aws_subnet.private_b", "aws_s3_bucket.artifacts")


if __name__ == "__main__":
    unittest.main()
