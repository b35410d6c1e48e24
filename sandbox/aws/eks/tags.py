"""Tags of whatever has an ARN."""
from __future__ import annotations

from collections.abc import Iterator

from .clusters import store
from .state import Ask, Document, EksError, invalid_parameter, operation


def arns(account: str, region: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every resource with its tags."""
    for cluster in store(account, region).values():
        yield cluster.document["arn"], cluster.document["tags"]
        for things, member in ((cluster.nodegroups, "nodegroupArn"), (cluster.addons, "addonArn"), (cluster.entries, "accessEntryArn")):
            for thing in things.values():
                yield thing.document[member], thing.document["tags"]


def _find(ask: Ask) -> dict[str, str]:
    wanted = ask.labels["resourceArn"]
    for arn, tags in arns(ask.account, ask.region):
        if arn == wanted:
            return tags
    raise EksError(404, "NotFoundException", f"Resource was not found: {wanted}")


@operation("TagResource")
def tag(ask: Ask) -> Document:
    tags = _find(ask)
    ask.need("tags")
    if len(tags | ask.body["tags"]) > 50 or any(name.lower().startswith("aws:") for name in ask.body["tags"]):
        raise invalid_parameter("At most 50 tags, and no keys that begin with aws:")
    tags.update(ask.body["tags"])
    return {}


@operation("UntagResource")
def untag(ask: Ask) -> Document:
    tags = _find(ask)
    for name in ask.lists.get("tagKeys", []):
        tags.pop(name, None)
    return {}


@operation("ListTagsForResource")
def show(ask: Ask) -> Document:
    return {"tags": _find(ask)}
