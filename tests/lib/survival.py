"""The whole platform as it ships, in a cloud whose hours pass in seconds, and everything that is then in the account.

    class Story(WholeTest):
        def test_it(self) -> None:
            self.wanted()
            daemon = self.whole()
            self.assertEqual(daemon.once().returncode, 0)
            self.assert_whole(daemon)
"""
from __future__ import annotations

import base64
import shutil
import unittest
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .cloud import Oracle
from .daemon import Daemon, missing
from .sandbox import TREE, Sandbox
from .scenario import ScenarioTest, shared_sandbox

NAME, CLUSTER, DATABASE, BUCKET = "abalone-mlops", "abalone-mlops-cluster", "mlflow-database", "jd-abalone-mlops-artifacts"
TIME_SCALE = 1000

def hasty_sandbox() -> Sandbox:
    """The sandbox of this Python process in which a cluster takes half a second."""
    return shared_sandbox(TIME_SCALE)


def platform_text(**parameters: str) -> str:
    """The platform file as it ships, but writing to GitHub without its pauses; and further parameters."""
    text = (TREE / "etc" / "platforms.d" / f"{NAME}.yaml").read_text()
    more = "".join(f'  {name}: "{value}"\n' for name, value in parameters.items())
    for line, added in (("  repository: john-doe/mlops-project\n", "  write_interval: 10ms\n"), ("parameters:\n", more)):
        assert text.count(line) == 1, line
        text = text.replace(line, line + added)
    return text


def _own(things: Iterable[dict[str, Any]], vpcs: set[str]) -> list[dict[str, Any]]:
    return [thing for thing in things if thing["VpcId"] in vpcs]


def _network(ec2: Any) -> dict[str, list[str]]:
    """What there is outside of the default VPC, by what outlives a making."""
    vpcs = {vpc["VpcId"]: vpc["CidrBlock"] for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]}
    gateways = [attachment["State"] for gateway in ec2.describe_internet_gateways()["InternetGateways"]
                for attachment in gateway["Attachments"] or [{"State": "detached"}] if attachment.get("VpcId") in {None, *vpcs}]
    tables = _own(ec2.describe_route_tables()["RouteTables"], {*vpcs})
    groups = [group for group in _own(ec2.describe_security_groups()["SecurityGroups"], {*vpcs}) if group["GroupName"] != "default"]
    return {
        "vpcs": sorted(vpcs.values()),
        "subnets": [f'{s["CidrBlock"]} {s["AvailabilityZone"]}' for s in _own(ec2.describe_subnets()["Subnets"], {*vpcs})],
        "internet gateways": gateways,
        "nat gateways": [nat["State"] for nat in ec2.describe_nat_gateways()["NatGateways"] if nat["State"] != "deleted"],
        "addresses": ["in use" if "AssociationId" in a else "idle" for a in ec2.describe_addresses()["Addresses"]],
        "route tables": [f'{sorted(r["DestinationCidrBlock"] for r in table["Routes"])} of '
                         f'{sum("SubnetId" in a for a in table["Associations"])} subnets' for table in tables],
        "security groups": [f'{"cluster" if g["GroupName"].startswith("eks-cluster-sg") else g["GroupName"]}: '
                            f'{len(g["IpPermissions"])} in, {len(g["IpPermissionsEgress"])} out' for g in groups],
    }


def _cluster(eks: Any) -> dict[str, list[str]]:
    names = eks.list_clusters()["clusters"]

    def each(method: Callable[..., dict[str, Any]], member: str) -> list[str]:
        return [item for name in names for item in method(clusterName=name)[member]]

    return {"clusters": names, "node groups": each(eks.list_nodegroups, "nodegroups"), "add-ons": each(eks.list_addons, "addons"),
            "access entries": each(eks.list_access_entries, "accessEntries")}


def inventory(cloud: Sandbox) -> dict[str, list[str]]:
    """Everything in the account, by names that are the same each time it is made: what was made twice, or forgotten, shows here."""
    oracle, rds = Oracle(cloud), cloud.client("rds")
    studio = oracle.sagemaker
    found = {
        **_network(cloud.client("ec2")), **_cluster(cloud.client("eks")),
        "buckets": [b["Name"] for b in oracle.s3.list_buckets()["Buckets"]],
        "roles": [r["RoleName"] for r in oracle.iam.list_roles()["Roles"]],
        "identity providers": ["cluster" if "eks" in p["Arn"] else p["Arn"]
                               for p in oracle.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]],
        "repositories": [r["repositoryName"] for r in oracle.ecr.describe_repositories()["repositories"]],
        "functions": [f["FunctionName"] for f in oracle.awslambda.list_functions()["Functions"]],
        "rules": [f'{rule["Name"]} with {len(oracle.events.list_targets_by_rule(Rule=rule["Name"])["Targets"])}'
                  for rule in oracle.events.list_rules()["Rules"]],
        "secrets": [s["Name"] for s in oracle.secretsmanager.list_secrets()["SecretList"] if not s.get("DeletedDate")],
        "model groups": [g["ModelPackageGroupName"] for g in studio.list_model_package_groups()["ModelPackageGroupSummaryList"]],
        "domains": [d["DomainName"] for d in studio.list_domains()["Domains"]],
        "user profiles": [p["UserProfileName"] for p in studio.list_user_profiles()["UserProfiles"]],
        "databases": [f'{d["DBInstanceIdentifier"]} {d["DBInstanceStatus"]}' for d in rds.describe_db_instances()["DBInstances"]],
        "subnet groups": [g["DBSubnetGroupName"] for g in rds.describe_db_subnet_groups()["DBSubnetGroups"]],
        "objects": [f'{o["kind"]} {o["metadata"]["name"]}' for o in objects(cloud) if _is_managed(o)],
        "GitHub": list(cloud.github_secrets()),
    }
    return {what: sorted(things) for what, things in found.items()}


def objects(cloud: Sandbox) -> list[dict[str, Any]]:
    """Everything stored in the clusters."""
    clusters = cloud.control("GET", "/kubernetes/clusters?objects=true")["clusters"]
    return [item for cluster in clusters for item in cluster["objects"]]


def _is_managed(item: dict[str, Any]) -> bool:
    return any(fields["manager"] == "mlopsd" for fields in item["metadata"].get("managedFields", []))


def tagged(cloud: Sandbox) -> Counter[str]:
    """How many things carry the tag of each address of the platform."""
    pages = cloud.client("resourcegroupstaggingapi").get_paginator("get_resources")
    ours = [item for page in pages.paginate(TagFilters=[{"Key": "mlopsd:platform", "Values": [NAME]}])
            for item in page["ResourceTagMappingList"]]
    return Counter(tag["Value"] for item in ours for tag in item["Tags"] if tag["Key"] == "mlopsd:address")


def password_in_the_cluster(cloud: Sandbox) -> str:
    """What MLflow's pods are told of the database."""
    (secret,) = [item for item in objects(cloud) if item["kind"] == "Secret" and _is_managed(item)]
    return " ".join(base64.b64decode(value).decode() for value in secret["data"].values())


class WholeTest(ScenarioTest):
    """`self.whole()` makes the daemon; each test begins with an empty cloud."""

    maxDiff = None
    _wanted: tuple[dict[str, list[str]], Counter[str]] | None = None

    @classmethod
    def setUpClass(cls) -> None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = hasty_sandbox()
        cls.oracle = Oracle(cls.cloud)

    def whole(self, parameters: dict[str, str] | None = None, **options: Any) -> Daemon:
        """A daemon that is to make the whole platform, not started yet."""
        daemon = self.given(**options)
        shutil.copytree(TREE / "etc" / "blueprints", daemon.folder / "blueprints")
        daemon.write_platform(platform_text(**(parameters or {})), NAME)
        return daemon

    def wanted(self) -> None:
        """Learn, once, what an undisturbed run leaves. The cloud is empty afterwards."""
        if WholeTest._wanted is None:
            result = self.whole().once()
            self.assertEqual(result.returncode, 0, result.stderr[-3000:])
            WholeTest._wanted = inventory(self.cloud), tagged(self.cloud)
            self.cloud.reset()

    def assert_whole(self, daemon: Daemon) -> None:
        """The same platform as undisturbed: nothing twice, nothing left over, nothing that waits for a person."""
        assert WholeTest._wanted, "call wanted() before the cloud is used"
        self.assertEqual((inventory(self.cloud), tagged(self.cloud)), WholeTest._wanted)
        self.assertIn(self.cloud.github_secrets()["DB_PASSWORD"], password_in_the_cluster(self.cloud))
        mark = self.cloud.mark()
        result = daemon.once()
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        self.assert_no_write(mark)
        for event in ("drift", "held"):
            self.assertEqual(daemon.events(event), [])
