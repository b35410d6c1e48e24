"""Who may reach a cluster's endpoint, as EKS checks it."""
from __future__ import annotations

import ipaddress
from typing import Any

from .state import invalid_parameter

PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
DEFAULTS = {"endpointPublicAccess": True, "endpointPrivateAccess": False, "publicAccessCidrs": ["0.0.0.0/0"]}


def checked_access(wanted: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The three settings after a request that may name some of them."""
    before = before or DEFAULTS
    after = {name: wanted[name] if wanted.get(name) is not None else before[name] for name in DEFAULTS}
    after["publicAccessCidrs"] = _networks(after["publicAccessCidrs"] or DEFAULTS["publicAccessCidrs"])
    if not after["endpointPublicAccess"] and not after["endpointPrivateAccess"]:
        raise invalid_parameter("Private and public endpoint access cannot be false")
    return after


def _networks(cidrs: list[str]) -> list[str]:
    found = []
    for text in dict.fromkeys(cidrs):
        try:
            cidr = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise invalid_parameter(f"The following CIDRs are invalid in publicAccessCidrs: [{text}]") from None
        if any(cidr.version == 4 and cidr.subnet_of(private) for private in PRIVATE):
            raise invalid_parameter(f"The following CIDRs are not allowed in publicAccessCidrs: [{text}]")
        found.append(str(cidr))
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(set(one[name]) == set(other[name]) if isinstance(one[name], list) else one[name] == other[name] for name in DEFAULTS)
