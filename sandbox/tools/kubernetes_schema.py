#!/usr/bin/env python3
"""Makes sandbox/kubernetes/schema.json from Kubernetes' OpenAPI 2.0 description: names, types and list rules of the served kinds, no prose.

    sandbox/tools/kubernetes_schema.py swagger.json > sandbox/kubernetes/schema.json

A type is {"fields": {NAME: REF}, "required": [...], "atomic": true?}. A REF is a word (string, integer, number, boolean, bytes, time,
quantity, int-or-string, any), "@TYPE", {"map": REF, "atomic": true?} or {"list": "atomic"|"set"|"map", "of": REF, "keys"?, "merge"?};
"merge" is the key of strategic merge patches ("" = a merged list of plain values).
"""
from __future__ import annotations

import json
import sys
from typing import Any

ROOTS = ("core.v1.Namespace", "core.v1.ServiceAccount", "core.v1.Secret", "core.v1.ConfigMap", "core.v1.Service", "core.v1.Pod",
         "core.v1.Event", "apps.v1.Deployment", "apps.v1.ReplicaSet", "autoscaling.v1.Scale", "authorization.v1.SelfSubjectAccessReview")
WORDS = {"Time": "time", "MicroTime": "time", "Quantity": "quantity", "IntOrString": "int-or-string", "FieldsV1": "any"}


def short(reference: str) -> str:
    return reference.rpartition(".")[2]


class Reader:
    """Follows references from the roots and keeps what it met."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._names: dict[str, str] = {}
        self.types: dict[str, Any] = {}

    def ref(self, node: dict[str, Any]) -> Any:
        if "$ref" in node:
            return self.named(node["$ref"].removeprefix("#/definitions/"))
        kind = node.get("type", "any")
        if kind == "string":
            return {"byte": "bytes", "date-time": "time"}.get(node.get("format", ""), "string")
        if kind == "array":
            return self._list(node)
        if kind == "object" and "additionalProperties" in node:
            return {"map": self.ref(node["additionalProperties"]), **self._atomic(node)}
        return "any" if kind == "object" else kind

    def _list(self, node: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = {"list": node.get("x-kubernetes-list-type", "atomic"), "of": self.ref(node["items"])}
        if "x-kubernetes-list-map-keys" in node:
            shown["keys"] = node["x-kubernetes-list-map-keys"]
        if "merge" in node.get("x-kubernetes-patch-strategy", ""):
            shown["merge"] = node.get("x-kubernetes-patch-merge-key", "")
        return shown

    @staticmethod
    def _atomic(node: dict[str, Any]) -> dict[str, bool]:
        return {"atomic": True} if node.get("x-kubernetes-map-type") == "atomic" else {}

    def named(self, full: str) -> str:
        name = short(full)
        if name in WORDS:
            return WORDS[name]
        if self._names.setdefault(name, full) != full:
            raise SystemExit(f"two types are called {name}")
        if name not in self.types:
            node = self._definitions[full]
            self.types[name] = {}
            fields = {key: self.ref(value) for key, value in node.get("properties", {}).items()}
            self.types[name] = {"fields": fields, **({"required": node["required"]} if "required" in node else {}), **self._atomic(node)}
        return f"@{name}"


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        reader = Reader(json.load(file)["definitions"])
    for root in ROOTS:
        reader.named(f"io.k8s.api.{root}")
    print("{")
    print(",\n".join(f" {json.dumps(name)}: {json.dumps(reader.types[name], sort_keys=True)}" for name in sorted(reader.types)))
    print("}")


if __name__ == "__main__":
    main()
