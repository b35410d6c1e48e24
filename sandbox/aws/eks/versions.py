"""The Kubernetes versions EKS offers, with what hangs on them: support dates, platform, patch release, add-ons."""
from __future__ import annotations

import calendar
import time
from dataclasses import dataclass
from typing import Any

from .state import Ask, invalid_parameter, operation


@dataclass(frozen=True)
class Version:
    minor: str
    patch: str
    platform: str
    released: str
    standard_until: str
    extended_until: str
    status: str


STANDARD, EXTENDED = "STANDARD_SUPPORT", "EXTENDED_SUPPORT"
VERSIONS = {version.minor: version for version in (
    Version("1.35", "1.35.0", "eks.3", "2026-01-27", "2027-03-27", "2028-03-27", STANDARD),
    Version("1.34", "1.34.2", "eks.12", "2025-10-02", "2026-12-02", "2027-12-02", STANDARD),
    Version("1.33", "1.33.5", "eks.26", "2025-05-29", "2026-07-29", "2027-07-29", STANDARD),
    Version("1.32", "1.32.9", "eks.33", "2025-01-23", "2026-03-23", "2027-03-23", EXTENDED),
    Version("1.31", "1.31.13", "eks.49", "2024-09-26", "2025-11-26", "2026-11-26", EXTENDED),
    Version("1.30", "1.30.14", "eks.57", "2024-05-23", "2025-07-23", "2026-07-23", EXTENDED))}
DEFAULT = "1.34"
AMI_DATE = "20260801"


def known(minor: str) -> Version:
    if minor not in VERSIONS:
        raise invalid_parameter("unsupported Kubernetes version")
    return VERSIONS[minor]


def number(minor: str) -> int:
    """The part that counts: 34 of "1.34"."""
    return int(known(minor).minor.partition(".")[2])


def release(minor: str) -> str:
    """The newest machine image of a version."""
    return f"{known(minor).patch}-{AMI_DATE}"


def _day(text: str) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%d"))


def _show(version: Version) -> dict[str, Any]:
    return {"clusterVersion": version.minor, "clusterType": "eks", "defaultPlatformVersion": version.platform,
            "defaultVersion": version.minor == DEFAULT, "releaseDate": _day(version.released),
            "endOfStandardSupportDate": _day(version.standard_until), "endOfExtendedSupportDate": _day(version.extended_until),
            "status": version.status.lower().replace("_support", "-support"), "versionStatus": version.status,
            "kubernetesPatchVersion": version.patch}


@operation("DescribeClusterVersions")
def describe(ask: Ask) -> dict[str, Any]:
    wanted = ask.lists.get("clusterVersions")
    status = ask.query.get("versionStatus") or ask.query.get("status", "").upper().replace("-", "_")
    rows = [_show(version) for version in VERSIONS.values()
            if (not wanted or version.minor in wanted) and (not status or version.status == status)
            and (ask.query.get("defaultOnly") != "true" or version.minor == DEFAULT)]
    return ask.page("clusterVersions", rows)
