"""What a handler gets to see of one call."""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ..httpd import Request, Response
from .answers import Refusal, answer
from .state import GithubState, Repository, Token


@dataclass
class Context:
    """One call: who, about which repository, with which parameters."""

    state: GithubState
    request: Request
    base_url: str
    version: str
    parameters: dict[str, str]
    as_of: float  # readers show the world of this moment: a lagging replica is in the past
    token: Token | None = None
    found: Repository | None = None
    resources: list[str] = field(default_factory=list)

    @property
    def repository(self) -> Repository:
        """The repository of a route that has one; the dispatcher has made sure of it."""
        assert self.found is not None
        return self.found

    @property
    def now(self) -> float:
        return self.state.clock.now()

    def body(self, required: tuple[str, ...] = ()) -> dict[str, Any]:
        """The JSON object sent; 400 when it is none, 422 when fields are missing."""
        try:
            document = json.loads(self.request.body or b"{}")
        except ValueError:
            raise Refusal(400, "Problems parsing JSON") from None
        if not isinstance(document, dict):
            raise Refusal(400, "Body should be a JSON object")
        missing = [f'"{name}"' for name in required if name not in document]
        if missing:
            raise Refusal(422, f"Invalid request.\n\n{', '.join(missing)} {'was' if len(missing) == 1 else 'were'}n't supplied.")
        return document

    def paged(self, key: str, rows: list[Any], *, default: int = 30, largest: int = 100) -> Response:
        """One page of rows, with total_count and Link."""
        query = self.request.query
        size, page = self._number(query, "per_page", default), self._number(query, "page", 1)
        size = min(size, largest)
        last = max(1, -(-len(rows) // size))
        response = answer({"total_count": len(rows), key: rows[(page - 1) * size:page * size]})
        links = []
        targets = [("prev", page - 1), ("next", page + 1), ("last", last), ("first", 1)]
        for name, number in targets:
            wanted = page > 1 if name in ("prev", "first") else page < last
            if wanted and 1 <= number:
                url = f"{self.base_url}{self.request.raw_path}?{urlencode({'per_page': size, 'page': number})}"
                links.append(f'<{url}>; rel="{name}"')
        if links:
            response.set_header("Link", ", ".join(links))
        return response

    @staticmethod
    def _number(query: dict[str, str], name: str, default: int) -> int:
        """Like GitHub, take nonsense for the default."""
        text = query.get(name, "")
        return int(text) if text.isdigit() and int(text) > 0 else default
