"""What the sandbox does as AWS and moto does not.

Each probe answers "does this behave like AWS?". The sandbox must say yes; moto alone must say no, else moto has learnt it and the repair
in sandbox/aws/ can go.
"""
from __future__ import annotations

import io
import json
import time
import unittest
import zipfile
from typing import Any

import probes
from probes import Client, Probe, code
from support import SandboxTest

ACCOUNT = "123456789012"
GITHUB = "token.actions.githubusercontent.com"
BUCKET = "bucket-one"
PROBES: dict[str, Probe] = {}


def probe(function: Probe) -> Probe:
    PROBES[function.__name__] = function
    return function


def trust(principal: Any, condition: Any = None, action: str = "sts:AssumeRole") -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]})


def role(iam: Any, name: str, document: str = trust({"Service": "eks.amazonaws.com"}), **more: Any) -> str:
    return code(iam.create_role, RoleName=name, AssumeRolePolicyDocument=document, **more)


def provider(iam: Any, **more: Any) -> str:
    return iam.create_open_id_connect_provider(Url=f"https://{GITHUB}", ClientIDList=["sts.amazonaws.com"], **more)["OpenIDConnectProviderArn"]


@probe
def iam_client_ids_of_providers(client: Client) -> bool:
    iam = client("iam")
    arn = provider(iam)
    for _ in range(2):  # idempotent
        if code(iam.add_client_id_to_open_id_connect_provider, OpenIDConnectProviderArn=arn, ClientID="other"):
            return False
    both = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="absent")
    one = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
    absent = code(iam.add_client_id_to_open_id_connect_provider, OpenIDConnectProviderArn=arn + "x", ClientID="other")
    return (sorted(both), one, absent) == (["other", "sts.amazonaws.com"], ["other"], "NoSuchEntity")


@probe
def iam_thumbprint_found_when_omitted(client: Client) -> bool:
    iam = client("iam")
    arn = provider(iam)
    return iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ThumbprintList"] == ["6938fd4d98bab03faadb97b34396831e3780aea1"]


@probe
def iam_thumbprints_cannot_be_emptied(client: Client) -> bool:
    iam = client("iam")
    return code(iam.update_open_id_connect_provider_thumbprint, OpenIDConnectProviderArn=provider(iam), ThumbprintList=[]) == "ValidationError"


@probe
def iam_role_name_unique_ignoring_case(client: Client) -> bool:
    iam = client("iam")
    return (role(iam, "Role"), role(iam, "rOLE")) == ("", "EntityAlreadyExists")


@probe
def iam_role_name_alphabet(client: Client) -> bool:
    return role(client("iam"), "a role!") == "ValidationError"


@probe
def iam_tag_alphabet(client: Client) -> bool:
    iam = client("iam")
    bad = role(iam, "a", Tags=[{"Key": "mlopsd:address", "Value": 'aws_subnet.public["a"]'}])
    good = role(iam, "b", Tags=[{"Key": "mlopsd:address", "Value": "aws_subnet.public/a=2Fb"}])
    on_provider = code(iam.tag_open_id_connect_provider, OpenIDConnectProviderArn=provider(iam), Tags=[{"Key": "k", "Value": "a%b"}])
    return (bad, good, on_provider) == ("ValidationError", "", "ValidationError")


@probe
def iam_principal_must_exist(client: Client) -> bool:
    iam = client("iam")
    unknown = [{"AWS": f"arn:aws:iam::{ACCOUNT}:role/absent"}, {"AWS": f"arn:aws:iam::{ACCOUNT}:user/absent"}, {"Service": "nonsense"},
               {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/absent.example.org"}, {"AWS": "AROANONSENSE"}]
    known = [{"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"AWS": ACCOUNT}, {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]},
             {"AWS": f"arn:aws:iam::{ACCOUNT}:role/known0"}]
    refused = [role(iam, f"unknown{n}", trust(principal)) for n, principal in enumerate(unknown)]
    taken = [role(iam, f"known{n}", trust(principal)) for n, principal in enumerate(known)]
    updated = code(iam.update_assume_role_policy, RoleName="known0", PolicyDocument=trust(unknown[0]))
    return {*refused, updated} == {"MalformedPolicyDocument"} and set(taken) == {""}


@probe
def iam_github_trust_needs_a_subject(client: Client) -> bool:
    iam = client("iam")
    who, action = {"Federated": provider(iam)}, "sts:AssumeRoleWithWebIdentity"
    audience = {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}
    subject = {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": "repo:o/r:ref:refs/heads/main"}}
    wild = {"StringLike": {f"{GITHUB}:sub": "*"}}
    outcome = [role(iam, f"r{n}", trust(who, condition, action)) for n, condition in enumerate((None, audience, wild, subject))]
    return outcome == ["MalformedPolicyDocument"] * 3 + [""]


@probe
def iam_trust_policy_checked_at_creation(client: Client) -> bool:
    return role(client("iam"), "r", "{}") == "MalformedPolicyDocument"


def bucket(client: Client, **more: Any) -> Any:
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET, **more)
    return s3


@probe
def s3_born_with_public_access_block(client: Client) -> bool:
    s3 = bucket(client)
    if code(s3.get_public_access_block, Bucket=BUCKET):
        return False
    return all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())


@probe
def s3_born_with_enforced_ownership(client: Client) -> bool:
    s3 = bucket(client)
    if code(s3.get_bucket_ownership_controls, Bucket=BUCKET):
        return False
    rules = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    acl = code(s3.put_bucket_acl, Bucket=BUCKET, ACL="public-read")
    return (rules, acl) == ([{"ObjectOwnership": "BucketOwnerEnforced"}], "AccessControlListNotSupported")


@probe
def s3_born_encrypted(client: Client) -> bool:
    s3 = bucket(client)
    if code(s3.get_bucket_encryption, Bucket=BUCKET):
        return False
    first = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]})
    kms = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    s3.delete_bucket_encryption(Bucket=BUCKET)
    last = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    wanted = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False,
               "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}]
    return first == last == wanted and kms["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


@probe
def s3_tags_at_creation(client: Client) -> bool:
    s3 = bucket(client, CreateBucketConfiguration={"Tags": [{"Key": "mlopsd:platform", "Value": "a"}, {"Key": "b", "Value": "c"}]})
    if code(s3.get_bucket_tagging, Bucket=BUCKET):
        return False
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]}
    return tags == {"mlopsd:platform": "a", "b": "c"}


@probe
def s3_tags_die_with_the_bucket(client: Client) -> bool:
    s3 = bucket(client)
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_bucket(Bucket=BUCKET)
    s3.create_bucket(Bucket=BUCKET)
    return code(s3.get_bucket_tagging, Bucket=BUCKET) == "NoSuchTagSet"


@probe
def s3_expected_owner(client: Client) -> bool:
    s3 = bucket(client)
    wrong = code(s3.get_bucket_tagging, Bucket=BUCKET, ExpectedBucketOwner="210987654321")
    head = code(s3.head_bucket, Bucket=BUCKET, ExpectedBucketOwner="210987654321")
    right = code(s3.head_bucket, Bucket=BUCKET, ExpectedBucketOwner=ACCOUNT)
    return (wrong, head, right) == ("AccessDenied", "403", "")


@probe
def s3_checksum_required(client: Client) -> bool:
    s3 = bucket(client)

    def strip(request: Any, **_: Any) -> None:
        for name in list(request.headers.keys()):
            if "checksum" in name.lower() or name.lower() == "content-md5":
                del request.headers[name]

    s3.meta.events.register("before-sign.s3.PutBucketVersioning", strip)
    return code(s3.put_bucket_versioning, Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}) == "InvalidRequest"


@probe
def s3_checksum_verified(client: Client) -> bool:
    s3 = bucket(client)
    wrong = {"ChecksumSHA256": "A" * 43 + "="}, {"ContentMD5": "A" * 22 + "=="}, {"ChecksumCRC32": "AAAAAA=="}
    outcome = [code(s3.put_bucket_tagging, Bucket=BUCKET, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}, **one)
               for one in ({"ContentMD5": "A" * 22 + "=="},)]
    outcome += [code(s3.put_object, Bucket=BUCKET, Key="k", Body=b"x", **one) for one in wrong]
    return outcome == ["BadDigest"] * 4


@probe
def s3_public_policy_blocked(client: Client) -> bool:
    s3 = bucket(client)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    public = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    pinned = json.dumps({"Version": "2012-10-17", "Statement": [
        {**statement, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}]})
    outcome = [code(s3.put_bucket_policy, Bucket=BUCKET, Policy=policy) for policy in (public, pinned)]
    s3.delete_public_access_block(Bucket=BUCKET)
    outcome.append(code(s3.put_bucket_policy, Bucket=BUCKET, Policy=public))
    return outcome == ["AccessDenied", "", ""]


@probe
def s3_malformed_policy(client: Client) -> bool:
    s3 = bucket(client)
    foreign = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "s3:*", "Resource": "arn:aws:s3:::other"}
    policies = "nonsense", "{}", json.dumps({"Version": "2012-10-17", "Statement": [foreign]})
    return {code(s3.put_bucket_policy, Bucket=BUCKET, Policy=policy) for policy in policies} == {"MalformedPolicy"}


@probe
def s3_policy_status(client: Client) -> bool:
    s3 = bucket(client)
    if code(s3.get_bucket_policy_status, Bucket=BUCKET) != "NoSuchBucketPolicy":
        return False
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    return s3.get_bucket_policy_status(Bucket=BUCKET)["PolicyStatus"]["IsPublic"] is False


@probe
def s3_conditional_deny_does_not_deny_all(client: Client) -> bool:
    s3 = bucket(client)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    return code(s3.put_object, Bucket=BUCKET, Key="k", Body=b"x") == ""


def tagged(client: Client) -> tuple[str, str]:
    """ARNs of a tagged bucket and a tagged image repository; another repository has no tags."""
    s3, ecr = bucket(client), client("ecr")
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "p", "Value": "1"}]})
    ecr.create_repository(repositoryName="untagged")
    repository = ecr.create_repository(repositoryName="images", tags=[{"Key": "p", "Value": "2"}])["repository"]["repositoryArn"]
    return f"arn:aws:s3:::{BUCKET}", repository


@probe
def tagging_knows_ecr_and_arn_lists(client: Client) -> bool:
    s3_arn, ecr_arn = tagged(client)
    tagging = client("resourcegroupstaggingapi")

    def found(**arguments: Any) -> list[str]:
        return sorted(row["ResourceARN"] for row in tagging.get_resources(**arguments)["ResourceTagMappingList"])

    return ([found(), found(ResourceARNList=[s3_arn]), found(TagFilters=[{"Key": "p", "Values": ["2"]}]),
             found(ResourceTypeFilters=["ecr:repository"])]
            == [sorted((s3_arn, ecr_arn)), [s3_arn], [ecr_arn], [ecr_arn]])


@probe
def sts_names_the_caller(client: Client) -> bool:
    return client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/sandbox"


def secret(client: Client) -> Any:
    secrets = client("secretsmanager")
    secrets.create_secret(Name="db", Description="x", SecretString="v")
    return secrets


@probe
def secretsmanager_name_is_held_by_a_deleted_secret(client: Client) -> bool:
    secrets = secret(client)
    secrets.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    held = code(secrets.create_secret, Name="db", SecretString="v")
    secrets.restore_secret(SecretId="db")
    return (held, code(secrets.create_secret, Name="db", SecretString="v")) == ("InvalidRequestException", "ResourceExistsException")


@probe
def secretsmanager_deleted_secret_refuses_writes(client: Client) -> bool:
    secrets = secret(client)
    secrets.delete_secret(SecretId="db", RecoveryWindowInDays=7)
    outcome = {code(secrets.put_secret_value, SecretId="db", SecretString="w"), code(secrets.get_resource_policy, SecretId="db"),
               code(secrets.tag_resource, SecretId="db", Tags=[{"Key": "a", "Value": "b"}])}
    return outcome == {"InvalidRequestException"}


@probe
def secretsmanager_description_can_be_emptied(client: Client) -> bool:
    secrets = secret(client)
    secrets.update_secret(SecretId="db", Description="")
    return not secrets.describe_secret(SecretId="db").get("Description")


PATTERN = json.dumps({"source": ["aws.sagemaker"]})


@probe
def events_tags_only_at_birth(client: Client) -> bool:
    events = client("events")
    arn = events.put_rule(Name="r", EventPattern=PATTERN, Tags=[{"Key": "a", "Value": "1"}])["RuleArn"]
    events.put_rule(Name="r", EventPattern=PATTERN, Tags=[{"Key": "a", "Value": "2"}])
    return events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]


@probe
def events_five_targets_a_rule(client: Client) -> bool:
    events = client("events")
    events.put_rule(Name="r", EventPattern=PATTERN)
    targets = [{"Id": str(n), "Arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"} for n in range(6)]
    return (code(events.put_targets, Rule="r", Targets=targets[:5]), code(events.put_targets, Rule="r", Targets=targets[5:])) \
        == ("", "LimitExceededException")


@probe
def events_of_aws_are_not_for_everybody(client: Client) -> bool:
    answer = client("events").put_events(Entries=[{"Source": "aws.ec2", "DetailType": "x", "Detail": "{}"}])
    return [entry.get("ErrorCode") for entry in answer["Entries"]] == ["NotAuthorizedForSourceException"]


@probe
def events_go_to_functions(client: Client) -> bool:
    events = client("events")
    events.put_rule(Name="r", EventPattern=json.dumps({"source": ["mine"]}))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"}])
    return code(events.put_events, Entries=[{"Source": "mine", "DetailType": "x", "Detail": "{}"}]) == ""


@probe
def tagging_knows_rules(client: Client) -> bool:
    client("events").put_rule(Name="r", EventPattern=PATTERN, Tags=[{"Key": "a", "Value": "1"}])
    found = client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"]
    return [row["ResourceARN"] for row in found] == [f"arn:aws:events:us-east-1:{ACCOUNT}:rule/r"]


def network(client: Client) -> tuple[Any, str, str]:
    """EC2, a VPC and a subnet in it."""
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return ec2, vpc, ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]


def internet(ec2: Any, vpc: str) -> str:
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    return igw


def nat(ec2: Any, subnet: str, **more: Any) -> tuple[dict[str, Any], str]:
    eip = ec2.allocate_address(Domain="vpc")["AllocationId"]
    return ec2.create_nat_gateway(SubnetId=subnet, AllocationId=eip, **more)["NatGateway"], eip


def nat_state(ec2: Any, gateway: str) -> str:
    return ec2.describe_nat_gateways(Filter=[{"Name": "nat-gateway-id", "Values": [gateway]}])["NatGateways"][0]["State"]


def group(ec2: Any, vpc: str, name: str) -> str:
    return ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"]


@probe
def ec2_one_vpc_attribute_per_call(client: Client) -> bool:
    ec2, vpc, _ = network(client)
    both = code(ec2.modify_vpc_attribute, VpcId=vpc, EnableDnsSupport={"Value": True}, EnableDnsHostnames={"Value": True})
    return (both, code(ec2.modify_vpc_attribute, VpcId=vpc, EnableDnsHostnames={"Value": True})) == ("InvalidParameterCombination", "")


@probe
def ec2_vpc_in_use_is_kept(client: Client) -> bool:
    ec2, vpc, subnet = network(client)
    igw = internet(ec2, vpc)
    ec2.delete_subnet(SubnetId=subnet)
    with_gateway = code(ec2.delete_vpc, VpcId=vpc)
    ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    sg = group(ec2, vpc, "g")
    with_group = code(ec2.delete_vpc, VpcId=vpc)
    ec2.delete_security_group(GroupId=sg)
    return (with_gateway, with_group, code(ec2.delete_vpc, VpcId=vpc)) == ("DependencyViolation", "DependencyViolation", "")


@probe
def ec2_subnet_with_an_interface_is_kept(client: Client) -> bool:
    ec2, vpc, subnet = network(client)
    internet(ec2, vpc)
    nat(ec2, subnet)
    return code(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"


@probe
def ec2_one_internet_gateway_per_vpc(client: Client) -> bool:
    ec2, vpc, _ = network(client)
    internet(ec2, vpc)
    second = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    return code(ec2.attach_internet_gateway, InternetGatewayId=second, VpcId=vpc) == "InvalidParameterValue"


@probe
def ec2_internet_gateway_with_public_addresses_stays(client: Client) -> bool:
    ec2, vpc, subnet = network(client)
    igw = internet(ec2, vpc)
    nat(ec2, subnet)
    return code(ec2.detach_internet_gateway, InternetGatewayId=igw, VpcId=vpc) == "DependencyViolation"


@probe
def ec2_address_in_use_is_kept(client: Client) -> bool:
    ec2, vpc, subnet = network(client)
    internet(ec2, vpc)
    _, eip = nat(ec2, subnet)
    idle = ec2.allocate_address(Domain="vpc")["AllocationId"]
    return (code(ec2.release_address, AllocationId=eip), code(ec2.release_address, AllocationId=idle)) == ("InvalidIPAddress.InUse", "")


@probe
def ec2_nat_gateway_is_pending_first(client: Client) -> bool:
    ec2, vpc, subnet = network(client)
    internet(ec2, vpc)
    gateway, _ = nat(ec2, subnet)
    return (gateway["State"], nat_state(ec2, gateway["NatGatewayId"])) == ("pending", "pending")


@probe
def ec2_nat_gateway_is_deleting_first(client: Client) -> bool:
    ec2, vpc, subnet = network(client)
    internet(ec2, vpc)
    gateway, _ = nat(ec2, subnet)
    ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    return nat_state(ec2, gateway["NatGatewayId"]) == "deleting"


@probe
def ec2_nat_gateway_token(client: Client) -> bool:
    ec2, vpc, subnet = network(client)
    internet(ec2, vpc)
    gateway, eip = nat(ec2, subnet, ClientToken="t")
    again = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=eip, ClientToken="t")["NatGateway"] if _knows_tokens(ec2, subnet, eip) else {}
    other = code(ec2.create_nat_gateway, SubnetId=subnet, ClientToken="t", ConnectivityType="private")
    return (again.get("NatGatewayId"), other) == (gateway["NatGatewayId"], "IdempotentParameterMismatch")


def _knows_tokens(ec2: Any, subnet: str, eip: str) -> bool:
    return code(ec2.create_nat_gateway, SubnetId=subnet, AllocationId=eip, ClientToken="t") == ""


@probe
def ec2_nat_gateway_found_by_tag(client: Client) -> bool:
    ec2, vpc, subnet = network(client)
    internet(ec2, vpc)
    nat(ec2, subnet, TagSpecifications=[{"ResourceType": "natgateway", "Tags": [{"Key": "a", "Value": "b"}]}])
    found = [len(ec2.describe_nat_gateways(Filter=[{"Name": "tag:a", "Values": [value]}])["NatGateways"]) for value in ("b", "c")]
    return found == [1, 0]


@probe
def ec2_route_table_token(client: Client) -> bool:
    ec2, vpc, _ = network(client)
    ids = {ec2.create_route_table(VpcId=vpc, ClientToken="t")["RouteTable"]["RouteTableId"] for _ in range(2)}
    other = code(ec2.create_route_table, VpcId=vpc, ClientToken="t",
                 TagSpecifications=[{"ResourceType": "route-table", "Tags": [{"Key": "a", "Value": "b"}]}])
    return (len(ids), other) == (1, "IdempotentParameterMismatch")


@probe
def ec2_subnet_has_one_route_table(client: Client) -> bool:
    ec2, vpc, subnet = network(client)
    one, two = (ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2))
    ec2.associate_route_table(RouteTableId=one, SubnetId=subnet)
    return code(ec2.associate_route_table, RouteTableId=two, SubnetId=subnet) == "Resource.AlreadyAssociated"


@probe
def ec2_route_without_target_is_a_black_hole(client: Client) -> bool:
    ec2, vpc, _ = network(client)
    igw = internet(ec2, vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return [route["State"] for route in routes if route["DestinationCidrBlock"] == "0.0.0.0/0"] == ["blackhole"]


@probe
def ec2_group_name_unique_ignoring_case(client: Client) -> bool:
    ec2, vpc, _ = network(client)
    group(ec2, vpc, "Group")
    return code(ec2.create_security_group, GroupName="gROUP", Description="d", VpcId=vpc) == "InvalidGroup.Duplicate"


@probe
def ec2_group_in_use_is_kept(client: Client) -> bool:
    ec2, vpc, _ = network(client)
    one, two = group(ec2, vpc, "one"), group(ec2, vpc, "two")
    ec2.authorize_security_group_ingress(GroupId=two, IpPermissions=[{
        "IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": one}]}])
    return (code(ec2.delete_security_group, GroupId=one), code(ec2.delete_security_group, GroupId=two)) == ("DependencyViolation", "")


def function(client: Client, wait: bool = True) -> Any:
    iam, awslambda = client("iam"), client("lambda")
    role(iam, "fn", trust({"Service": "lambda.amazonaws.com"}))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.py", "x = 1")
    awslambda.create_function(FunctionName="fn", Runtime="python3.12", Handler="index.handler", Code={"ZipFile": archive.getvalue()},
                              Role=f"arn:aws:iam::{ACCOUNT}:role/fn")
    if wait:
        settle(awslambda)
    return awslambda


def settle(awslambda: Any) -> None:
    for _ in range(60):
        found = awslambda.get_function(FunctionName="fn")["Configuration"]
        if (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful"):
            return
        time.sleep(0.05)
    raise AssertionError("the function does not settle")


@probe
def lambda_is_pending_at_first(client: Client) -> bool:
    awslambda = function(client, wait=False)
    first = awslambda.get_function(FunctionName="fn")["Configuration"]["State"]
    busy = code(awslambda.update_function_configuration, FunctionName="fn", Timeout=9)
    settle(awslambda)
    return (first, busy, code(awslambda.update_function_configuration, FunctionName="fn", Timeout=9)) == ("Pending", "ResourceConflictException", "")


@probe
def lambda_statement_ids_are_unique(client: Client) -> bool:
    awslambda = function(client)
    permission = {"FunctionName": "fn", "StatementId": "a", "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    return (code(awslambda.add_permission, **permission), code(awslambda.add_permission, **permission)) == ("", "ResourceConflictException")


@probe
def lambda_keeps_all_of_a_configuration(client: Client) -> bool:
    awslambda = function(client)
    awslambda.update_function_configuration(FunctionName="fn", TracingConfig={"Mode": "Active"}, EphemeralStorage={"Size": 1024})
    awslambda.put_function_concurrency(FunctionName="fn", ReservedConcurrentExecutions=0)
    settle(awslambda)
    found = awslambda.get_function(FunctionName="fn")
    return (found["Configuration"]["TracingConfig"]["Mode"], found["Configuration"]["EphemeralStorage"]["Size"],
            found.get("Concurrency", {}).get("ReservedConcurrentExecutions")) == ("Active", 1024, 0)


def model_group(client: Client) -> Any:
    sagemaker = client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="g", Tags=[{"Key": "a", "Value": "1"}])
    return sagemaker


@probe
def sagemaker_group_names_are_unique(client: Client) -> bool:
    return code(model_group(client).create_model_package_group, ModelPackageGroupName="g") == "ValidationException"


@probe
def sagemaker_groups_go_when_they_are_empty(client: Client) -> bool:
    sagemaker = model_group(client)
    arn = sagemaker.create_model_package(ModelPackageGroupName="g")["ModelPackageArn"]
    full = code(sagemaker.delete_model_package_group, ModelPackageGroupName="g")
    emptied = code(sagemaker.delete_model_package, ModelPackageName=arn)
    return (full, emptied, code(sagemaker.delete_model_package_group, ModelPackageGroupName="g"),
            code(sagemaker.describe_model_package_group, ModelPackageGroupName="g")) == ("ConflictException", "", "", "ValidationException")


@probe
def sagemaker_groups_have_policies(client: Client) -> bool:
    sagemaker = model_group(client)
    none = code(sagemaker.get_model_package_group_policy, ModelPackageGroupName="g")
    if none != "ValidationException":
        return False
    sagemaker.put_model_package_group_policy(ModelPackageGroupName="g", ResourcePolicy="{}")
    some = sagemaker.get_model_package_group_policy(ModelPackageGroupName="g")["ResourcePolicy"]
    sagemaker.delete_model_package_group_policy(ModelPackageGroupName="g")
    return (some, code(sagemaker.get_model_package_group_policy, ModelPackageGroupName="g")) == ("{}", "ValidationException")


@probe
def sagemaker_tags_replace_each_other(client: Client) -> bool:
    sagemaker = model_group(client)
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName="g")["ModelPackageGroupArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    return sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]


class Repairs(probes.ProbeTest):
    options = {"time_scale": 5}
    probes = PROBES


class AsMoto(SandboxTest):
    """Things nobody had to repair but everybody relies on."""

    def test_managed_policies_are_there(self) -> None:
        iam = self.cloud.client("iam")
        role(iam, "r")
        iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
        self.refused("NoSuchEntity", iam.attach_role_policy, RoleName="r", PolicyArn="arn:aws:iam::aws:policy/Nonsense")

    def test_locations(self) -> None:
        s3 = self.cloud.client("s3")
        self.refused("InvalidLocationConstraint", s3.create_bucket, Bucket=BUCKET,
                     CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
        west = self.cloud.client("s3", region="us-west-2")
        self.refused("IllegalLocationConstraintException", west.create_bucket, Bucket=BUCKET)
        west.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        self.refused("BucketAlreadyOwnedByYou", west.create_bucket, Bucket=BUCKET,
                     CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        self.assertEqual(s3.head_bucket(Bucket=BUCKET)["BucketRegion"], "us-west-2")
        other = self.cloud.client("s3", access_key="AKIAOTHERACCOUNT", secret="other-secret")
        self.refused("BucketAlreadyExists", other.create_bucket, Bucket=BUCKET)
        self.refused("403", other.head_bucket, Bucket=BUCKET)
        self.refused("404", other.head_bucket, Bucket="absent-bucket")

    def test_everything_of_a_role_in_two_calls(self) -> None:
        iam = self.cloud.client("iam")
        role(iam, "r", Description="text", MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": "b"}])
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}))
        iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
        detail = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"][0]
        self.assertEqual((len(detail["RolePolicyList"]), len(detail["AttachedManagedPolicies"]), detail["Tags"]),
                         (1, 1, [{"Key": "a", "Value": "b"}]))
        self.assertEqual(iam.list_roles()["Roles"][0]["MaxSessionDuration"], 7200)
        self.refused("DeleteConflict", iam.delete_role, RoleName="r")


if __name__ == "__main__":
    unittest.main()
