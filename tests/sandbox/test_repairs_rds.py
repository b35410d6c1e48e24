"""What the sandbox's RDS does as AWS and moto does not; see test_repairs.py for what a probe is."""
from __future__ import annotations

import unittest
from typing import Any

import probes
from probes import Client, Probe, code

PROBES: dict[str, Probe] = {}


def probe(function: Probe) -> Probe:
    PROBES[function.__name__] = function
    return function


def subnets(client: Client, zones: str = "ab") -> list[str]:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"]["SubnetId"]
            for n, zone in enumerate(zones)]


def group(client: Client, name: str = "g", **more: Any) -> dict[str, Any]:
    given = {"DBSubnetGroupName": name, "DBSubnetGroupDescription": "d", "SubnetIds": more.pop("ids", None) or subnets(client)} | more
    return client("rds").create_db_subnet_group(**given)["DBSubnetGroup"]


def database(client: Client, name: str = "d", **more: Any) -> dict[str, Any]:
    given = {"DBInstanceIdentifier": name, "DBInstanceClass": "db.t4g.micro", "Engine": "postgres", "EngineVersion": "16",
             "AllocatedStorage": 20, "MasterUsername": "u", "MasterUserPassword": "a-password"} | more
    return client("rds").create_db_instance(**given)["DBInstance"]


@probe
def rds_instances_are_born_slowly(client: Client) -> bool:
    born = database(client)
    return born["DBInstanceStatus"] == "creating" and "Endpoint" not in born


@probe
def rds_versions_are_concrete(client: Client) -> bool:
    return database(client)["EngineVersion"].startswith("16.")


@probe
def rds_unknown_versions_are_refused(client: Client) -> bool:
    return code(database, client=client, EngineVersion="16.99") == "InvalidParameterCombination"


@probe
def rds_storage_is_gp3(client: Client) -> bool:
    return database(client)["StorageType"] == "gp3"


@probe
def rds_resource_ids_differ(client: Client) -> bool:
    return database(client)["DbiResourceId"] != database(client, "e")["DbiResourceId"]


@probe
def rds_tells_the_engines_lifecycle(client: Client) -> bool:
    return database(client).get("EngineLifecycleSupport") == "open-source-rds-extended-support"


@probe
def rds_refuses_bad_passwords(client: Client) -> bool:
    return code(database, client=client, MasterUserPassword="a/pass@word") == "InvalidParameterValue"


@probe
def rds_waits_for_a_busy_database(client: Client) -> bool:
    database(client)
    return code(client("rds").modify_db_instance, DBInstanceIdentifier="d", BackupRetentionPeriod=3) == "InvalidDBInstanceState"


@probe
def rds_engine_versions_are_listed(client: Client) -> bool:
    rds = client("rds")
    if code(rds.describe_db_engine_versions, Engine="postgres") or code(rds.describe_db_major_engine_versions, Engine="postgres"):
        return False
    majors = [row["MajorEngineVersion"] for row in rds.describe_db_major_engine_versions(Engine="postgres")["DBMajorEngineVersions"]]
    found = rds.describe_db_engine_versions(Engine="postgres", EngineVersion="16", DefaultOnly=False)["DBEngineVersions"]
    return "16" in majors and bool(found) and all(row["EngineVersion"].startswith("16.") for row in found)


@probe
def rds_subnet_groups_span_zones(client: Client) -> bool:
    return code(group, client=client, ids=subnets(client, "aa")) == "DBSubnetGroupDoesNotCoverEnoughAZs"


@probe
def rds_subnet_group_names_are_unique(client: Client) -> bool:
    group(client)
    return code(group, client=client) == "DBSubnetGroupAlreadyExists"


@probe
def rds_subnet_groups_survive_a_change(client: Client) -> bool:
    ids, rds = subnets(client, "abc"), client("rds")
    group(client, ids=ids[:2])
    rds.modify_db_subnet_group(DBSubnetGroupName="g", SubnetIds=ids)
    return [len(found["Subnets"]) for found in rds.describe_db_subnet_groups()["DBSubnetGroups"]] == [3]


@probe
def rds_subnet_groups_in_use_stay(client: Client) -> bool:
    group(client)
    database(client, DBSubnetGroupName="g")
    return code(client("rds").delete_db_subnet_group, DBSubnetGroupName="g") == "InvalidDBSubnetGroupStateFault"


@probe
def rds_unknown_subnets_have_its_own_code(client: Client) -> bool:
    return code(group, client=client, ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]) == "InvalidSubnet"


@probe
def rds_databases_hold_their_subnets(client: Client) -> bool:
    ids = subnets(client)
    group(client, ids=ids)
    database(client, DBSubnetGroupName="g")
    return code(client("ec2").delete_subnet, SubnetId=ids[0]) == "DependencyViolation"


@probe
def rds_subnet_groups_have_tags_to_be_found_by(client: Client) -> bool:
    arn = group(client, Tags=[{"Key": "a", "Value": "b"}])["DBSubnetGroupArn"]
    found = client("resourcegroupstaggingapi").get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]
    return found == [{"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "b"}]}]


class Repairs(probes.ProbeTest):
    probes = PROBES


if __name__ == "__main__":
    unittest.main()
