"""Bodies to documents: JSON or YAML by content type, duplicate keys seen, nulls dropped."""
from __future__ import annotations

import json
from typing import Any

import yaml

from .status import Refusal

LIMIT = 3 * 1024 * 1024


class _Loader(yaml.SafeLoader):
    """Tells keys that come twice; stamps stay texts."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in seen:
            loader.duplicates.append(f'key "{key}" already set in map')  # type: ignore[attr-defined]
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _size(body: bytes) -> None:
    if len(body) > LIMIT:
        raise Refusal(413, f"Request entity too large: limit is {LIMIT}")


def from_yaml(body: bytes) -> tuple[Any, list[str]]:
    """(document, duplicate keys); as the real server, JSON too goes through the YAML reader here."""
    _size(body)
    text = body.decode("utf-8", "replace")
    if "\\/" in text and text.lstrip().startswith("{"):  # our reader takes it, Go's does not
        raise Refusal(400, "error decoding YAML: error converting YAML to JSON: yaml: found unknown escape character")
    loader = _Loader(text)
    loader.duplicates = []  # type: ignore[attr-defined]
    try:
        return loader.get_single_data(), loader.duplicates  # type: ignore[attr-defined]
    except yaml.YAMLError as error:
        raise Refusal(400, f"error decoding YAML: error converting YAML to JSON: yaml: {' '.join(str(error).split())}") from None
    finally:
        loader.dispose()


def from_json(body: bytes) -> tuple[Any, list[str]]:
    _size(body)
    duplicates: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in items:
            if key in seen:
                duplicates.append(f'duplicate field "{key}"')
            seen[key] = value
        return seen

    try:
        return json.loads(body, object_pairs_hook=pairs), duplicates
    except ValueError as error:
        raise Refusal(400, f"the object provided is unrecognized (must be of type JSON): {error}") from None


def from_body(body: bytes, content_type: str) -> tuple[Any, list[str]]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("application/yaml", "application/x-yaml"):
        return from_yaml(body)
    if kind in ("", "application/json"):
        return from_json(body)
    raise Refusal(415, f"the body of the request was in an unknown format - accepted media types include: application/json, "
                       f"application/yaml, not {kind}")
