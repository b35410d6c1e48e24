"""What the sandbox's SageMaker does as AWS and moto does not: see test_repairs.py."""
from __future__ import annotations

import json
import time
import unittest
from typing import Any

import probes
from botocore.exceptions import ClientError
from probes import Client, Probe, code
from test_repairs import trust

PROBES: dict[str, Probe] = {}
SERVICE = "sagemaker.amazonaws.com"
DURATION = 1.0  # of every transition: long enough to be seen on a busy machine


def probe(function: Probe) -> Probe:
    PROBES[function.__name__] = function
    return function


def execution_role(client: Client, name: str = "r", service: str = SERVICE) -> str:
    arn: str = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust({"Service": service}))["Role"]["Arn"]
    return arn


def domain(client: Client, role: str = "", **more: Any) -> dict[str, Any]:
    settings = {"ExecutionRole": role or execution_role(client)}
    arguments = {"DomainName": "studio", "AuthMode": "IAM", "VpcId": "vpc-1", "SubnetIds": ["subnet-1"], "DefaultUserSettings": settings}
    made: dict[str, Any] = client("sagemaker").create_domain(**arguments | more)
    return made


def settled(describe: Any, **key: str) -> str:
    """The state once it has passed; "gone" when nothing is left."""
    for _ in range(500):
        try:
            status = str(describe(**key)["Status"])
        except ClientError as error:
            refused = error.response["Error"]["Code"]
            return "gone" if refused == "ResourceNotFound" else refused
        if status not in ("Pending", "Updating", "Deleting"):
            return status
        time.sleep(0.02)
    return "still in transition"


@probe
def domain_names_may_repeat(client: Client) -> bool:
    role = execution_role(client)
    ids = {domain(client, role).get("DomainId") for _ in range(2)}
    return len(ids) == 2 and len(client("sagemaker").list_domains()["Domains"]) == 2


@probe
def domains_that_are_not_there_have_a_code_of_their_own(client: Client) -> bool:
    sagemaker = client("sagemaker")
    return {code(sagemaker.describe_domain, DomainId="d-none"), code(sagemaker.delete_domain, DomainId="d-none")} == {"ResourceNotFound"}


@probe
def domains_pass_through_states(client: Client) -> bool:
    sagemaker, key = client("sagemaker"), {"DomainId": domain(client).get("DomainId", "d-studio")}
    first, busy = sagemaker.describe_domain(**key)["Status"], code(sagemaker.delete_domain, **key)
    later = settled(sagemaker.describe_domain, **key)
    if (first, busy, later) != ("Pending", "ResourceInUse", "InService"):
        return False
    sagemaker.delete_domain(**key)
    return (sagemaker.describe_domain(**key)["Status"], settled(sagemaker.describe_domain, **key)) == ("Deleting", "gone")


@probe
def domains_need_a_role_that_lets_them_in(client: Client) -> bool:
    stranger = execution_role(client, "stranger", "lambda.amazonaws.com")
    answers = {code(domain, client=client, role=role) for role in (stranger, "arn:aws:iam::123456789012:role/none")}
    return answers == {"ValidationException"}


@probe
def domains_can_be_updated(client: Client) -> bool:
    sagemaker, key = client("sagemaker"), {"DomainId": domain(client).get("DomainId", "d-studio")}
    settled(sagemaker.describe_domain, **key)
    if code(sagemaker.update_domain, **key, TagPropagation="ENABLED"):
        return False
    return (settled(sagemaker.describe_domain, **key), sagemaker.describe_domain(**key)["TagPropagation"]) == ("InService", "ENABLED")


@probe
def domains_fill_in_the_way_to_the_studio_and_no_more(client: Client) -> bool:
    """Terraform's provider plans a change of any other setting that was not asked for."""
    sagemaker, key = client("sagemaker"), {"DomainId": domain(client).get("DomainId", "d-studio")}
    settled(sagemaker.describe_domain, **key)
    settings = sagemaker.describe_domain(**key)["DefaultUserSettings"]
    return set(settings) - {"ExecutionRole"} == {"StudioWebPortal", "DefaultLandingUri"}


@probe
def profiles_live_in_domains(client: Client) -> bool:
    sagemaker = client("sagemaker")
    key = {"DomainId": domain(client).get("DomainId", "d-studio")}
    settled(sagemaker.describe_domain, **key)
    user = key | {"UserProfileName": "Alice"}
    if code(sagemaker.create_user_profile, **user):
        return False
    again = code(sagemaker.create_user_profile, **key, UserProfileName="alice")
    state, held = settled(sagemaker.describe_user_profile, **user), code(sagemaker.delete_domain, **key)
    sagemaker.delete_user_profile(**user)
    gone = settled(sagemaker.describe_user_profile, **user)
    return (again, state, held, gone, code(sagemaker.delete_domain, **key)) == ("ResourceInUse", "InService", "ResourceInUse", "gone", "")


@probe
def work_of_users_stands_in_the_way(client: Client) -> bool:
    sagemaker = client("sagemaker")
    key = {"DomainId": domain(client).get("DomainId", "d-studio")}
    settled(sagemaker.describe_domain, **key)
    user = key | {"UserProfileName": "alice"}
    if code(sagemaker.create_user_profile, **user):
        return False
    settled(sagemaker.describe_user_profile, **user)
    sagemaker.create_space(**key, SpaceName="desk", OwnershipSettings={"OwnerUserProfileName": "alice"},
                           SpaceSharingSettings={"SharingType": "Private"})
    app = key | {"SpaceName": "desk", "AppType": "JupyterLab", "AppName": "default"}
    sagemaker.create_app(**app)
    held = [code(sagemaker.delete_space, **key, SpaceName="desk"), code(sagemaker.delete_user_profile, **user)]
    sagemaker.delete_app(**app)
    while sagemaker.list_apps(DomainIdEquals=key["DomainId"])["Apps"][0]["Status"] != "Deleted":
        time.sleep(0.02)
    freed = [code(sagemaker.delete_space, **key, SpaceName="desk"), code(sagemaker.delete_user_profile, **user)]
    return (held, freed) == (["ResourceInUse"] * 2, [""] * 2)


@probe
def tagging_knows_domains_and_profiles(client: Client) -> bool:
    made = domain(client, Tags=[{"Key": "a", "Value": "1"}])
    found = client("resourcegroupstaggingapi").get_resources(ResourceARNList=[made["DomainArn"]])["ResourceTagMappingList"]
    sagemaker, key = client("sagemaker"), {"DomainId": made.get("DomainId", "d-studio")}
    settled(sagemaker.describe_domain, **key)
    if [row["ResourceARN"] for row in found] != [made["DomainArn"]] or \
            code(sagemaker.create_user_profile, **key, UserProfileName="a", Tags=[{"Key": "a", "Value": "1"}]):
        return False
    arn = sagemaker.describe_user_profile(**key, UserProfileName="a")["UserProfileArn"]
    return bool(sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}])


@probe
def model_packages_tell_what_becomes_of_them(client: Client) -> bool:
    sagemaker, events, sqs = client("sagemaker"), client("events"), client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["aws.sagemaker"], "detail": {"ModelApprovalStatus": ["Approved"]}}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])
    sagemaker.create_model_package_group(ModelPackageGroupName="g")
    package = sagemaker.create_model_package(ModelPackageGroupName="g", ModelApprovalStatus="PendingManualApproval")["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    messages = [json.loads(message["Body"]) for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])]
    return [(m["detail-type"], m["resources"]) for m in messages] == [("SageMaker Model Package State Change", [package])]


class Repairs(probes.ProbeTest):
    probes = PROBES

    def prepare(self) -> None:
        super().prepare()
        self.cloud.control("POST", "/durations", {n: 0.3 for n in self.cloud.control("GET", "/durations") if "sagemaker" in n})


if __name__ == "__main__":
    unittest.main()
