"""How a repair of moto is put in place.

Each service has one file here with functions marked @repair(OWNER, "method"): the function replaces that method and gets the original
as its first argument. tests/sandbox/test_repairs.py asks moto alone and fails once it has learnt one of them.
State of our own goes into the backend object's __dict__, so that a reset empties it.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def repair(owner: Any, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Replace `owner.name` by the decorated function; a method that moto lacks is added (original is None)."""

    def install(replacement: Callable[..., Any]) -> Callable[..., Any]:
        original = getattr(owner, name, None)

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return replacement(functools.partial(original, self) if original else None, self, *args, **kwargs)

        method.__name__ = name
        method.__doc__ = replacement.__doc__
        setattr(owner, name, method)
        return replacement

    return install
