"""A rule of EventBridge with its targets: every field changed by hand is found and healed; foreign rules are left alone."""
from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.kinds import KindTest  # noqa: E402
from lib.scenario import ACCOUNT, head  # noqa: E402

RULE, NAME = "aws_cloudwatch_event_rule.approved", "model-approved"
ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{NAME}"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:deploy"
PATTERN = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"],
           "detail": {"ModelPackageGroupName": ["abalone"], "ModelApprovalStatus": ["Approved"]}}
WIDE = json.dumps({"source": ["aws.sagemaker"]})


def platform() -> dict[str, Any]:
    document = head()
    document["resources"] = {RULE: {
        "name": NAME, "description": "deploys what was approved", "event_pattern": PATTERN,
        "target": [{"target_id": "deploy", "arn": FUNCTION, "input_transformer": {
            "input_paths": {"group": "$.detail.ModelPackageGroupName"}, "input_template": "{\"group\": <group>}"},
            "retry_policy": {"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 3600}},
            {"target_id": "audit", "arn": FUNCTION + "-audit"}],
        "tags": {"team": "ml"}}}
    return document


class Rule(KindTest):
    def snapshot(self) -> dict[str, Any]:
        client = self.oracle.events
        rule = client.describe_rule(Name=NAME)
        tags = {t["Key"]: t["Value"] for t in client.list_tags_for_resource(ResourceARN=ARN)["Tags"]}
        tags.pop("mlopsd:intent", None)
        return {"rule": {k: rule.get(k) or None for k in ("Description", "State", "ScheduleExpression", "RoleArn")},
                "pattern": json.loads(rule["EventPattern"]), "tags": tags,
                "targets": sorted(client.list_targets_by_rule(Rule=NAME)["Targets"], key=lambda t: t["Id"]),
                "all": sorted(r["Name"] for r in client.list_rules()["Rules"])}

    def delete(self) -> None:
        client = self.oracle.events
        client.remove_targets(Rule=NAME, Ids=[t["Id"] for t in client.list_targets_by_rule(Rule=NAME)["Targets"]])
        client.delete_rule(Name=NAME)

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        o = self.oracle.events
        rounds = [
            [("event_pattern", "changed", "critical",
              lambda: o.put_rule(Name=NAME, EventPattern=WIDE, State="DISABLED", Description="x",
                                 RoleArn=f"arn:aws:iam::{ACCOUNT}:role/evil", ScheduleExpression="rate(5 minutes)")),
             ("state", "changed", "critical", lambda: None), ("description", "changed", "warning", lambda: None),
             ("role_arn", "extra", "critical", lambda: None), ("schedule_expression", "extra", "critical", lambda: None),
             ('target["deploy"].arn', "changed", "critical",
              lambda: o.put_targets(Rule=NAME, Targets=[{"Id": "deploy", "Arn": FUNCTION + "-evil"}])),
             ('target["deploy"].input_transformer', "missing", "critical", lambda: None),
             ('target["deploy"].retry_policy', "missing", "critical", lambda: None),
             ('target["spy"]', "extra", "critical",
              lambda: o.put_targets(Rule=NAME, Targets=[{"Id": "spy", "Arn": FUNCTION + "-evil"}])),
             ('tags["team"]', "changed", "notice", lambda: o.tag_resource(ResourceARN=ARN, Tags=[{"Key": "team", "Value": "x"}]))],
            [("state", "changed", "critical", lambda: o.disable_rule(Name=NAME)),
             ('target["audit"]', "missing", "critical", lambda: o.remove_targets(Rule=NAME, Ids=["audit"])),
             ('tags["mlopsd:address"]', "missing", "notice",
              lambda: o.untag_resource(ResourceARN=ARN, TagKeys=["mlopsd:address"]))],
            [("", "missing", "critical", self.delete)],
        ]
        document = platform()
        daemon = self.heals(document, RULE, self.snapshot, rounds)
        o.put_targets(Rule=NAME, Targets=[{"Id": "late", "Arn": FUNCTION}])
        self.undeclared_is_deleted(daemon, document, RULE)
        self.assertEqual(o.list_rules()["Rules"], [])

    def test_a_rule_of_somebody_else_is_not_overwritten(self) -> None:
        self.oracle.events.put_rule(Name=NAME, EventPattern=WIDE)
        before = self.snapshot()
        daemon = self.given(platform()).start()
        daemon.check()
        self.assertEqual(self.snapshot(), before)
        self.assertFalse(daemon.platform()["converged"])

    def test_a_lost_reply_makes_no_second_rule_and_the_daemon_knows_its_own(self) -> None:
        self.cloud.fault(service="events", operation="PutRule", kind="reply-lost", times=1)
        daemon = self.running(platform())
        self.assertEqual(self.snapshot()["all"], [NAME])
        self.assertEqual(daemon.drifts(everything=True), [])


if __name__ == "__main__":
    unittest.main()
