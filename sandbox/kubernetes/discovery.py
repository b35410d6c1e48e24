"""What the API says of itself: versions, groups, kinds, and as much OpenAPI as kubectl asks for."""
from __future__ import annotations

from typing import Any

from . import schema
from .resources import GROUPS, RESOURCES, REVIEWS, Resource

VERSION = "v1.33.1-eks-595af52"
_SERVED = (*RESOURCES, REVIEWS)
_INFO = {"title": "Kubernetes", "version": VERSION}


def document(path: str) -> Any | None:
    """The answer for a path that names no object; None when there is none."""
    steps = [step for step in path.split("/") if step]
    fixed = {"api": _api, "apis": _groups, "version": _version, "openapi/v3": _openapi_index, "openapi/v2": _openapi_v2}
    known = fixed.get("/".join(steps))
    if known:
        return known()
    if steps[:1] == ["apis"] and len(steps) == 2 and steps[1] in GROUPS:
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(steps[1])}
    if steps[:2] == ["openapi", "v3"]:
        return _openapi(_of("/".join(steps[2:])))
    found = _of("/".join(steps))
    if not found:
        return None
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": found[0].api_version,
            "resources": [entry for resource in found for entry in resource.discovery()]}


def _of(root: str) -> list[Resource]:
    """The kinds below "api/v1" or "apis/apps/v1"."""
    return [item for item in _SERVED if item.path().strip("/").rpartition("/")[0] == root]


def _version() -> Any:
    major, minor = VERSION.removeprefix("v").split(".")[:2]
    return {"major": major, "minor": minor, "gitVersion": VERSION, "gitCommit": "0" * 40, "gitTreeState": "clean",
            "buildDate": "2025-05-15T08:14:33Z", "goVersion": "go1.24.2", "compiler": "gc", "platform": "linux/amd64"}


def _api() -> Any:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}]}


def _group(name: str) -> dict[str, Any]:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _groups() -> Any:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in GROUPS]}


def _openapi_index() -> Any:
    roots = sorted({item.path().strip("/").rpartition("/")[0] for item in _SERVED})
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=0"} for root in roots}}


def _openapi(resources: list[Resource]) -> Any | None:
    """Enough of version 3 for a client to learn that dryRun and fieldValidation are understood."""
    if not resources:
        return None
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    paths = {}
    for item in resources:
        gvk = {"group": item.group, "version": item.version, "kind": item.kind}
        paths[f"{item.path('{namespace}' if item.namespaced else '')}/{{name}}"] = {
            "patch": {"parameters": parameters, "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": gvk,
                      "responses": {"200": {"description": "OK"}}}}
    return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": _schemas("#/components/schemas/")}}


def _openapi_v2() -> Any:
    return {"swagger": "2.0", "info": _INFO, "paths": {}, "definitions": _schemas("#/definitions/")}


def _schemas(root: str) -> dict[str, Any]:
    shown = {}
    for name, known in schema.TYPES.items():
        shown[name] = {"type": "object", "properties": {key: _schema(ref, root) for key, ref in known["fields"].items()}}
        if "required" in known:
            shown[name]["required"] = known["required"]
    for item in _SERVED:
        shown[item.kind]["x-kubernetes-group-version-kind"] = [{"group": item.group, "version": item.version, "kind": item.kind}]
    return shown


def _schema(ref: Any, root: str) -> dict[str, Any]:
    if isinstance(ref, str):
        if ref.startswith("@"):
            return {"$ref": root + ref[1:]}
        formats = {"bytes": "byte", "time": "date-time", "int-or-string": "int-or-string"}
        kind = {"integer": "integer", "number": "number", "boolean": "boolean", "any": "object"}.get(ref, "string")
        return {"type": kind, **({"format": formats[ref]} if ref in formats else {})}
    if "map" in ref:
        return {"type": "object", "additionalProperties": _schema(ref["map"], root)}
    shown = {"type": "array", "items": _schema(ref["of"], root), "x-kubernetes-list-type": ref["list"]}
    if "keys" in ref:
        shown["x-kubernetes-list-map-keys"] = ref["keys"]
    if "merge" in ref:
        shown["x-kubernetes-patch-strategy"] = "merge"
        if ref["merge"]:
            shown["x-kubernetes-patch-merge-key"] = ref["merge"]
    return shown
