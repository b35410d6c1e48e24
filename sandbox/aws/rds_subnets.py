"""RDS: subnet groups span two zones, stay as long as a database needs them, and are not lost when they are changed."""
from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import InvalidSubnetIdError
from moto.rds.exceptions import DBSubnetGroupNotFoundError, RDSClientError
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from .repair import repair


def install() -> None:
    """Patch moto's DB subnet groups."""
    @repair(RDSBackend, "create_subnet_group")
    def create(original: Any, self: Any, subnet_name: str, description: str, subnets: list[Any], tags: Any) -> Any:
        if subnet_name.lower() == "default":
            raise RDSClientError("InvalidParameterValue", "The parameter DBSubnetGroupName is not a valid identifier: default is reserved.")
        if subnet_name in self.subnet_groups:
            raise RDSClientError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{subnet_name}' already exists.")
        _check_zones(subnets)
        return original(subnet_name, description, subnets, tags)

    @repair(RDSBackend, "modify_db_subnet_group")
    def modify(original: Any, self: Any, subnet_name: str, description: str, subnets: list[Any]) -> Any:
        group = self.subnet_groups.get(subnet_name)
        if group is None:
            raise DBSubnetGroupNotFoundError(subnet_name)
        _check_zones(subnets)
        kept = {subnet.id for subnet in subnets}
        for database in _users(self, subnet_name):
            if any(eni.subnet.id not in kept for eni in database.__dict__.get("_enis", [])):
                raise RDSClientError("SubnetAlreadyInUse", "Some of the subnets to be removed are in use by database "
                                     + database.db_instance_identifier)
        group.subnets = subnets
        if description is not None:
            group.description = description
        return group

    @repair(RDSBackend, "delete_subnet_group")
    def delete(original: Any, self: Any, subnet_name: str) -> Any:
        self.describe_db_instances()  # what is gone by now lets go
        users = _users(self, subnet_name)
        if users:
            raise RDSClientError("InvalidDBSubnetGroupStateFault", f"Cannot delete the subnet group '{subnet_name}' because at least one "
                                 f"database instance: {users[0].db_instance_identifier} is still using it.")
        return original(subnet_name)

    for name in ("create_db_subnet_group", "modify_db_subnet_group"):
        @repair(RDSResponse, name)
        def with_subnets(original: Any, self: Any) -> Any:
            try:
                return original()
            except InvalidSubnetIdError as error:
                raise RDSClientError("InvalidSubnet", str(error.message)) from error


def _users(backend: Any, subnet_name: str) -> list[Any]:
    return [database for database in backend.databases.values()
            if (getattr(database, "_db_subnet_group_name", None) or "").lower() == subnet_name.lower()]


def _check_zones(subnets: list[Any]) -> None:
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise RDSClientError("DBSubnetGroupDoesNotCoverEnoughAZs", "The DB subnet group doesn't meet Availability Zone (AZ) coverage "
                             "requirement. Add subnets to cover at least 2 AZs.")
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise RDSClientError("InvalidSubnet", "The subnets are not in the same VPC.")
