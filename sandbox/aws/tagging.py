"""Resource Groups Tagging: GetResources that honours ResourceARNList and knows the services moto forgets.

Collectors of our own come first; moto's generator is asked only when a service without one has been used: it instantiates some forty
services, which costs a second, and fails on some untagged resources.
"""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.ecr.models import ecr_backends
from moto.events.models import events_backends
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse
from moto.s3.models import s3_backends

from .eks import tags as eks_tags
from .moto_app import MotoApp
from .repair import repair

Tags = list[dict[str, str]]
Found = Iterator[tuple[str, Tags]]
WITHOUT_TAGS = {"iam", "sts", "resourcegroupstaggingapi", "moto_api"}  # not answered by GetResources, or nothing to answer


def _s3(account: str, region: str, partition: str) -> Found:
    backend = s3_backends[account][partition]
    for bucket in list(backend.buckets.values()):
        if bucket.region_name == region:
            yield bucket.arn, backend.tagger.list_tags_for_resource(bucket.arn)["Tags"]


def _ecr(account: str, region: str, partition: str) -> Found:
    backend = ecr_backends[account][region]
    for repository in list(backend.repositories.values()):
        yield repository.arn, backend.tagger.list_tags_for_resource(repository.arn)["tags"]


def _events(account: str, region: str, partition: str) -> Found:
    backend = events_backends[account][region]
    for bus in list(backend.event_buses.values()):
        for rule in list(bus.rules.values()):
            yield rule.arn, backend.tagger.list_tags_for_resource(rule.arn)["Tags"]


def _eks(account: str, region: str, partition: str) -> Found:
    for arn, tags in eks_tags.arns(account, region):
        yield arn, [{"Key": key, "Value": value} for key, value in tags.items()]


# ARN service -> collector; a later repair of a service adds a line.
COLLECTORS: dict[str, Callable[[str, str, str], Found]] = {"s3": _s3, "ecr": _ecr, "events": _events, "eks": _eks}


def install(moto: MotoApp) -> None:
    """Patch moto's tagging service."""
    @repair(ResourceGroupsTaggingAPIResponse, "get_resources")
    def get_resources(original: Any, self: Any) -> str:
        arns = self._get_param("ResourceARNList")
        _check(self, arns)
        found = sorted(_all(self, moto), key=lambda row: row["ResourceARN"])
        if arns:
            found = [row for row in found if row["ResourceARN"] in arns]
        else:
            found = [row for row in found if _of_type(row, self._get_param("ResourceTypeFilters", [])) and
                     all(_has(row, wanted) for wanted in self._get_param("TagFilters", []))]
        size = 100 if arns else self._get_int_param("ResourcesPerPage", 50)
        start = int(self._get_param("PaginationToken") or 0)
        token = str(start + size) if start + size < len(found) else ""
        return json.dumps({"ResourceTagMappingList": found[start:start + size], "PaginationToken": token})


def _check(response: Any, arns: list[str] | None) -> None:
    if arns and len(arns) > 100:
        raise JsonRESTError("InvalidParameterException", "ResourceARNList must have at most 100 entries")
    others = [name for name in ("TagFilters", "ResourceTypeFilters", "ResourcesPerPage", "TagsPerPage", "PaginationToken")
              if response._get_param(name)]
    if arns and others:
        raise JsonRESTError("InvalidParameterException", f"ResourceARNList cannot be used together with {others[0]}")
    token = response._get_param("PaginationToken")
    if token and not re.fullmatch(r"\d+", token):
        raise JsonRESTError("PaginationTokenExpiredException", "Token does not exist")


def _all(response: Any, moto: MotoApp) -> Iterator[dict[str, Any]]:
    """Every tagged resource of the account and region."""
    backend: ResourceGroupsTaggingAPIBackend = response.backend
    for collector in COLLECTORS.values():
        for arn, tags in collector(response.current_account, response.region, response.partition):
            if tags:
                yield {"ResourceARN": arn, "Tags": tags}
    if moto.services() - COLLECTORS.keys() - WITHOUT_TAGS:
        for row in backend._get_resources_generator(tag_filters=[], resource_type_filters=[]):
            if row["ResourceARN"].split(":")[2] not in COLLECTORS and row["Tags"]:
                yield row


def _of_type(row: dict[str, Any], filters: list[str]) -> bool:
    """`service` or `service:type`, as in the ARN."""
    _, _, service, _, _, rest = row["ResourceARN"].split(":", 5)
    kind = re.split(r"[:/]", rest)[0]
    return not filters or any(wanted in (service, f"{service}:{kind}") for wanted in filters)


def _has(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    values = wanted.get("Values") or []
    return any(tag["Key"] == wanted["Key"] and (not values or tag["Value"] in values) for tag in row["Tags"])
