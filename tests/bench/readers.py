#!/usr/bin/env python3
"""The yardstick: the daemon's own reads of AWS, made by boto3.

One JSON object {"mode", "passes", "warm", "reads"} on stdin, figures on stdout.

    sequential   one read after another, a client for each service made on the way: a script that cron runs
    pooled       a resident loop: clients are kept, eight threads read at once

`reads_of` makes the list of reads from the request log of a pass of the daemon.
"""
from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 8
Read = list[Any]  # [service, operation, parameters]
Names = list[str]


def _one(member: str) -> Callable[[Names], dict[str, Any]]:
    return lambda names: {member: names[0]}


def _pair(first: str, second: str) -> Callable[[Names], dict[str, Any]]:
    return lambda names: {first: names[0], second: names[1]}


def _none(_: Names) -> dict[str, Any]:
    return {}


def _found(names: Names) -> dict[str, Any]:
    return {"ResourceARNList": names} if names else {"TagFilters": [{"Key": "mlopsd:platform"}]}


TAGGED = {"Filters": [{"Name": "tag-key", "Values": ["mlopsd:platform"]}]}
PARAMETERS: dict[str, Callable[[Names], dict[str, Any]]] = {
    "sts.GetCallerIdentity": _none,
    "iam.ListRoles": _none, "iam.GetRole": _one("RoleName"), "iam.ListRolePolicies": _one("RoleName"),
    "iam.GetAccountAuthorizationDetails": lambda _: {"Filter": ["Role"]},
    "iam.ListAttachedRolePolicies": _one("RoleName"), "iam.GetRolePolicy": _pair("RoleName", "PolicyName"),
    "iam.GetOpenIDConnectProvider": _one("OpenIDConnectProviderArn"),
    "eks.DescribeCluster": _one("name"), "eks.DescribeNodegroup": _pair("clusterName", "nodegroupName"),
    "eks.DescribeAddon": _pair("clusterName", "addonName"), "eks.DescribeAccessEntry": _pair("clusterName", "principalArn"),
    "eks.ListAssociatedAccessPolicies": _pair("clusterName", "principalArn"),
    "rds.DescribeDBInstances": _one("DBInstanceIdentifier"), "rds.DescribeDBSubnetGroups": _one("DBSubnetGroupName"),
    "rds.ListTagsForResource": _one("ResourceName"),
    "ecr.DescribeRepositories": lambda names: {"repositoryNames": names} if names else {},
    "ecr.GetRepositoryPolicy": _one("repositoryName"), "ecr.ListTagsForResource": _one("resourceArn"),
    "sagemaker.DescribeDomain": _one("DomainId"), "sagemaker.DescribeUserProfile": _pair("DomainId", "UserProfileName"),
    "sagemaker.DescribeModelPackageGroup": _one("ModelPackageGroupName"),
    "sagemaker.GetModelPackageGroupPolicy": _one("ModelPackageGroupName"), "sagemaker.ListTags": _one("ResourceArn"),
    "secretsmanager.DescribeSecret": _one("SecretId"), "secretsmanager.GetResourcePolicy": _one("SecretId"),
    "lambda.GetFunction": _one("FunctionName"), "lambda.GetPolicy": _one("FunctionName"),
    "events.DescribeRule": lambda names: {"EventBusName": names[0], "Name": names[1]},
    "events.ListTagsForResource": _one("ResourceARN"),
    "resourcegroupstaggingapi.GetResources": _found,
}


def _parameters(record: dict[str, Any], rule: str) -> dict[str, Any] | None:
    name, names = f"{record['service']}.{record['operation']}", record["resources"]
    if name == "events.ListTargetsByRule":
        return {"Rule": rule}
    if name == "ec2.DescribeVpcAttribute":
        return {"VpcId": names[0], "Attribute": "enableDnsSupport"}
    if record["service"] == "ec2":
        return TAGGED
    if record["service"] == "s3":
        return {"Bucket": names[0]}
    return PARAMETERS[name](names) if name in PARAMETERS else None


def reads_of(log: list[dict[str, Any]]) -> tuple[list[Read], list[str]]:
    """The reads of AWS in a log, and names of those that are not known here."""
    rules = [r["resources"][1] for r in log if r["operation"] == "DescribeRule"]
    reads, unknown = [], []
    for record in log:
        if record["server"] != "aws":
            continue
        parameters = _parameters(record, rules[0] if rules else "")
        if parameters is None:
            unknown.append(f"{record['service']}.{record['operation']}")
        else:
            reads.append([record["service"], record["operation"], parameters])
    return reads, unknown


# ---- the child process ----

def _method(operation: str) -> str:
    from botocore import xform_name
    return str(xform_name(operation))


class Reader:
    """Clients, made when first needed and then kept."""

    def __init__(self) -> None:
        import boto3
        self.session = boto3.session.Session()
        self.clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self.clients:
            from botocore.config import Config
            config = Config(max_pool_connections=THREADS, retries={"total_max_attempts": 1})
            self.clients[service] = self.session.client(service, config=config)
        return self.clients[service]

    def read(self, one: Read) -> bool:
        """A refusal (nothing there) is an answer too; anything else ends the yardstick."""
        from botocore.exceptions import ClientError
        service, operation, parameters = one
        try:
            getattr(self.client(service), _method(operation))(**parameters)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status not in (400, 404):
                raise
            return False
        return True


def _resident_kib() -> int:
    found = re.search(r"VmRSS:\s+(\d+)", open("/proc/self/status").read())
    return int(found[1]) if found else 0


def main() -> None:
    order = json.load(sys.stdin)
    reader, reads = Reader(), order["reads"]
    refused = 0

    def one_pass(each: Callable[..., Any]) -> int:
        return len(reads) - sum(each(reader.read, reads))

    with ThreadPoolExecutor(THREADS) as pool:
        each = map if order["mode"] == "sequential" else pool.map
        if order["mode"] == "pooled":
            for service in sorted({read[0] for read in reads}):
                reader.client(service)  # making a client is not thread-safe
        for _ in range(order["warm"]):
            one_pass(each)
        start, cpu = time.monotonic(), time.process_time()
        for _ in range(order["passes"]):
            refused = one_pass(each)
        wall, used = time.monotonic() - start, time.process_time() - cpu
    json.dump({"calls": len(reads), "refused": refused, "wall_s": wall / order["passes"], "cpu_s": used / order["passes"],
               "process_cpu_s": sum(os.times()[:2]), "resident_kib": _resident_kib()}, sys.stdout)


if __name__ == "__main__":
    main()
