"""What each fault kind does to a GitHub call."""
from __future__ import annotations

import json

from ..faults import Rule
from ..httpd import Response
from .answers import Refusal

REFUSALS = {
    "401": (401, "Bad credentials"), "403": (403, "Resource not accessible by personal access token"), "404": (404, "Not Found"),
    "429": (429, "Too many requests"), "500": (500, "Server Error"), "502": (502, "Server Error"), "503": (503, "Service unavailable"),
    "secondary-limit": (403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."),
    "rate-limit": (403, "API rate limit exceeded for user ID 5550100."), "hang": (500, "Server Error"),
    "error": (400, "injected by the sandbox")}


def refusal(rule: Rule, now: float) -> Response:
    """The error answer of a rule, with the headers a client is to obey."""
    status, message = REFUSALS[rule.kind]
    response = Refusal(int(rule.number("status", status)), rule.text("message", message)).response()
    if rule.kind == "secondary-limit" or "retry_after" in rule.numbers:
        response.set_header("Retry-After", str(int(rule.number("retry_after", 60))))
    if rule.kind == "rate-limit":
        for name, value in (("limit", 5000), ("remaining", 0), ("used", 5000), ("reset", int(now + rule.number("seconds", 60)))):
            response.set_header(f"x-ratelimit-{name}", str(value))
    return response


def emptied(response: Response) -> Response:
    """A list with nothing in it; other answers lose their body."""
    if response.status != 200:
        return response
    document = json.loads(response.body)
    if "total_count" not in document:
        response.body = b""
        return response
    response.body = json.dumps({key: [] if isinstance(value, list) else 0 for key, value in document.items()}).encode()
    response.headers = [(name, value) for name, value in response.headers if name != "Link"]
    return response
