"""STS: GetCallerIdentity tells the truth about the sandbox's own keys."""
from __future__ import annotations

from typing import Any

from moto.sts.models import STSBackend

from ..world import World
from .repair import repair


def install(world: World) -> None:
    """Patch moto's STS."""

    @repair(STSBackend, "get_caller_identity")
    def get_caller_identity(original: Any, self: Any, access_key_id: str, region: str) -> tuple[str, str, str]:
        user_id, arn, account = original(access_key_id, region)
        if arn.endswith(":user/moto"):
            # moto's answer for a key it does not know: a key of our table, seen as the account's user "sandbox".
            return f"AIDASANDBOX{account}", f"arn:{self.partition}:iam::{account}:user/sandbox", account
        return user_id, arn, account
