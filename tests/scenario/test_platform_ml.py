"""Registry and ML: image repositories, the studio, the group of models and the role they run as (every field: test_drift,
test_kind_sagemaker_domain, test_kind_aws_sagemaker_model_package_group)."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import wait_for  # noqa: E402
from lib.sandbox import ACCOUNT  # noqa: E402
from lib.whole import BUCKET_NAME, TAGS, WholeTest, tags_of  # noqa: E402

DOMAIN, USER, ROLE = "aws_sagemaker_domain.studio", "aws_sagemaker_user_profile.default", "aws_iam_role.sagemaker_execution"
GROUP, API = "aws_sagemaker_model_package_group.models", "aws_ecr_repository.api"
ROLE_NAME, GROUP_NAME = "SageMakerExecutionRole", "AbaloneModelPackageGroup"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE_NAME}"
IMAGES = {"api": "abalone-prediction-api", "ui": "abalone-prediction-ui"}


class Ml(WholeTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.sagemaker = cls.oracle.sagemaker

    def domain(self) -> dict[str, Any]:
        return self.sagemaker.describe_domain(DomainId=self.ids()[DOMAIN])

    def user(self) -> dict[str, Any]:
        return self.sagemaker.describe_user_profile(DomainId=self.ids()[DOMAIN], UserProfileName="mlops-user")

    def group(self) -> dict[str, Any]:
        return self.sagemaker.describe_model_package_group(ModelPackageGroupName=GROUP_NAME)

    def tags(self, arn: str) -> dict[str, str]:
        return tags_of(self.sagemaker.list_tags(ResourceArn=arn)["Tags"])

    def snapshot(self) -> dict[str, Any]:
        domain, user, role = self.domain(), self.user(), self.oracle.role(ROLE_NAME)
        images = {name: self.oracle.repository(IMAGES[name]) for name in IMAGES}
        for thing in (role, *images.values()):
            thing["tags"].pop("mlopsd:intent", None)
        return {"network": domain["AppNetworkAccessType"], "settings": domain["DefaultUserSettings"], "user": user["UserSettings"],
                "tags": [self.tags(thing) for thing in (domain["DomainArn"], user["UserProfileArn"], self.group()["ModelPackageGroupArn"])],
                "role": role, "images": images}

    def test_1_two_image_repositories(self) -> None:
        for name in IMAGES.values():
            seen = self.oracle.repository(name)
            self.assertEqual((seen["image_tag_mutability"], seen["scan_on_push"], seen["policy"]), ("MUTABLE", True, None))
            self.assertLessEqual(TAGS.items(), seen["tags"].items())

    def test_2_the_studio_and_the_group_of_models(self) -> None:
        domain, user, ids = self.domain(), self.user(), self.ids()
        self.assertEqual((domain["Status"], domain["AuthMode"], domain["AppNetworkAccessType"]), ("InService", "IAM", "VpcOnly"))
        self.assertEqual((domain["DomainName"], domain["VpcId"]), ("abalone-mlops-domain", ids["aws_vpc.main"]))
        self.assertEqual(set(domain["SubnetIds"]), {ids["aws_subnet.private_a"], ids["aws_subnet.private_b"]})
        self.assertEqual(domain["DefaultUserSettings"]["ExecutionRole"], ROLE_ARN)
        self.assertEqual(domain["DefaultUserSettings"]["SecurityGroups"], [ids["aws_security_group.studio"]])
        self.assertEqual((user["Status"], user["UserSettings"]["ExecutionRole"]), ("InService", ROLE_ARN))
        self.assertEqual(self.group()["ModelPackageGroupDescription"], "Models of john-doe/mlops-project")
        self.assertEqual(self.tags(self.group()["ModelPackageGroupArn"]), TAGS)

    def test_3_only_sagemaker_of_this_account_takes_on_the_role(self) -> None:
        role = self.oracle.role(ROLE_NAME)
        self.assertEqual(role["assume_role_policy"]["Statement"], [{
            "Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}])
        self.assertEqual(role["managed_policy_arns"], ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"])
        reach = {arn for s in role["inline_policy"]["artifacts"]["Statement"]
                 for arn in ([s["Resource"]] if isinstance(s["Resource"], str) else s["Resource"])}
        self.assertEqual(reach, {f"arn:aws:s3:::{BUCKET_NAME}", f"arn:aws:s3:::{BUCKET_NAME}/*"})

    def test_4_changed_by_hand_it_is_put_right(self) -> None:
        domain, group = self.ids()[DOMAIN], self.group()["ModelPackageGroupArn"]
        admin, trust = "arn:aws:iam::aws:policy/AdministratorAccess", self.oracle.role(ROLE_NAME)["assume_role_policy"]
        other = self.oracle.iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]

        def open_studio() -> None:
            self.sagemaker.update_domain(DomainId=domain, AppNetworkAccessType="PublicInternetOnly")
            wait_for(lambda: self.domain()["Status"] == "InService", "the change by hand", every=0.02)

        self.heals(self.snapshot, [
            (DOMAIN, "app_network_access_type", "changed", "critical", open_studio),
            (USER, "user_settings.execution_role", "changed", "critical", lambda: self.sagemaker.update_user_profile(
                DomainId=domain, UserProfileName="mlops-user", UserSettings={"ExecutionRole": other})),
            (GROUP, 'tags["Project"]', "changed", "notice",
             lambda: self.sagemaker.add_tags(ResourceArn=group, Tags=[{"Key": "Project", "Value": "x"}])),
            (ROLE, f'managed_policy_arns["{admin}"]', "extra", "critical",
             lambda: self.oracle.iam.attach_role_policy(RoleName=ROLE_NAME, PolicyArn=admin)),
            (API, "image_scanning_configuration.scan_on_push", "changed", "critical",
             lambda: self.oracle.ecr.put_image_scanning_configuration(repositoryName=IMAGES["api"],
                                                                      imageScanningConfiguration={"scanOnPush": False})),
            ("aws_ecr_repository.ui", "image_tag_mutability", "changed", "critical", lambda: self.oracle.ecr.put_image_tag_mutability(
                repositoryName=IMAGES["ui"], imageTagMutability="IMMUTABLE"))])

    def test_5_what_is_deleted_is_made_again(self) -> None:
        def delete() -> None:
            self.oracle.ecr.delete_repository(repositoryName=IMAGES["api"])
            self.sagemaker.delete_model_package_group(ModelPackageGroupName=GROUP_NAME)
            self.sagemaker.delete_user_profile(DomainId=self.ids()[DOMAIN], UserProfileName="mlops-user")
            wait_for(lambda: not self.sagemaker.list_user_profiles()["UserProfiles"], "the profile to go", every=0.02)

        before = self.snapshot()
        self.made_again(API, delete, (USER, "", "missing", "critical"), (GROUP, "", "missing", "critical"))
        self.assertEqual(self.snapshot(), before)

    def test_6_tags_of_images_can_be_fixed_by_a_parameter(self) -> None:
        self.document["parameters"]["image_tag_mutability"] = "IMMUTABLE"
        self.offer(self.document)
        self.daemon.converged()
        self.assertEqual({self.oracle.repository(name)["image_tag_mutability"] for name in IMAGES.values()}, {"IMMUTABLE"})

    def test_9_switched_off_the_studio_leaves_the_models(self) -> None:
        self.switched_off({DOMAIN, USER, "aws_security_group.studio"}, with_studio=False)
        self.assertEqual((self.sagemaker.list_domains()["Domains"], self.group()["ModelPackageGroupName"]), ([], GROUP_NAME))


if __name__ == "__main__":
    unittest.main()
