"""EC2: what is in use can not be deleted, NAT gateways take their time, tokens make creates repeatable, names ignore case."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import (
    DependencyViolationError, EC2ClientError, InvalidParameterCombination, InvalidSecurityGroupDuplicateError, InvalidSubnetIdError,
    ResourceAlreadyAssociatedError)
from moto.ec2.models import EC2Backend
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.route_tables import Route
from moto.ec2.responses.nat_gateways import NatGateways
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.responses.vpcs import VPCs
from moto.ec2.utils import tag_filter_matches

from ..lifecycle import Lifecycle
from ..world import World
from .repair import repair

LINGERING = 3600.0  # seconds a deleted gateway is still listed; never scaled


def install(world: World) -> None:
    """Patch moto's EC2."""
    _repair_vpcs()
    _repair_subnets()
    _repair_internet_gateways()
    _repair_addresses()
    _repair_nat_states(world.lifecycle)
    _repair_nat_gateways()
    _repair_tokens()
    _repair_route_tables()
    _repair_security_groups()


def _repair_vpcs() -> None:
    @repair(VPCs, "modify_vpc_attribute")
    def modify(original: Any, self: Any) -> Any:
        given = [name for name in ("EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics")
                 if self._get_param(f"{name}.Value") is not None]
        if len(given) > 1:
            raise InvalidParameterCombination("Fields for multiple attribute types specified: " + ", ".join(given))
        return original()

    @repair(EC2Backend, "delete_vpc")
    def delete(original: Any, self: Any, vpc_id: str) -> Any:
        settle(self)
        gateways = [igw for igw in self.internet_gateways.values() if igw.vpc and igw.vpc.id == vpc_id]
        groups = [group for group in self.groups.get(vpc_id, {}).values() if group.name != "default"]
        if gateways or groups:
            raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        return original(vpc_id)


def _repair_subnets() -> None:
    @repair(EC2Backend, "delete_subnet")
    def delete(original: Any, self: Any, subnet_id: str) -> Any:
        settle(self)
        if any(eni.subnet.id == subnet_id for eni in self.enis.values()):
            raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        subnet = original(subnet_id)
        for table in self.route_tables.values():
            for association, target in list(table._associations.items()):
                if target == subnet_id:
                    del table._associations[association]
        return subnet


def _mapped(backend: Any, vpc_id: str) -> list[Any]:
    return [eip for eip in backend.addresses if eip.eni and eip.eni.subnet.vpc_id == vpc_id]


def _repair_internet_gateways() -> None:
    @repair(EC2Backend, "attach_internet_gateway")
    def attach(original: Any, self: Any, internet_gateway_id: str, vpc_id: str) -> Any:
        self.get_vpc(vpc_id)
        other = [igw for igw in self.internet_gateways.values() if igw.vpc and igw.vpc.id == vpc_id and igw.id != internet_gateway_id]
        if other:
            raise EC2ClientError("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached")
        return original(internet_gateway_id, vpc_id)

    @repair(EC2Backend, "detach_internet_gateway")
    def detach(original: Any, self: Any, internet_gateway_id: str, vpc_id: str) -> Any:
        settle(self)
        if self.get_internet_gateway(internet_gateway_id).vpc and _mapped(self, vpc_id):
            raise DependencyViolationError(f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) "
                                           "before detaching the gateway.")
        return original(internet_gateway_id, vpc_id)


def _repair_addresses() -> None:
    @repair(EC2Backend, "release_address")
    def release(original: Any, self: Any, address: str | None = None, allocation_id: str | None = None) -> Any:
        settle(self)
        found = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        if found[0].association_id:
            raise EC2ClientError("InvalidIPAddress.InUse", f"Address {found[0].public_ip} is in use.")
        return original(address, allocation_id)

    @repair(EC2Backend, "describe_addresses")
    def describe(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        settle(self)
        return original(*args, **kwargs)

    @repair(EC2Backend, "delete_network_interface")
    def delete(original: Any, self: Any, eni_id: str) -> Any:
        settle(self)
        interface = self.enis.get(eni_id)
        if interface is not None and interface.requester_managed:
            raise EC2ClientError("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
        return original(eni_id)

    @repair(EC2Backend, "get_all_network_interfaces")
    def interfaces(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        settle(self)
        return original(*args, **kwargs)


# ---- NAT gateways ----

def _attached(backend: Any, vpc_id: str) -> bool:
    return any(igw.vpc and igw.vpc.id == vpc_id for igw in backend.internet_gateways.values())


def _repair_nat_states(lifecycle: Lifecycle) -> None:
    """The state follows from when it was made and deleted; what moto writes into it is a birth or a death."""

    def state(self: Any) -> str:
        def younger(moment: float, what: str) -> bool:
            return time.monotonic() - moment < lifecycle.seconds(f"ec2.nat-gateway.{what}")

        if "_died" in self.__dict__:
            return "deleting" if younger(self._died, "delete") else "deleted"
        if self.__dict__.get("failure_code"):
            return "pending" if younger(self._born, "fail") else "failed"
        return "pending" if younger(self._born, "create") else "available"

    def set_state(self: Any, value: str) -> None:
        if value == "deleted":
            self.__dict__.setdefault("_died", time.monotonic())
        else:
            self._born = time.monotonic()

    NatGateway.state = property(state, set_state)  # type: ignore[assignment,method-assign]


# Other services that keep interfaces and groups here: told to let go of what is no longer theirs.
SETTLERS: list[Callable[[Any], object]] = []


def settle(backend: Any) -> None:
    """Let go of what belonged to gateways that are deleted or have failed; forget their rows in the end."""
    for settler in SETTLERS:
        settler(backend)
    for nat in list(backend.nat_gateways.values()):
        if nat.state not in ("deleted", "failed"):
            continue
        for eip in backend.addresses:
            if eip.eni is nat._eni:
                backend.disassociate_address(address=eip.public_ip)
        backend.enis.pop(nat._eni.id, None)
        if time.monotonic() - nat.__dict__.get("_died", nat._born) > LINGERING:
            del backend.nat_gateways[nat.id]


def _repair_nat_gateways() -> None:
    @repair(EC2Backend, "create_nat_gateway")
    def create(original: Any, self: Any, subnet_id: str, allocation_id: str, *args: Any, **kwargs: Any) -> Any:
        settle(self)
        subnet = self.get_subnet(subnet_id)
        nat = original(subnet_id, allocation_id, *args, **kwargs)
        nat._eni.description = f"Interface for NAT Gateway {nat.id}"
        if nat.connectivity_type != "private" and not _attached(self, subnet.vpc_id):
            nat.failure_code = "Gateway.NotAttached"
            nat.failure_message = f"Network {subnet.vpc_id} has no Internet gateway attached"
        return nat

    @repair(EC2Backend, "delete_nat_gateway")
    def delete(original: Any, self: Any, nat_gateway_id: str) -> Any:
        nat = self.nat_gateways.get(nat_gateway_id)
        if not nat or nat.state == "deleted":
            raise EC2ClientError("NatGatewayNotFound", f"NatGateway {nat_gateway_id} was not found")
        return original(nat_gateway_id)

    @repair(EC2Backend, "describe_nat_gateways")
    def describe(original: Any, self: Any, filters: Any, nat_gateway_ids: Any) -> Any:
        settle(self)
        found = original(filters, nat_gateway_ids)
        tags = {name: values for name, values in (filters or {}).items() if name.startswith("tag")}
        return [nat for nat in found if all(tag_filter_matches(nat, name, values) for name, values in tags.items())]


def _repair_tokens() -> None:
    """A create with a known token answers with what was made the first time; with other parameters it is refused."""
    _with_token(NatGateways, "create_nat_gateway", "nat_gateways", lambda self: [
        self._get_param(name) for name in ("SubnetId", "AllocationId", "ConnectivityType", "TagSpecifications")])
    _with_token(RouteTables, "create_route_table", "route_tables", lambda self: [self._get_param(name) for name in (
        "VpcId", "TagSpecifications")])


def _with_token(owner: Any, name: str, things: str, parameters: Callable[[Any], list[Any]]) -> None:
    @repair(owner, name)
    def create(original: Any, self: Any) -> Any:
        backend, token, given = self.ec2_backend, self._get_param("ClientToken"), parameters(self)
        known = backend.__dict__.setdefault(f"_tokens_of_{things}", {})
        if not token or token not in known:
            answer = original()
            (made,) = answer.result.values()
            if token:
                known[token] = (given, made, type(answer))
            return answer
        first, made, kind = known[token]
        if first != given:
            raise EC2ClientError("IdempotentParameterMismatch", "The client token is already in use with other parameters.")
        return kind({type(made).__name__: made})


# ---- route tables ----

def _repair_route_tables() -> None:
    @repair(EC2Backend, "associate_route_table")
    def associate(original: Any, self: Any, route_table_id: str, gateway_id: Any = None, subnet_id: Any = None) -> Any:
        for table in self.route_tables.values():
            if subnet_id and subnet_id in table._associations.values() and table.id != route_table_id:
                raise ResourceAlreadyAssociatedError(subnet_id)
        if subnet_id and not any(subnet_id in subnets for subnets in self.subnets.values()):
            raise InvalidSubnetIdError(subnet_id)
        return original(route_table_id, gateway_id, subnet_id)

    def state(self: Any) -> str:
        nat, gateway = self.nat_gateway, self.gateway
        if nat is not None and nat.state in ("deleting", "deleted", "failed"):
            return "blackhole"
        if gateway is not None and gateway.id.startswith("igw-") and gateway.vpc is None:
            return "blackhole"
        return "active"

    Route.state = property(state)  # type: ignore[assignment,method-assign]


# ---- security groups ----

def _names(rule: Any, group_id: str) -> bool:
    return bool(rule.source_group and rule.source_group.get("GroupId") == group_id)


def _repair_security_groups() -> None:
    @repair(EC2Backend, "describe_security_groups")
    def describe(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        settle(self)
        return original(*args, **kwargs)

    @repair(EC2Backend, "create_security_group")
    def create(original: Any, self: Any, name: str, description: str, vpc_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        vpc_id = vpc_id or self.default_vpc.id
        if name.lower().startswith("sg-"):
            raise EC2ClientError("InvalidParameterValue", "Group names may not be in the format sg-*.")
        if not kwargs.get("force") and any(group.name.lower() == name.lower() for group in self.groups.get(vpc_id, {}).values()):
            raise InvalidSecurityGroupDuplicateError(name)
        return original(name, description, vpc_id, *args, **kwargs)

    @repair(SecurityGroups, "delete_security_group")
    def delete(original: Any, self: Any) -> Any:
        backend, group_id = self.ec2_backend, self._get_param("GroupId")
        settle(backend)
        group = backend.get_security_group_from_id(group_id) if group_id else None
        if group is not None and group.name == "default":
            raise EC2ClientError("CannotDelete", f"the specified group: \"{group_id}\" name: \"default\" cannot be deleted by a user")
        others = [other for groups in backend.groups.values() for other in groups.values() if other.id != group_id]
        named = any(_names(rule, group_id) for other in others for rule in [*other.ingress_rules, *other.egress_rules])
        used = any(group_id == held.id for eni in backend.enis.values() for held in eni.group_set)
        if group is not None and (named or used):
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        return original()
