"""Refusals as Kubernetes words them: Status objects."""
from __future__ import annotations

import json
from typing import Any

from ..httpd import Response

REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 406: "NotAcceptable",
           409: "Conflict", 410: "Expired", 413: "RequestEntityTooLarge", 415: "UnsupportedMediaType", 422: "Invalid",
           429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}
Cause = dict[str, str]


class Refusal(Exception):
    """The call ends with this Status."""

    def __init__(self, code: int, message: str, *, reason: str = "", details: dict[str, Any] | None = None, retry_after: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.reason = code, message, reason or REASONS.get(code, "")
        self.details, self.retry_after = details or {}, retry_after

    def status(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
                                 "reason": self.reason, "details": dict(self.details), "code": self.code}
        if self.retry_after:
            shown["details"]["retryAfterSeconds"] = self.retry_after
        if not shown["details"]:
            del shown["details"]
        return shown

    def response(self) -> Response:
        response = json_response(self.status(), self.code)
        if self.retry_after:
            response.set_header("Retry-After", str(self.retry_after))
        return response


def json_response(document: Any, status: int = 200) -> Response:
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return Response(status, [("Content-Type", "application/json")], (body + "\n").encode())


def _details(kind: str, name: str, group: str) -> dict[str, Any]:
    return {key: value for key, value in (("name", name), ("group", group), ("kind", kind)) if value}


def qualified(plural: str, group: str) -> str:
    return f"{plural}.{group}" if group else plural


def not_found(plural: str, group: str, name: str) -> Refusal:
    return Refusal(404, f'{qualified(plural, group)} "{name}" not found', details=_details(plural, name, group))


def no_such_path() -> Refusal:
    return Refusal(404, "the server could not find the requested resource")


def already_exists(plural: str, group: str, name: str) -> Refusal:
    return Refusal(409, f'{qualified(plural, group)} "{name}" already exists', reason="AlreadyExists", details=_details(plural, name, group))


def conflict(plural: str, group: str, name: str, why: str) -> Refusal:
    return Refusal(409, f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}', details=_details(plural, name, group))


def invalid(kind: str, group: str, name: str, causes: list[Cause]) -> Refusal:
    """422; each cause has reason, message and field."""
    texts = [f"{cause['field']}: {cause['message']}" for cause in causes]
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return Refusal(422, f'{qualified(kind, group)} "{name}" is invalid: {text}', details={**_details(kind, name, group), "causes": causes})


def cause(field: str, message: str, reason: str = "FieldValueInvalid") -> Cause:
    return {"reason": reason, "message": message, "field": field}


def required(field: str, more: str = "") -> Cause:
    return cause(field, f"Required value{': ' + more if more else ''}", "FieldValueRequired")


def bad_value(field: str, value: Any, why: str) -> Cause:
    return cause(field, f"Invalid value: {json.dumps(value)}: {why}")


def unsupported(field: str, value: Any, known: tuple[str, ...]) -> Cause:
    listed = ", ".join(f'"{word}"' for word in known)
    return cause(field, f"Unsupported value: {json.dumps(value)}: supported values: {listed}", "FieldValueNotSupported")
