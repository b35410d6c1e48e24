#!/usr/bin/env python3
"""The yardstick: the daemon's own reads, made by boto3 (AWS) and its HTTP library, urllib3 (GitHub, Kubernetes).

One JSON object {"mode", "passes", "warm", "reads"} on stdin, figures on stdout.

    sequential   one read after another, a client for each service made on the way: a script that cron runs
    pooled       a resident loop: clients are kept, eight threads read at once

`reads_of` makes the list of reads from the request log of a pass of the daemon.
"""
from __future__ import annotations

import base64
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
    "eks.ListAssociatedAccessPolicies": _pair("clusterName", "principalArn"), "eks.ListAccessEntries": _one("clusterName"),
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


GITHUB = {"repos/get": "", "actions/list-repo-secrets": "/actions/secrets?per_page=100",
          "actions/get-custom-oidc-sub-claim-for-repo": "/actions/oidc/customization/sub",
          "actions/get-github-actions-permissions-repository": "/actions/permissions"}
GROUPS = {"deployments": "apis/apps/v1"}  # other resources are of the core


def _path(record: dict[str, Any]) -> str | None:
    """Of a read of GitHub or Kubernetes."""
    name = record["resources"][0]
    if record["server"] == "github":
        return f"/repos/{name}{GITHUB[record['operation']]}" if record["operation"] in GITHUB else None
    verb, _, resource = record["operation"].partition(" ")
    namespace, _, single = name.rpartition("/")
    inside = f"namespaces/{namespace}/" if namespace else ""
    return f"/{GROUPS.get(resource, 'api/v1')}/{inside}{resource}/{single}" if verb == "get" else None


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
    """The reads in a log, and names of those that are not known here."""
    rules = [r["resources"][1] for r in log if r["operation"] == "DescribeRule"]
    clusters = [r["resources"][0] for r in log if r["operation"] == "DescribeCluster"]
    reads, unknown = [], []
    for record in log:
        if record["server"] == "aws":
            rest = _parameters(record, rules[0] if rules else "")
        else:
            rest = {"path": _path(record), "cluster": clusters[0] if clusters else ""} if _path(record) else None
        if rest is None:
            unknown.append(f"{record['service']}.{record['operation']}")
        else:
            reads.append([record["service"], record["operation"], rest])
    return reads, unknown


# ---- the child process ----

def _method(operation: str) -> str:
    from botocore import xform_name
    return str(xform_name(operation))


class Pool:
    """Kept connections to an API that speaks plain HTTP and JSON."""

    def __init__(self, url: str, token: str, ca: str | None = None) -> None:
        import urllib3
        self.url, self.headers = url, {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self.http = urllib3.PoolManager(maxsize=THREADS, retries=False, ca_cert_data=ca)

    def read(self, path: str) -> bool:
        answer = self.http.request("GET", self.url + path, headers=self.headers)
        if answer.status not in (200, 404):
            raise RuntimeError(f"{path}: {answer.status}")
        json.loads(answer.data)
        return bool(answer.status == 200)


class Reader:
    """Clients, made when first needed and then kept."""

    def __init__(self) -> None:
        import boto3
        self.session = boto3.session.Session()
        self.clients: dict[str, Any] = {}
        self.pools: dict[str, Pool] = {}

    def pool(self, service: str, cluster: str) -> Pool:
        if service not in self.pools:
            self.pools[service] = self._cluster(cluster) if service == "kubernetes" else \
                Pool(os.environ["GITHUB_API_URL"], os.environ["GITHUB_TOKEN"])
        return self.pools[service]

    def _cluster(self, name: str) -> Pool:
        """As kubectl reaches it: a signed URL of STS is the token."""
        from botocore.signers import RequestSigner
        sts = self.client("sts")
        signer = RequestSigner(sts.meta.service_model.service_id, sts.meta.region_name, "sts", "v4",
                               self.session.get_credentials(), self.session.events)
        order = {"method": "GET", "url": f"{sts.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15", "body": {},
                 "headers": {"x-k8s-aws-id": name}, "context": {}}
        signed = signer.generate_presigned_url(order, region_name=sts.meta.region_name, expires_in=60, operation_name="")
        cluster = self.client("eks").describe_cluster(name=name)["cluster"]
        return Pool(cluster["endpoint"], "k8s-aws-v1." + base64.urlsafe_b64encode(signed.encode()).decode().rstrip("="),
                    base64.b64decode(cluster["certificateAuthority"]["data"]).decode())

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
        if "path" in parameters:
            return self.pool(service, parameters["cluster"]).read(parameters["path"])
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
            for service, _, rest in reads:  # making a client is not thread-safe
                if "path" in rest:
                    reader.pool(service, rest["cluster"])
                else:
                    reader.client(service)
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
