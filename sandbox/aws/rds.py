"""RDS: databases take their time, changes wait or are pending, versions are concrete, a deletion leaves its snapshot.

What is to come is kept in the instance with its moment, and happens when somebody looks (`settle`). A change that waits for the
maintenance window waits for ever: this cloud has none.
"""
from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from typing import Any

from moto.ec2.models import ec2_backends
from moto.rds.exceptions import DBInstanceNotFoundError, RDSClientError
from moto.rds.models import DBInstance, RDSBackend, rds_backends

from ..world import World
from . import rds_engines, rds_subnets, tagging
from .repair import repair

# What waits for the window (or for ApplyImmediately), by moto's name and by the name in PendingModifiedValues.
PENDING = {
    "db_instance_class": "DBInstanceClass", "allocated_storage": "AllocatedStorage", "master_user_password": "MasterUserPassword",
    "db_port_number": "Port", "backup_retention_period": "BackupRetentionPeriod", "multi_az": "MultiAZ",
    "engine_version": "EngineVersion", "iops": "Iops", "storage_type": "StorageType", "storage_throughput": "StorageThroughput",
    "ca_certificate_identifier": "CACertificateIdentifier", "db_subnet_group_name": "DBSubnetGroupName",
    "enable_iam_database_authentication": "IAMDatabaseAuthenticationEnabled",
}
STEERING = {"db_instance_identifier", "apply_immediately", "allow_major_version_upgrade", "certificate_rotation_restart"}
ATTRIBUTES = {"db_port_number": "port", "db_subnet_group_name": "_db_subnet_group_name"}  # where moto keeps them under another name


def install(world: World) -> None:
    """Patch moto's RDS."""
    rds_engines.install()
    rds_subnets.install()
    tagging.COLLECTORS["rds"] = _tagged
    _repair_looks(world)
    _repair_create(world)
    _repair_modify(world)
    _repair_delete(world)


def refuse(code: str, message: str) -> RDSClientError:
    return RDSClientError(code, message)


# ---- what is seen ----

def _repair_looks(world: World) -> None:
    reached = world.lifecycle.reached

    def status(self: Any) -> str:
        if "_dies" in self.__dict__:
            return "deleting"
        if not reached(self.__dict__.get("_born", 0.0)):
            return "creating"
        return "available" if reached(self.__dict__.get("_busy", 0.0)) and self._word == "modifying" else self._word

    def set_status(self: Any, word: str) -> None:
        self._word = word

    def pending(self: Any) -> dict[str, Any]:
        waits = self.__dict__.get("_waits", {})
        return {PENDING[name]: "****" if name == "master_user_password" else value for name, value in waits.items()}

    DBInstance.status = property(status, set_status)  # type: ignore[attr-defined]
    DBInstance.pending_modified_values = property(pending)  # type: ignore[attr-defined]
    endpoint = DBInstance.endpoint.fget  # type: ignore[attr-defined]
    DBInstance.endpoint = property(  # type: ignore[assignment,method-assign]
        lambda self: None if self.status == "creating" else endpoint(self) | {"HostedZoneId": "Z2R2ITUGPM61AM"})

    @repair(RDSBackend, "describe_db_instances")
    def describe(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        settle(self, world)
        return original(*args, **kwargs)


def settle(backend: Any, world: World) -> None:
    """Let happen what should have happened by now."""
    for name, database in list(backend.databases.items()):
        own = database.__dict__
        if "_dies" in own and world.lifecycle.reached(own["_dies"]):
            own["_bury"]()
            _let_go(database)
            backend.databases.pop(name, None)
        elif own.get("_at_once") and world.lifecycle.reached(own["_busy"]):
            own["_at_once"] = False
            database._word = "available"
            for waiting, value in own.pop("_waits", {}).items():
                _apply(database, waiting, value)


def _apply(database: Any, name: str, value: Any) -> None:
    if name == "db_subnet_group_name":
        database.db_subnet_group_name = value
        _let_go(database)
        _plug_in(database)
    else:
        setattr(database, ATTRIBUTES.get(name, name), value)


# ---- its place in the network ----

def _plug_in(database: Any) -> None:
    """An interface in the first of its subnets (two when there is a standby): it holds subnet and groups."""
    group = database.__dict__.get("db_subnet_group")
    subnets = group._subnets[:2 if database.multi_az else 1] if group else []
    ec2 = ec2_backends[database.account_id][database.region]
    database._enis = [ec2.create_network_interface(subnet, None, group_ids=list(database.vpc_security_group_ids),
                                                   description="RDSNetworkInterface") for subnet in subnets]


def _let_go(database: Any) -> None:
    ec2 = ec2_backends[database.account_id][database.region]
    for eni in database.__dict__.pop("_enis", []):
        ec2.enis.pop(eni.id, None)


# ---- create ----

def _check_password(password: str | None) -> None:
    if password is not None and not re.fullmatch(r"[!#-.0-?A-~]{8,128}", password):
        raise refuse("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters "
                     "besides '/', '@', '\"', ' ' may be used.")


def _repair_create(world: World) -> None:
    @repair(RDSBackend, "create_db_instance")
    def create(original: Any, self: Any, db_kwargs: Any) -> Any:
        settle(self, world)
        given = {name: value for name, value in dict(db_kwargs).items() if value is not None}
        if given.get("db_cluster_identifier"):
            return original(db_kwargs)
        engine = given["engine"]
        _check_password(given.get("master_user_password"))
        given["engine_version"] = rds_engines.resolve(engine, given.get("engine_version"))
        given.setdefault("storage_type", "io1" if given.get("iops") else "gp3")
        given.setdefault("allocated_storage", 20)
        given.setdefault("publicly_accessible", "db_subnet_group_name" not in given)
        given.setdefault("ca_certificate_identifier", "rds-ca-rsa2048-g1")
        database = original(given)
        if engine in rds_engines.EXTENDED:
            database.engine_lifecycle_support = given.get("engine_lifecycle_support", "open-source-rds-extended-support")
        database.dbi_resource_id = "db-" + "".join(random.choices(string.ascii_uppercase + "234567", k=26))
        database._born = world.lifecycle.after("rds.instance.create")
        _plug_in(database)
        return database


# ---- modify ----

def _steady(database: Any) -> None:
    if database.status not in ("available", "stopped"):
        raise refuse("InvalidDBInstanceState", f"Database instance {database.db_instance_identifier} is not in available state.")


def _check_storage(database: Any, wanted: int | None) -> None:
    now = database.allocated_storage
    if wanted is not None and wanted < now:
        raise refuse("InvalidParameterCombination", f"Requested storage size ({wanted}) cannot be less than the current storage size ({now}).")
    if wanted is not None and now < wanted < now * 1.1:
        raise refuse("InvalidParameterCombination", "The allocated storage size must be increased by at least 10%.")


def _current(database: Any, name: str) -> Any:
    return None if name == "master_user_password" else getattr(database, ATTRIBUTES.get(name, name))


def _checked(database: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The changes asked for, in concrete terms."""
    wanted = {name: value for name, value in given.items() if name not in STEERING}
    if not wanted:
        raise refuse("InvalidParameterCombination", "No modifications were requested")
    _check_password(wanted.get("master_user_password"))
    _check_storage(database, wanted.get("allocated_storage"))
    version = wanted.get("engine_version")
    if version is not None and database.engine_version.startswith(version + "."):
        wanted["engine_version"] = database.engine_version
    elif version is not None:
        wanted["engine_version"] = rds_engines.resolve(database.engine, version)
        rds_engines.check_upgrade(database.engine, database.engine_version, wanted["engine_version"],
                                  bool(given.get("allow_major_version_upgrade")))
    return wanted


def _repair_modify(world: World) -> None:
    @repair(RDSBackend, "modify_db_instance")
    def modify(original: Any, self: Any, db_instance_identifier: str, db_kwargs: Any) -> Any:
        database = self.describe_db_instances(db_instance_identifier)[0]
        given = {name: value for name, value in dict(db_kwargs).items() if value is not None}
        if database.db_cluster_identifier or "new_db_instance_identifier" in given:
            return original(db_instance_identifier, db_kwargs)
        _steady(database)
        wanted = _checked(database, given)
        waits = database.__dict__.setdefault("_waits", {})
        for name in PENDING.keys() & wanted.keys():
            value = wanted.pop(name)
            waits.pop(name, None)  # asking for what it is takes a waiting change back
            if value != _current(database, name):
                waits[name] = value
        original(db_instance_identifier, wanted)
        if "vpc_security_group_ids" in wanted:
            _let_go(database)
            _plug_in(database)
        if waits and given.get("apply_immediately"):
            database._at_once, database._word = True, "modifying"
            database._busy = world.lifecycle.after("rds.instance.modify")
        return database


# ---- delete ----

def _repair_delete(world: World) -> None:
    @repair(RDSBackend, "delete_db_instance")
    def delete(original: Any, self: Any, db_instance_identifier: str, final_db_snapshot_identifier: str | None = None,
               skip_final_snapshot: bool | None = False, delete_automated_backups: bool | None = True) -> Any:
        settle(self, world)
        database = self.databases.get(db_instance_identifier)
        if database is None:
            raise DBInstanceNotFoundError(db_instance_identifier)
        _may_die(database, bool(skip_final_snapshot), final_db_snapshot_identifier)
        if final_db_snapshot_identifier:
            self.create_db_snapshot(db_instance_identifier, final_db_snapshot_identifier, snapshot_type="manual")
        database._bury = lambda: original(db_instance_identifier, None, True, delete_automated_backups)
        database._dies = world.lifecycle.after("rds.instance.delete")
        return database


def _may_die(database: Any, skip: bool, snapshot: str | None) -> None:
    name = database.db_instance_identifier
    if database.status == "deleting":
        raise refuse("InvalidDBInstanceState", f"Instance {name} is already being deleted.")
    if database.deletion_protection:
        raise refuse("InvalidParameterCombination",
                     "Cannot delete protected DB Instance, please disable deletion protection and try again.")
    if skip and snapshot:
        raise refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is true.")
    if not skip and not snapshot:
        raise refuse("InvalidParameterCombination",
                     "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    if snapshot:
        _steady(database)


# ---- tags ----

def _tagged(account: str, region: str, partition: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    backend = rds_backends[account][region]
    for thing in [*backend.databases.values(), *backend.subnet_groups.values(), *backend.database_snapshots.values()]:
        yield thing.arn, thing.get_tags()
