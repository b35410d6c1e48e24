"""The network kinds of EC2: made, adopted after a loss, put right after every change by somebody else, and deleted."""
from __future__ import annotations

import shutil
import sys
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.cloud import Oracle  # noqa: E402
from lib.daemon import Daemon, missing, wait_for  # noqa: E402
from lib.sandbox import Sandbox  # noqa: E402
from lib.scenario import ScenarioTest, head, shared_sandbox  # noqa: E402

VPC, SUBNET, PRIVATE, IGW = "aws_vpc.main", "aws_subnet.public", "aws_subnet.private", "aws_internet_gateway.main"
EIP, NAT, TABLE = "aws_eip.nat", "aws_nat_gateway.main", "aws_route_table.public"
WEB, DB = "aws_security_group.web", "aws_security_group.db"
ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]
Change = tuple[str, str, str, Callable[["Ec2Test"], Any]]  # field, kind of drift, severity, what somebody does

def fast_sandbox() -> Sandbox:
    """A sandbox whose NAT gateways take a second."""
    return shared_sandbox(100)


def resources() -> dict[str, dict[str, Any]]:
    """A small network: every field that can be declared."""
    return {
        VPC: {"cidr_block": "10.0.0.0/16", "enable_dns_hostnames": True, "tags": {"team": "ml"}},
        SUBNET: {"vpc_id": "${aws_vpc.main.id}", "cidr_block": "10.0.1.0/24", "availability_zone": "us-east-1a",
                 "map_public_ip_on_launch": True, "tags": {"kubernetes.io/role/elb": "1"}},
        PRIVATE: {"vpc_id": "${aws_vpc.main.id}", "cidr_block": "10.0.2.0/24", "availability_zone_id": "use1-az2"},
        IGW: {"vpc_id": "${aws_vpc.main.id}", "tags": {"team": "ml"}},
        EIP: {"tags": {"team": "ml"}},
        NAT: {"subnet_id": "${aws_subnet.public.id}", "allocation_id": "${aws_eip.nat.id}", "tags": {"team": "ml"},
              "depends_on": [IGW]},
        TABLE: {"vpc_id": "${aws_vpc.main.id}", "route": [{"cidr_block": "0.0.0.0/0", "gateway_id": "${aws_internet_gateway.main.id}"}],
                "subnet_ids": ["${aws_subnet.public.id}"], "tags": {"team": "ml"}},
        WEB: {"name": "Web", "vpc_id": "${aws_vpc.main.id}", "description": "what the world sees", "tags": {"team": "ml"},
              "ingress": [{"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8", "192.168.0.0/16"],
                           "description": "inside"},
                          {"protocol": "6", "from_port": 8000, "to_port": 8010, "self": True},
                          {"protocol": "icmp", "from_port": -1, "to_port": -1, "cidr_blocks": ["10.0.0.0/8"]}],
              "egress": [{"protocol": "-1", "cidr_blocks": ["0.0.0.0/0"]}]},
        DB: {"name": "db", "vpc_id": "${aws_vpc.main.id}",
             "ingress": [{"protocol": "tcp", "from_port": 5432, "to_port": 5432, "security_groups": ["${aws_security_group.web.id}"]}]},
    }


def tags_of(thing: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


class Ec2Test(ScenarioTest):
    """A daemon, EC2 by boto3, and what of EC2 is the daemon's."""

    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        why = missing()
        if why:
            raise unittest.SkipTest(why)
        cls.cloud = fast_sandbox()
        cls.oracle = Oracle(cls.cloud)
        cls.ec2 = cls.cloud.client("ec2")

    def network(self, *addresses: str) -> dict[str, Any]:
        platform = head()
        platform["resources"] = {address: fields for address, fields in resources().items() if not addresses or address in addresses}
        return platform

    def steady(self, daemon: Daemon) -> Daemon:
        """Keep it looking until all is as wanted: nobody waits for a first look in a minute."""
        def converged() -> bool:
            daemon.check()
            return bool(daemon.platform()["converged"])

        wait_for(converged, "convergence", 60, every=0.2)
        return daemon

    def up(self, *addresses: str) -> Daemon:
        return self.steady(self.given(self.network(*addresses)).start())

    def seen(self) -> dict[str, dict[str, Any]]:
        """What carries the platform's tags, by address: ids as EC2 has them."""
        ours = [{"Name": "tag:mlopsd:platform", "Values": ["small"]}]
        found = [*self.ec2.describe_vpcs(Filters=ours)["Vpcs"], *self.ec2.describe_subnets(Filters=ours)["Subnets"],
                 *self.ec2.describe_internet_gateways(Filters=ours)["InternetGateways"],
                 *self.ec2.describe_addresses(Filters=ours)["Addresses"],
                 *self.ec2.describe_route_tables(Filters=ours)["RouteTables"],
                 *self.ec2.describe_security_groups(Filters=ours)["SecurityGroups"],
                 *[nat for nat in self.ec2.describe_nat_gateways(Filter=ours)["NatGateways"] if nat["State"] not in ("deleted", "failed")]]
        things = {}
        for thing in found:
            address = tags_of(thing)["mlopsd:address"]
            self.assertNotIn(address, things, "made twice")
            things[address] = thing
        return things

    def id(self, address: str) -> str:
        return self.state(address)["id"]

    def ids(self) -> dict[str, str]:
        return {r["address"]: r["id"] for r in self.daemon.call("StateList")["resources"]}

    def state(self, address: str) -> dict[str, Any]:
        (found,) = [r for r in self.daemon.call("StateList")["resources"] if r["address"] == address]
        return found

    def told(self, event: str, address: str) -> list[str]:
        return sorted(e.get("mlopsd_field", "") for e in self.daemon.events(event, address))

    def heals(self, address: str, rounds: list[list[Change]], needs: tuple[str, ...] = ()) -> None:
        """Somebody makes the changes of each round; every change is told with its severity, and healed."""
        daemon = self.up(*needs, address)
        daemon.check()  # what is young must be seen twice before its absence is believed
        expected: list[tuple[str, str, str]] = []
        for changes in rounds:
            for *_, act in changes:
                act(self)
            expected += [(change[0].replace("{subnet}", self.ids().get(SUBNET, "")), *change[1:3]) for change in changes]
            for _ in range(3):
                daemon.check()
            wait_for(lambda: daemon.check() and not daemon.drifts(), "the drift to be healed", 30, every=0.2)
            episodes = daemon.drifts(everything=True)
            self.assertEqual(sorted((d["field"], d["kind"], d["severity"]) for d in episodes), sorted(expected))
            self.assertEqual({d["address"] for d in episodes}, {address}, "nothing else drifted")
            self.assertEqual(self.told("drift", address), sorted(field for field, *_ in expected), "each is told once")
        mark = self.cloud.mark()
        self.steady(daemon)
        self.assert_no_write(mark)

    def adopted_after_a_loss(self, *addresses: str) -> None:
        """Without its state the daemon finds its own things again, and writes nothing."""
        daemon = self.up(*addresses)
        before = {address: self.id(address) for address in addresses}
        self.assertEqual(daemon.stop(), 0)
        shutil.rmtree(daemon.state)
        daemon.state.mkdir()
        mark = self.cloud.mark()
        self.steady(daemon.start())
        self.assertEqual({address: self.id(address) for address in addresses}, before)
        self.assert_no_write(mark)

    def made_once(self, operation: str, *addresses: str) -> None:
        """The answer to the create is lost: what was made is found, and nothing is made again."""
        self.cloud.control("POST", "/faults", {"server": "aws", "service": "ec2", "operation": operation, "kind": "reply-lost", "times": 1})
        self.up(*addresses)
        self.assertEqual([w for w in self.writes() if w == f"ec2.{operation}"], [f"ec2.{operation}"])
        self.assertEqual(sorted(self.seen()), sorted(addresses))

    def deleted(self, *addresses: str) -> None:
        """What leaves the file leaves the cloud."""
        daemon = self.up(*addresses)
        self.assertEqual(sorted(self.seen()), sorted(addresses))
        daemon.write_platform(self.network("none"))
        daemon.reload()

        def gone() -> bool:
            daemon.check()
            return not self.seen() and not daemon.call("StateList")["resources"]

        wait_for(gone, "everything to be deleted", 90, every=0.3)


class Vpc(Ec2Test):
    def test_it_is_made_as_declared(self) -> None:
        self.up(VPC)
        vpc = self.seen()[VPC]
        self.assertEqual((vpc["CidrBlock"], vpc["InstanceTenancy"], tags_of(vpc)["team"]), ("10.0.0.0/16", "default", "ml"))
        self.assertEqual(self.switches(), (True, True))
        self.assertEqual(self.state(VPC)["id"], vpc["VpcId"])

    def switches(self) -> tuple[bool, bool]:
        vpc = self.seen()[VPC]["VpcId"]
        return (self.ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"],
                self.ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"])

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        def switch(**change: Any) -> Callable[[Ec2Test], Any]:
            return lambda t: t.ec2.modify_vpc_attribute(VpcId=t.id(VPC), **change)

        self.heals(VPC, [
            [("enable_dns_support", "changed", "warning", switch(EnableDnsSupport={"Value": False})),
             ("enable_dns_hostnames", "changed", "warning", switch(EnableDnsHostnames={"Value": False})),
             ('tags["team"]', "changed", "notice",
              lambda t: t.ec2.create_tags(Resources=[t.id(VPC)], Tags=[{"Key": "team", "Value": "x"}]))],
            [('tags["mlopsd:address"]', "missing", "notice",
              lambda t: t.ec2.delete_tags(Resources=[t.id(VPC)], Tags=[{"Key": "mlopsd:address"}]))],
            [("", "missing", "critical", lambda t: t.ec2.delete_vpc(VpcId=t.id(VPC)))]])
        self.assertEqual(self.switches(), (True, True))

    def test_it_is_adopted_when_the_state_is_lost(self) -> None:
        self.adopted_after_a_loss(VPC)

    def test_it_is_made_once_when_the_answer_is_lost(self) -> None:
        self.made_once("CreateVpc", VPC)

    def test_it_is_deleted_when_it_leaves_the_file(self) -> None:
        self.deleted(VPC)


class Subnet(Ec2Test):
    def test_it_is_made_as_declared(self) -> None:
        self.up(VPC, SUBNET, PRIVATE)
        vpc, public, private = (self.seen()[address] for address in (VPC, SUBNET, PRIVATE))
        self.assertEqual((public["VpcId"], public["CidrBlock"], public["AvailabilityZone"], public["MapPublicIpOnLaunch"]),
                         (vpc["VpcId"], "10.0.1.0/24", "us-east-1a", True))
        self.assertEqual((private["VpcId"], private["AvailabilityZoneId"], private["MapPublicIpOnLaunch"]),
                         (vpc["VpcId"], "use1-az2", False))

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        self.heals(SUBNET, [
            [("map_public_ip_on_launch", "changed", "critical",
              lambda t: t.ec2.modify_subnet_attribute(SubnetId=t.id(SUBNET), MapPublicIpOnLaunch={"Value": False})),
             ('tags["kubernetes.io/role/elb"]', "missing", "notice",
              lambda t: t.ec2.delete_tags(Resources=[t.id(SUBNET)], Tags=[{"Key": "kubernetes.io/role/elb"}]))],
            [("", "missing", "critical", lambda t: t.ec2.delete_subnet(SubnetId=t.id(SUBNET)))]], needs=(VPC,))

    def test_it_is_adopted_when_the_state_is_lost(self) -> None:
        self.adopted_after_a_loss(VPC, SUBNET, PRIVATE)

    def test_it_is_made_once_when_the_answer_is_lost(self) -> None:
        self.made_once("CreateSubnet", VPC, SUBNET)

    def test_it_is_deleted_when_it_leaves_the_file(self) -> None:
        self.deleted(VPC, SUBNET, PRIVATE)


class InternetGateway(Ec2Test):
    def test_it_is_made_as_declared(self) -> None:
        self.up(VPC, IGW)
        seen = self.seen()
        self.assertEqual([a["VpcId"] for a in seen[IGW]["Attachments"]], [seen[VPC]["VpcId"]])
        self.assertEqual(tags_of(seen[IGW])["team"], "ml")

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        def detach(t: Ec2Test) -> None:
            t.ec2.detach_internet_gateway(InternetGatewayId=t.id(IGW), VpcId=t.id(VPC))

        def elsewhere(t: Ec2Test) -> None:
            detach(t)
            other = t.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
            t.ec2.attach_internet_gateway(InternetGatewayId=t.id(IGW), VpcId=other)

        def delete(t: Ec2Test) -> None:
            detach(t)
            t.ec2.delete_internet_gateway(InternetGatewayId=t.id(IGW))

        self.heals(IGW, [
            [("vpc_id", "missing", "critical", detach)],
            [("vpc_id", "changed", "critical", elsewhere),
             ('tags["team"]', "changed", "notice",
              lambda t: t.ec2.create_tags(Resources=[t.id(IGW)], Tags=[{"Key": "team", "Value": "x"}]))],
            [("", "missing", "critical", delete)]], needs=(VPC,))

    def test_it_is_adopted_when_the_state_is_lost(self) -> None:
        self.adopted_after_a_loss(VPC, IGW)

    def test_it_is_made_once_when_the_answer_is_lost(self) -> None:
        self.made_once("CreateInternetGateway", VPC, IGW)

    def test_it_is_attached_when_the_answer_to_that_is_lost(self) -> None:
        self.cloud.control("POST", "/faults", {"server": "aws", "service": "ec2", "operation": "AttachInternetGateway",
                                               "kind": "reply-lost", "times": 1})
        self.up(VPC, IGW)
        self.assertEqual(len(self.seen()[IGW]["Attachments"]), 1)

    def test_it_is_deleted_when_it_leaves_the_file(self) -> None:
        self.deleted(VPC, IGW)


class Eip(Ec2Test):
    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        self.heals(EIP, [
            [('tags["team"]', "changed", "notice",
              lambda t: t.ec2.create_tags(Resources=[t.id(EIP)], Tags=[{"Key": "team", "Value": "x"}]))],
            [("", "missing", "critical", lambda t: t.ec2.release_address(AllocationId=t.id(EIP)))]])

    def test_it_is_adopted_when_the_state_is_lost(self) -> None:
        self.adopted_after_a_loss(EIP)

    def test_it_is_taken_once_when_the_answer_is_lost(self) -> None:
        self.made_once("AllocateAddress", EIP)

    def test_it_is_released_when_it_leaves_the_file(self) -> None:
        self.deleted(EIP)


class NatGateway(Ec2Test):
    ALL = (VPC, SUBNET, IGW, EIP, NAT)

    def test_it_is_made_as_declared(self) -> None:
        self.up(*self.ALL)
        seen = self.seen()
        (address,) = seen[NAT]["NatGatewayAddresses"]
        self.assertEqual((seen[NAT]["State"], seen[NAT]["SubnetId"], address["AllocationId"]),
                         ("available", seen[SUBNET]["SubnetId"], seen[EIP]["AllocationId"]))

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        def delete(t: Ec2Test) -> None:
            gateway = t.id(NAT)
            t.ec2.delete_nat_gateway(NatGatewayId=gateway)
            wait_for(lambda: t.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"][0]["State"] == "deleted", "the deletion")

        self.heals(NAT, [
            [('tags["team"]', "changed", "notice",
              lambda t: t.ec2.create_tags(Resources=[t.id(NAT)], Tags=[{"Key": "team", "Value": "x"}]))],
            [("", "missing", "critical", delete)]], needs=self.ALL[:-1])

    def test_one_that_fails_is_made_again(self) -> None:
        platform = self.network(*self.ALL)
        del platform["resources"][NAT]["depends_on"], platform["resources"][IGW]
        daemon = self.given(platform).start()
        wait_for(lambda: daemon.check() and any(nat["State"] == "failed" for nat in self.ec2.describe_nat_gateways()["NatGateways"]),
                 "a failure", 30, every=0.2)
        daemon.write_platform(self.network(*self.ALL))
        daemon.reload()
        self.steady(daemon)
        self.assertEqual(self.seen()[NAT]["State"], "available")

    def test_it_is_adopted_when_the_state_is_lost(self) -> None:
        self.adopted_after_a_loss(*self.ALL)

    def test_it_is_made_once_when_the_answer_is_lost(self) -> None:
        self.cloud.control("POST", "/faults", {"server": "aws", "service": "ec2", "operation": "CreateNatGateway",
                                               "kind": "reply-lost", "times": 1})
        self.up(*self.ALL)
        self.assertEqual(len(self.ec2.describe_nat_gateways()["NatGateways"]), 1)

    def test_it_is_deleted_when_it_leaves_the_file(self) -> None:
        self.deleted(*self.ALL)


class RouteTable(Ec2Test):
    ALL = (VPC, SUBNET, IGW, TABLE)

    def is_right(self) -> None:
        seen = self.seen()
        self.assertEqual([(r["DestinationCidrBlock"], r["GatewayId"]) for r in seen[TABLE]["Routes"] if r["GatewayId"] != "local"],
                         [("0.0.0.0/0", seen[IGW]["InternetGatewayId"])])
        self.assertEqual([a["SubnetId"] for a in seen[TABLE]["Associations"]], [seen[SUBNET]["SubnetId"]])

    def test_it_is_made_as_declared(self) -> None:
        self.up(*self.ALL)
        self.is_right()

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        def to_another_table(t: Ec2Test) -> None:
            other = t.ec2.create_route_table(VpcId=t.id(VPC))["RouteTable"]["RouteTableId"]
            (association,) = t.seen()[TABLE]["Associations"]
            t.ec2.replace_route_table_association(AssociationId=association["RouteTableAssociationId"], RouteTableId=other)

        def disassociate(t: Ec2Test) -> None:
            for association in t.seen()[TABLE]["Associations"]:
                t.ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])

        def delete(t: Ec2Test) -> None:
            disassociate(t)
            t.ec2.delete_route_table(RouteTableId=t.id(TABLE))

        def through_an_interface(t: Ec2Test) -> None:
            eni = t.ec2.create_network_interface(SubnetId=t.id(SUBNET))["NetworkInterface"]["NetworkInterfaceId"]
            t.ec2.delete_route(RouteTableId=t.id(TABLE), DestinationCidrBlock="0.0.0.0/0")
            t.ec2.create_route(RouteTableId=t.id(TABLE), DestinationCidrBlock="0.0.0.0/0", NetworkInterfaceId=eni)

        self.heals(TABLE, [
            [('route["0.0.0.0/0"]', "missing", "critical",
              lambda t: t.ec2.delete_route(RouteTableId=t.id(TABLE), DestinationCidrBlock="0.0.0.0/0")),
             ('route["203.0.113.0/24"]', "extra", "critical",
              lambda t: t.ec2.create_route(RouteTableId=t.id(TABLE), DestinationCidrBlock="203.0.113.0/24", GatewayId=t.id(IGW))),
             ('tags["team"]', "changed", "notice",
              lambda t: t.ec2.create_tags(Resources=[t.id(TABLE)], Tags=[{"Key": "team", "Value": "x"}]))],
            [('route["0.0.0.0/0"].gateway_id', "missing", "critical", through_an_interface),
             ('subnet_ids["{subnet}"]', "missing", "critical", to_another_table)],
            [("", "missing", "critical", delete)]], needs=self.ALL[:-1])
        self.is_right()

    def test_it_is_adopted_when_the_state_is_lost(self) -> None:
        self.adopted_after_a_loss(*self.ALL)

    def test_it_is_made_once_when_the_answer_is_lost(self) -> None:
        self.cloud.control("POST", "/faults", {"server": "aws", "service": "ec2", "operation": "CreateRouteTable",
                                               "kind": "reply-lost", "times": 1})
        self.up(*self.ALL)
        self.is_right()

    def test_it_is_deleted_when_it_leaves_the_file(self) -> None:
        self.deleted(*self.ALL)


class SecurityGroup(Ec2Test):
    ALL = (VPC, WEB, DB)

    def rules(self, address: str) -> set[tuple[Any, ...]]:
        found = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self.seen()[address]["GroupId"]]}])
        return {(r["IsEgress"], r["IpProtocol"], r["FromPort"], r["ToPort"],
                 r.get("CidrIpv4") or r.get("ReferencedGroupInfo", {}).get("GroupId")) for r in found["SecurityGroupRules"]}

    def are_right(self) -> None:
        web = self.seen()[WEB]["GroupId"]
        self.assertEqual(self.rules(WEB), {
            (False, "tcp", 443, 443, "10.0.0.0/8"), (False, "tcp", 443, 443, "192.168.0.0/16"), (False, "tcp", 8000, 8010, web),
            (False, "icmp", -1, -1, "10.0.0.0/8"), (True, "-1", -1, -1, "0.0.0.0/0")})
        self.assertEqual(self.rules(DB), {(False, "tcp", 5432, 5432, web)})

    def test_they_are_made_as_declared(self) -> None:
        self.up(*self.ALL)
        self.are_right()
        web = self.seen()[WEB]
        self.assertEqual((web["GroupName"], web["Description"], tags_of(web)["team"]), ("Web", "what the world sees", "ml"))

    def test_whatever_is_changed_is_found_and_healed(self) -> None:
        def rule(port: int, peers: list[dict[str, str]] | None = None, protocol: str = "tcp") -> list[dict[str, Any]]:
            return [{"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": peers or ANYWHERE}]

        self.heals(WEB, [
            [('ingress["tcp 22 0.0.0.0/0"]', "extra", "critical",
              lambda t: t.ec2.authorize_security_group_ingress(GroupId=t.id(WEB), IpPermissions=rule(22))),
             ('ingress["tcp 443 192.168.0.0/16"]', "missing", "critical",
              lambda t: t.ec2.revoke_security_group_ingress(GroupId=t.id(WEB), IpPermissions=rule(443, [{"CidrIp": "192.168.0.0/16"}]))),
             ('egress["all 0.0.0.0/0"]', "missing", "critical",
              lambda t: t.ec2.revoke_security_group_egress(GroupId=t.id(WEB), IpPermissions=[{"IpProtocol": "-1", "IpRanges": ANYWHERE}])),
             ('egress["udp 53 0.0.0.0/0"]', "extra", "critical",
              lambda t: t.ec2.authorize_security_group_egress(GroupId=t.id(WEB), IpPermissions=rule(53, protocol="udp"))),
             ('tags["team"]', "changed", "notice",
              lambda t: t.ec2.create_tags(Resources=[t.id(WEB)], Tags=[{"Key": "team", "Value": "x"}]))],
            [('ingress["tcp 443 10.0.0.0/8"].description', "changed", "critical",
              lambda t: t.ec2.update_security_group_rule_descriptions_ingress(
                  GroupId=t.id(WEB), IpPermissions=rule(443, [{"CidrIp": "10.0.0.0/8", "Description": "x"}])))],
            [("", "missing", "critical", lambda t: t.ec2.delete_security_group(GroupId=t.id(WEB)))]], needs=(VPC,))

    def test_they_are_adopted_when_the_state_is_lost(self) -> None:
        self.adopted_after_a_loss(*self.ALL)

    def test_one_is_made_once_when_the_answer_is_lost(self) -> None:
        self.cloud.control("POST", "/faults", {"server": "aws", "service": "ec2", "operation": "CreateSecurityGroup",
                                               "kind": "reply-lost", "times": 1})
        self.up(*self.ALL)
        self.are_right()

    def test_a_name_that_is_taken_is_left_alone(self) -> None:
        daemon = self.up(VPC)
        self.ec2.create_security_group(GroupName="wEB", Description="theirs", VpcId=self.id(VPC))
        daemon.write_platform(self.network(VPC, WEB))
        daemon.reload()
        daemon.check()
        self.assertNotIn(WEB, self.seen())
        self.assertEqual(self.state(WEB)["status"], "failed")

    def test_they_are_deleted_when_they_leave_the_file(self) -> None:
        self.deleted(*self.ALL)


if __name__ == "__main__":
    unittest.main()
