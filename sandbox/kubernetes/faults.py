"""What each fault kind does to a Kubernetes call."""
from __future__ import annotations

import json

from ..faults import Rule
from ..httpd import Response
from .status import Refusal

REFUSALS = {
    "401": (401, "Unauthorized"), "403": (403, "forbidden by the sandbox"), "404": (404, "the server could not find the requested resource"),
    "409": (409, "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again"),
    "410": (410, "too old resource version"), "429": (429, "the server has received too many requests and has asked us to try again later"),
    "500": (500, "Internal error occurred: etcdserver: request timed out"), "502": (502, "bad gateway"),
    "503": (503, "the server is currently unable to handle the request"), "504": (504, "Timeout: request did not complete within requested timeout"),
    "hang": (504, "Timeout: request did not complete within requested timeout"), "error": (500, "injected by the sandbox")}


def refusal(rule: Rule) -> Response:
    status, message = REFUSALS[rule.kind]
    retry_after = int(rule.number("retry_after", 1 if rule.kind == "429" else 0))
    return Refusal(int(rule.number("status", status)), rule.text("message", message), reason=rule.text("code"), retry_after=retry_after).response()


def emptied(response: Response) -> Response:
    """A list with nothing in it; other answers lose their body."""
    if response.status != 200 or response.stream is not None:
        return response
    document = json.loads(response.body)
    if "items" not in document:
        response.body = b""
        return response
    response.body = json.dumps({**document, "items": []}).encode()
    return response


def reason(response: Response) -> str:
    """The reason of a Status, for the log."""
    try:
        return str(json.loads(response.body).get("reason", response.status))
    except (ValueError, AttributeError):
        return str(response.status)
