"""What a cluster has in EC2: its security group, and interfaces that keep subnets and groups from being deleted."""
from __future__ import annotations

import ipaddress
import random
from typing import Any

from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import ec2_backends

from .state import EksError, invalid_parameter

REFUSED_ZONES = {"use1-az3", "usw1-az2", "cac1-az3"}
INTERFACES = 4  # EKS makes two to four for one cluster


def find_subnets(account: str, region: str, ids: list[str]) -> list[Any]:
    """The subnets, all of one VPC."""
    backend, found = ec2_backends[account][region], []
    for subnet_id in dict.fromkeys(ids):
        try:
            found.append(backend.get_subnet(subnet_id))
        except InvalidSubnetIdError:
            raise invalid_parameter(f"The subnet ID '{subnet_id}' does not exist") from None
    if len({subnet.vpc_id for subnet in found}) > 1:
        raise invalid_parameter("Subnets specified must belong to the same VPC")
    return found


def check_zones(name: str, subnets: list[Any]) -> None:
    """A control plane wants two zones, and not every zone can have one."""
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise invalid_parameter("Subnets specified must be in at least two different AZs")
    refused = next((subnet for subnet in subnets if subnet.availability_zone_id in REFUSED_ZONES), None)
    if refused:
        zones = refused.ec2_backend.describe_availability_zones()
        valid = sorted(zone.name for zone in zones if zone.zone_id not in REFUSED_ZONES)
        raise EksError(400, "UnsupportedAvailabilityZoneException",
                       f"Cannot create cluster '{name}' because {refused.availability_zone}, the targeted availability zone, does not "
                       "currently have sufficient capacity to support the cluster. Retry and choose from these availability zones: "
                       + ", ".join(valid), clusterName=name, validZones=valid)


def check_groups(account: str, region: str, ids: list[str], vpc_id: str) -> None:
    backend = ec2_backends[account][region]
    if len(ids) > 5:
        raise invalid_parameter("You can specify at most 5 security groups")
    for group_id in ids:
        group = backend.get_security_group_from_id(group_id)
        if not group or group.vpc_id != vpc_id:
            raise invalid_parameter(f"The security group ID '{group_id}' does not exist")


def service_cidr(subnet: Any) -> str:
    """The default range of Services: the one the VPC does not use."""
    vpc = ipaddress.ip_network(subnet.ec2_backend.get_vpc(subnet.vpc_id).cidr_block)
    return "172.20.0.0/16" if vpc.overlaps(ipaddress.ip_network("10.100.0.0/16")) else "10.100.0.0/16"


def make_group(account: str, region: str, cluster: str, vpc_id: str) -> str:
    """The group EKS puts on control plane and nodes: everything within, everything out."""
    backend = ec2_backends[account][region]
    name = f"eks-cluster-sg-{cluster}-{random.randrange(10 ** 9, 10 ** 10)}"
    tags = {"Name": name, f"kubernetes.io/cluster/{cluster}": "owned", "aws:eks:cluster-name": cluster}
    group = backend.create_security_group(
        name, "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed "
        "workloads.", vpc_id=vpc_id, tags=tags)
    backend.authorize_security_group_ingress(group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}], vpc_id=vpc_id)
    return group.id


def make_interfaces(account: str, region: str, subnets: list[str], groups: list[str], description: str) -> list[str]:
    """One interface a subnet, in use and not the customer's to delete."""
    backend, made = ec2_backends[account][region], []
    for subnet_id in subnets[:INTERFACES]:
        interface = backend.create_network_interface(backend.get_subnet(subnet_id), None, group_ids=groups, description=description)
        interface.requester_managed, interface.status = True, "in-use"
        made.append(interface.id)
    return made


def release(account: str, region: str, interfaces: list[str], group_id: str = "") -> None:
    """Give back what was made here. A group that rules of others still name stays behind, as EC2 will not delete it."""
    backend = ec2_backends[account][region]
    for interface in interfaces:
        backend.enis.pop(interface, None)
    if group_id and not _held(backend, group_id):
        for groups in backend.groups.values():
            groups.pop(group_id, None)


def _held(backend: Any, group_id: str) -> bool:
    others = [group for groups in backend.groups.values() for group in groups.values() if group.id != group_id]
    return any(rule.source_group and rule.source_group.get("GroupId") == group_id
               for group in others for rule in [*group.ingress_rules, *group.egress_rules]) or any(
        group.id == group_id for interface in backend.enis.values() for group in interface.group_set)
