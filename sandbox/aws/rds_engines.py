"""RDS: which versions of which engines there are. A small, plausible table; "16" means the newest 16."""
from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import RDSClientError
from moto.rds.responses import RDSResponse

from .repair import repair

VERSIONS: dict[str, list[str]] = {  # oldest first
    "postgres": ["13.22", "14.17", "14.19", "15.10", "15.12", "15.14", "16.6", "16.8", "16.9", "16.10", "17.2", "17.4", "17.5", "17.6"],
    "mysql": ["8.0.40", "8.0.41", "8.0.42", "8.4.5", "8.4.6"],
    "mariadb": ["10.6.22", "10.11.13", "11.4.7", "11.8.3"],
}
EXTENDED = {"postgres", "mysql"}  # engines with (paid) Extended Support


def install() -> None:
    """Supply the two operations that moto lacks."""
    @repair(RDSResponse, "describe_db_engine_versions")
    def describe(original: Any, self: Any) -> ActionResult:
        wanted, prefix = self.params.get("Engine"), self.params.get("EngineVersion") or ""
        found = [_row(engine, version) for engine, versions in VERSIONS.items() if wanted in (None, engine)
                 for version in versions if _within(version, prefix)]
        if self.params.get("DefaultOnly"):
            found = [row for row in found if row["EngineVersion"] == VERSIONS[row["Engine"]][-1]]
        return ActionResult({"DBEngineVersions": found})

    @repair(RDSResponse, "describe_db_major_engine_versions")
    def describe_major(original: Any, self: Any) -> ActionResult:
        wanted, number = self.params.get("Engine"), self.params.get("MajorEngineVersion")
        found = [{"Engine": engine, "MajorEngineVersion": major} for engine, versions in VERSIONS.items() if wanted in (None, engine)
                 for major in dict.fromkeys(major_of(engine, version) for version in versions) if number in (None, major)]
        return ActionResult({"DBMajorEngineVersions": found})


def _row(engine: str, version: str) -> dict[str, Any]:
    return {"Engine": engine, "EngineVersion": version, "MajorEngineVersion": major_of(engine, version), "Status": "available",
            "DBParameterGroupFamily": f"{engine}{major_of(engine, version)}", "DBEngineDescription": engine,
            "ValidUpgradeTarget": [{"Engine": engine, "EngineVersion": newer, "AutoUpgrade": False,
                                    "IsMajorVersionUpgrade": major_of(engine, newer) != major_of(engine, version)}
                                   for newer in VERSIONS[engine] if number(newer) > number(version)]}


def _within(version: str, prefix: str) -> bool:
    return not prefix or version == prefix or version.startswith(prefix + ".")


def major_of(engine: str, version: str) -> str:
    """16 of postgres 16.9, 8.0 of mysql 8.0.41."""
    return ".".join(version.split(".")[:1 if engine == "postgres" else 2])


def number(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def resolve(engine: str, version: str | None) -> str | None:
    """The concrete version that a given one means; engines without a row here are left alone."""
    if engine not in VERSIONS:
        return version
    found = [known for known in VERSIONS[engine] if _within(known, version or "")]
    if not found:
        raise RDSClientError("InvalidParameterCombination", f"Cannot find version {version} for {engine}")
    return found[-1]


def check_upgrade(engine: str, old: str, new: str, allow_major: bool) -> None:
    """Versions go up only, and to another major one only where that is asked for."""
    if engine not in VERSIONS or old == new:
        return
    if number(new) < number(old):
        raise RDSClientError("InvalidParameterCombination", f"Cannot upgrade {engine} from {old} to {new}")
    if major_of(engine, old) != major_of(engine, new) and not allow_major:
        raise RDSClientError("InvalidParameterCombination",
                             "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.")
