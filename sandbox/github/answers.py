"""Answers and refusals in GitHub's form."""
from __future__ import annotations

import json
from typing import Any

from ..httpd import Response

DOCS = "https://docs.github.com/rest"
JSON_TYPE = ("Content-Type", "application/json; charset=utf-8")


class Refusal(Exception):
    """Ends a handler with an error answer."""

    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None,
                 headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.errors, self.headers = status, message, errors, headers or []

    def response(self) -> Response:
        document: dict[str, Any] = {"message": self.message}
        if self.errors:
            document["errors"] = self.errors
        document |= {"documentation_url": DOCS, "status": str(self.status)}
        return Response(self.status, [JSON_TYPE, *self.headers], json.dumps(document).encode())


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def invalid(resource: str, field: str, code: str, message: str = "Validation Failed") -> Refusal:
    return Refusal(422, message, [{"resource": resource, "field": field, "code": code}])


def answer(document: Any, status: int = 200) -> Response:
    return Response(status, [JSON_TYPE], json.dumps(document).encode())


def nothing() -> Response:
    """204, without a body."""
    return Response(204)
