#!/usr/bin/env python3
"""What the clouds themselves say, for the demo: never a word from mlopsd, save the outputs on stdin as what to compare with.

    ask.py converged             every life-cycle state is the final one
    ask.py secrets <outputs      the Actions secrets hold what they should
    ask.py whole <outputs        what was broken is right again
    ask.py healed SECONDS <outputs   wait for that, silently
    ask.py dispatched ARN        the approval of this model started the workflow
    ask.py empty                 nothing is left in the account
    ask.py break-image IMAGE, ask.py break-service   what kubectl would do, where there is none

One line per thing, "ok: ..." or "WRONG: ...: why"; never a secret's value. Exit status 1 when anything is wrong.
"""
from __future__ import annotations

import base64
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest

REPOSITORY = "john-doe/mlops-project"
CLUSTER, NODES, DATABASE, RULE, ROLE = ("abalone-mlops-cluster", "default", "mlflow-database", "abalone-model-approved", "GitHubActionRole")
NAMESPACE, WORKFLOW = "mlflow", "deploy.yaml"
Verdict = tuple[str, str]  # what, and what is wrong with it ("" = nothing)


def aws(service: str) -> Any:
    return boto3.client(service)


def expect(what: str, found: Any, wanted: Any) -> Verdict:
    return what, "" if found == wanted else f"found {found!r}, not {wanted!r}"


def fetch(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": "application/json"}), timeout=10) as answer:
        text = answer.read().decode()
        return json.loads(text) if text.startswith(("{", "[")) else text


def behind_github(path: str) -> Any:
    """The sandbox shows what GitHub keeps to itself: plaintexts, and what was dispatched."""
    return fetch(os.environ["SANDBOX_CONTROL"] + path)


# ---- Kubernetes, as a client that knows how to log in to EKS ----


def bearer() -> str:
    request = AWSRequest("GET", f"{os.environ['AWS_ENDPOINT_URL']}/?Action=GetCallerIdentity&Version=2011-06-15",
                         headers={"x-k8s-aws-id": CLUSTER})
    SigV4QueryAuth(boto3.Session().get_credentials(), "sts", os.environ["AWS_REGION"], expires=60).add_auth(request)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(request.url.encode()).decode().rstrip("=")


def kubernetes(method: str, path: str, body: Any = None) -> Any:
    cluster = aws("eks").describe_cluster(name=CLUSTER)["cluster"]
    authority = base64.b64decode(cluster["certificateAuthority"]["data"]).decode()
    request = urllib.request.Request(cluster["endpoint"] + path, None if body is None else json.dumps(body).encode(), {
        "Authorization": f"Bearer {bearer()}", "Content-Type": "application/strategic-merge-patch+json"}, method=method)
    with urllib.request.urlopen(request, context=ssl.create_default_context(cadata=authority), timeout=30) as answer:
        return json.load(answer)


def deployment() -> str:
    return f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/mlflow"


def service() -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/services/mlflow"


def tracking_uri() -> str:
    return "http://" + kubernetes("GET", service())["status"]["loadBalancer"]["ingress"][0]["hostname"]


# ---- what must be so ----


def converged() -> Iterator[Verdict]:
    eks, sagemaker = aws("eks"), aws("sagemaker")
    yield expect("EKS: the cluster is ACTIVE", eks.describe_cluster(name=CLUSTER)["cluster"]["status"], "ACTIVE")
    nodes = eks.describe_nodegroup(clusterName=CLUSTER, nodegroupName=NODES)["nodegroup"]
    yield expect("EKS: the nodes are ACTIVE", nodes["status"], "ACTIVE")
    yield expect("RDS: the database is available", database()["DBInstanceStatus"], "available")
    yield expect("SageMaker: the studio is InService", [d["Status"] for d in sagemaker.list_domains()["Domains"]], ["InService"])
    yield expect("Kubernetes: one pod of MLflow is ready", kubernetes("GET", deployment())["status"].get("readyReplicas"), 1)


def database() -> Any:
    return aws("rds").describe_db_instances(DBInstanceIdentifier=DATABASE)["DBInstances"][0]


def secrets(outputs: dict[str, str]) -> Iterator[Verdict]:
    """What each secret has to hold comes from the service that it is about."""
    iam = aws("iam")
    account = aws("sts").get_caller_identity()["Account"]
    instance = database()
    providers = [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    [github_provider] = [arn for arn in providers if arn.endswith("githubusercontent.com")]
    wanted = {
        "AWS_ACCOUNT_ID": account,
        "AWS_REGION": os.environ["AWS_REGION"],
        "S3_BUCKET_NAME": aws("s3").list_buckets()["Buckets"][0]["Name"],
        "GH_REPO": REPOSITORY,
        "OIDC_PROVIDER_ARN": github_provider,
        "GH_PAT": (Path(os.environ["CREDENTIALS_DIRECTORY"]) / "github-token").read_text().strip(),
        "DB_ENDPOINT": f"{instance['Endpoint']['Address']}:{instance['Endpoint']['Port']}",
        "DB_PASSWORD": outputs["db_password"],  # that it opens the database, MLflow's answer shows
        "SAGEMAKER_ROLE_ARN": iam.get_role(RoleName="SageMakerExecutionRole")["Role"]["Arn"],
        "EKS_CLUSTER_NAME": aws("eks").list_clusters()["clusters"][0],
        "MLFLOW_TRACKING_URI": tracking_uri(),
    }
    found = behind_github(f"/github/secrets?repository={REPOSITORY}")["secrets"]
    for name, value in wanted.items():
        problem = "" if name in found and found[name]["value"] == value else "it holds another value" if name in found else "not there"
        yield f"{name} {'is right' if not problem else ''}".strip(), problem
    yield expect("and no other secret", sorted(set(found) - set(wanted)), [])


def whole(outputs: dict[str, str]) -> Iterator[Verdict]:
    role = json.dumps(aws("iam").get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"])
    ours = f'"repo:{REPOSITORY}:' in role and "repo:*" not in role
    yield "AWS: only this repository can take on GitHubActionRole", "" if ours else role
    bucket = outputs["s3_bucket_name"]
    yield expect("AWS: the bucket keeps old versions", aws("s3").get_bucket_versioning(Bucket=bucket).get("Status"), "Enabled")
    groups = aws("ec2").describe_security_groups(Filters=[{"Name": "group-name", "Values": [DATABASE]}])["SecurityGroups"]
    world = [r for g in groups for p in g["IpPermissions"] for r in p["IpRanges"] if r["CidrIp"] == "0.0.0.0/0"]
    yield expect("AWS: the database's firewall is closed to the world", (len(groups), world), (1, []))
    yield expect("AWS: the database has no public address", database()["PubliclyAccessible"], False)
    nodes = aws("eks").describe_nodegroup(clusterName=CLUSTER, nodegroupName=NODES)["nodegroup"]
    yield expect("AWS: at most three nodes", nodes["scalingConfig"]["maxSize"], 3)
    yield expect("AWS: the rule for approved models is on", aws("events").describe_rule(Name=RULE)["State"], "ENABLED")
    wrong = [f"{what}: {problem}" for what, problem in secrets(outputs) if problem]
    yield "GitHub: the eleven secrets are right", "; ".join(wrong)
    image = kubernetes("GET", deployment())["spec"]["template"]["spec"]["containers"][0]["image"]
    yield expect("Kubernetes: MLflow runs from the declared image", image, "ghcr.io/mlflow/mlflow:v3.9.0-full")
    url = tracking_uri()
    found = fetch(url + "/api/2.0/mlflow/experiments/search", {"max_results": 1})
    yield expect("Kubernetes: MLflow answers at its new address, and its database lets it in",
                 (fetch(url + "/health"), "experiments" in found), ("OK", True))


def dispatched(arn: str) -> Iterator[Verdict]:
    seen: list[Any] = []
    for _ in range(100):
        seen = [d for d in behind_github("/github/dispatches")["dispatches"] if d["inputs"].get("model_package_arn") == arn]
        if seen:
            break
        time.sleep(0.1)
    yield expect(f"GitHub: {WORKFLOW} was started once, at main, for this model",
                 [(d["repository"], d["workflow"], d["ref"]) for d in seen], [(REPOSITORY, WORKFLOW, "main")])


def tagged() -> list[str]:
    pages = aws("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=[{"Key": "mlopsd:platform"}])
    return [resource["ResourceARN"] for page in pages for resource in page["ResourceTagMappingList"]]


def empty() -> Iterator[Verdict]:
    """Everything that a platform is made of, and what the services make beside it. An account is born with a default VPC."""
    ec2, eks, rds, iam, sagemaker = aws("ec2"), aws("eks"), aws("rds"), aws("iam"), aws("sagemaker")
    default = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"]]

    def outside(key: str, things: list[Any]) -> list[str]:
        return [thing[key] for thing in things if thing.get("VpcId") not in default]

    nat_gateways = ec2.describe_nat_gateways()["NatGateways"]
    remembered = [n["NatGatewayId"] for n in nat_gateways if n["State"] == "deleted"]  # AWS shows them for an hour
    left: dict[str, list[Any]] = {
        "IAM: roles": [r["RoleName"] for r in iam.list_roles()["Roles"]],
        "IAM: identity providers": [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]],
        "EC2: VPCs (but the default one)": outside("VpcId", ec2.describe_vpcs()["Vpcs"]),
        "EC2: subnets": outside("SubnetId", ec2.describe_subnets()["Subnets"]),
        "EC2: route tables": outside("RouteTableId", ec2.describe_route_tables()["RouteTables"]),
        "EC2: security groups": outside("GroupId", ec2.describe_security_groups()["SecurityGroups"]),
        "EC2: network interfaces": [i["NetworkInterfaceId"] for i in ec2.describe_network_interfaces()["NetworkInterfaces"]],
        "EC2: addresses": [a["AllocationId"] for a in ec2.describe_addresses()["Addresses"]],
        "EC2: NAT gateways": [n["NatGatewayId"] for n in nat_gateways if n["State"] != "deleted"],
        "EC2: internet gateways": [g["InternetGatewayId"] for g in ec2.describe_internet_gateways()["InternetGateways"]
                                   if not any(a["VpcId"] in default for a in g["Attachments"])],
        "EKS: clusters": eks.list_clusters()["clusters"],
        "EKS: Kubernetes API servers": [c["name"] for c in behind_github("/kubernetes/clusters")["clusters"]],
        "RDS: databases": [d["DBInstanceIdentifier"] for d in rds.describe_db_instances()["DBInstances"]],
        "RDS: snapshots": [s["DBSnapshotIdentifier"] for s in rds.describe_db_snapshots()["DBSnapshots"]],
        "RDS: subnet groups": [g["DBSubnetGroupName"] for g in rds.describe_db_subnet_groups()["DBSubnetGroups"]],
        "S3: buckets": [b["Name"] for b in aws("s3").list_buckets()["Buckets"]],
        "ECR: repositories": [r["repositoryName"] for r in aws("ecr").describe_repositories()["repositories"]],
        "SageMaker: domains": [d["DomainId"] for d in sagemaker.list_domains()["Domains"]],
        "SageMaker: user profiles": [p["UserProfileName"] for p in sagemaker.list_user_profiles()["UserProfiles"]],
        "SageMaker: model groups": [g["ModelPackageGroupName"] for g in
                                    sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]],
        "SageMaker: models": [m["ModelPackageArn"] for m in sagemaker.list_model_packages()["ModelPackageSummaryList"]],
        "Lambda: functions": [f["FunctionName"] for f in aws("lambda").list_functions()["Functions"]],
        "EventBridge: rules": [r["Name"] for r in aws("events").list_rules()["Rules"]],
        "Secrets Manager: secrets": [s["Name"] for s in aws("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]],
        "anything else tagged as a platform's": [arn for arn in tagged() if arn.rpartition("/")[2] not in remembered],
        "GitHub: secrets": sorted(behind_github(f"/github/secrets?repository={REPOSITORY}")["secrets"]),
    }
    for what, things in left.items():
        yield f"{what}: none" if not things else what, f"left: {', '.join(map(str, things))}" if things else ""


# ---- the two things that kubectl would do ----


def break_image(image: str) -> Iterator[Verdict]:
    containers = {"spec": {"template": {"spec": {"containers": [{"name": "mlflow", "image": image}]}}}}
    kubernetes("PATCH", deployment() + "?fieldManager=somebody", containers)
    yield "deployment/mlflow image updated", ""


def break_service() -> Iterator[Verdict]:
    kubernetes("DELETE", service())
    yield "service/mlflow deleted", ""


# ---- the command line ----


def read_outputs() -> dict[str, str]:
    return {name: output["value"] for name, output in json.load(sys.stdin).items()}


def tell(verdicts: Iterator[Verdict]) -> int:
    """A service that can not be asked is wrong too."""
    wrong = 0
    try:
        for what, problem in verdicts:
            print(f"WRONG: {what}: {problem}" if problem else f"ok: {what}", flush=True)
            wrong += bool(problem)
    except Exception as error:  # noqa: BLE001 - whatever a client raises
        print(f"WRONG: {type(error).__name__}: {error}", flush=True)
        wrong += 1
    return 1 if wrong else 0


def is_whole(outputs: dict[str, str]) -> bool:
    try:
        return not any(problem for _, problem in whole(outputs))
    except Exception:  # noqa: BLE001 - not yet
        return False


def wait_until_whole(seconds: float, outputs: dict[str, str]) -> int:
    end = time.monotonic() + seconds
    while not is_whole(outputs):
        if time.monotonic() > end:
            return 1
        time.sleep(0.5)
    return 0


def main(arguments: list[str]) -> int:
    commands: dict[str, Callable[..., Iterator[Verdict]]] = {
        "converged": converged, "dispatched": dispatched, "empty": empty, "break-image": break_image, "break-service": break_service}
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 64
    name, *rest = arguments
    if name == "healed":
        return wait_until_whole(float(rest[0]), read_outputs())
    if name in ("secrets", "whole"):
        return tell({"secrets": secrets, "whole": whole}[name](read_outputs()))
    return tell(commands[name](*rest))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
