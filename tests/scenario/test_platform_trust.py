"""Trust: GitHub's provider and the role of its workflows, which may do four things and no more (every field: test_converge, test_drift)."""
from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.cloud import PROVIDER_ARN  # noqa: E402
from lib.daemon import wait_for  # noqa: E402
from lib.sandbox import ACCOUNT, REPOSITORY  # noqa: E402
from lib.whole import BUCKET_NAME, TAGS, WholeTest  # noqa: E402

PROVIDER, ROLE, NAME = "aws_iam_openid_connect_provider.github", "aws_iam_role.github_actions", "GitHubActionRole"
TOKEN = "token.actions.githubusercontent.com"
AFTER_THE_CHANGE = 1_790_000_000  # a repository this young has the immutable form of the subject


def allowed(policies: dict[str, Any]) -> dict[str, dict[str, set[str]]]:
    """Policy → action → resources, of Allow statements; any other statement is an error."""
    found: dict[str, dict[str, set[str]]] = {}
    for name, policy in policies.items():
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow" and not {"NotAction", "NotResource"} & set(statement), statement
            actions, resources = ([v] if isinstance(v, str) else v for v in (statement["Action"], statement["Resource"]))
            for action in actions:
                found.setdefault(name, {}).setdefault(action, set()).update(resources)
    return found


class Trust(WholeTest):
    def role(self) -> dict[str, Any]:
        return self.oracle.role(NAME)

    def subject(self) -> Any:
        [statement] = self.role()["assume_role_policy"]["Statement"]
        return statement["Condition"]["StringEquals"][f"{TOKEN}:sub"]

    def snapshot(self) -> dict[str, Any]:
        seen = {"provider": self.oracle.provider(), "role": self.role()}
        for thing in seen.values():
            thing["tags"].pop("mlopsd:intent", None)
        return seen

    def test_1_the_provider_and_who_may_take_on_the_role(self) -> None:
        provider = self.oracle.provider()
        self.assertEqual((provider["url"], provider["client_id_list"]), (TOKEN, ["sts.amazonaws.com"]))
        self.assertLessEqual(TAGS.items(), provider["tags"].items())
        role = self.role()
        self.assertEqual(role["assume_role_policy"]["Statement"], [{
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": PROVIDER_ARN},
            "Condition": {"StringEquals": {f"{TOKEN}:aud": "sts.amazonaws.com", f"{TOKEN}:sub": self.subject()}}}])
        self.assertIn(self.subject(), (f"repo:{REPOSITORY}:ref:refs/heads/main", [f"repo:{REPOSITORY}:ref:refs/heads/main"]))
        self.assertEqual((role["max_session_duration"], role["managed_policy_arns"], role["path"]), (3600, [], "/"))

    def test_2_the_role_may_do_four_things_and_no_more(self) -> None:
        bucket, here = f"arn:aws:s3:::{BUCKET_NAME}", f"us-east-1:{ACCOUNT}"
        registry = {f"arn:aws:ecr:{here}:repository/abalone-prediction-{name}" for name in ("api", "ui")}
        group = {f"arn:aws:sagemaker:{here}:model-package-group/AbaloneModelPackageGroup",
                 f"arn:aws:sagemaker:{here}:model-package/AbaloneModelPackageGroup/*"}
        may = allowed(self.role()["inline_policy"])
        self.assertEqual(set(may), {"push-images", "artifacts", "deploy", "pipelines"})
        self.assertEqual(may["push-images"].pop("ecr:GetAuthorizationToken"), {"*"})
        self.assertTrue(all(action.startswith("ecr:") for action in may["push-images"]))
        self.assertTrue(all(resources == registry for resources in may["push-images"].values()), may["push-images"])
        self.assertEqual(may["artifacts"], {"s3:GetBucketLocation": {bucket}, "s3:ListBucket": {bucket}, "s3:GetObject": {f"{bucket}/*"},
                                            "s3:PutObject": {f"{bucket}/*"}, "s3:DeleteObject": {f"{bucket}/*"}})
        self.assertEqual(may["deploy"], {"eks:DescribeCluster": {f"arn:aws:eks:{here}:cluster/abalone-mlops-cluster"}})
        self.assertEqual(may["pipelines"].pop("iam:PassRole"), {f"arn:aws:iam::{ACCOUNT}:role/SageMakerExecutionRole"})
        for action, resources in may["pipelines"].items():
            self.assertTrue(action.startswith("sagemaker:") and "*" not in action, action)
            self.assertTrue(resources in (group, {f"arn:aws:sagemaker:{here}:pipeline/*"}), (action, resources))
        [passing] = [s for s in self.role()["inline_policy"]["pipelines"]["Statement"] if s["Action"] == "iam:PassRole"]
        self.assertEqual(passing["Condition"], {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}})

    def test_3_changed_by_hand_it_is_put_right(self) -> None:
        iam, wide = self.oracle.iam, '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
        admin = "arn:aws:iam::aws:policy/AdministratorAccess"
        trust = f'{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":' \
                f'{{"Federated":"{PROVIDER_ARN}"}},"Condition":{{"StringLike":{{"{TOKEN}:sub":"repo:john-doe/*"}}}}}}]}}'
        self.heals(self.snapshot, [
            (PROVIDER, 'client_id_list["evil"]', "extra", "critical",
             lambda: iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER_ARN, ClientID="evil")),
            (ROLE, "assume_role_policy", "changed", "critical",
             lambda: iam.update_assume_role_policy(RoleName=NAME, PolicyDocument=trust)),
            (ROLE, 'inline_policy["deploy"].policy', "changed", "critical",
             lambda: iam.put_role_policy(RoleName=NAME, PolicyName="deploy", PolicyDocument=wide)),
            (ROLE, 'inline_policy["mine"]', "extra", "critical",
             lambda: iam.put_role_policy(RoleName=NAME, PolicyName="mine", PolicyDocument=wide)),
            (ROLE, f'managed_policy_arns["{admin}"]', "extra", "critical",
             lambda: iam.attach_role_policy(RoleName=NAME, PolicyArn=admin)),
            (ROLE, "max_session_duration", "changed", "critical",
             lambda: iam.update_role(RoleName=NAME, MaxSessionDuration=43200, Description="mine")),
            (ROLE, "description", "changed", "warning", lambda: None)])

    def test_4_a_deleted_role_is_made_again_and_everything_knows_it(self) -> None:
        def delete() -> None:
            for policy in self.oracle.iam.list_role_policies(RoleName=NAME)["PolicyNames"]:
                self.oracle.iam.delete_role_policy(RoleName=NAME, PolicyName=policy)
            self.oracle.iam.delete_role(RoleName=NAME)

        before = self.snapshot()
        self.made_again(ROLE, delete)
        self.assertEqual(self.snapshot(), before)

    def test_5_a_repository_with_immutable_subjects_is_trusted_by_its_ids(self) -> None:
        made = self.cloud.control("POST", "/github/repository", {"repository": REPOSITORY, "created": AFTER_THE_CHANGE})
        self.assertNotEqual(made["sub_claim_prefix"], f"repo:{REPOSITORY}")
        self.daemon.check()
        wanted = f"{made['sub_claim_prefix']}:ref:refs/heads/main"
        wait_for(lambda: self.subject() in (wanted, [wanted]), f"the subject to be {wanted}")
        self.daemon.converged()


if __name__ == "__main__":
    unittest.main()
