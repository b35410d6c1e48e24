"""Whose key is it? The sandbox's own table, keys of IAM users, and what STS handed out."""
from __future__ import annotations

import calendar

from ..world import DEFAULT_ACCOUNT, AccessKey, World
from .moto_app import LOCK


class KeyRing:
    """Finds the secret and the account of an access key."""

    def __init__(self, world: World) -> None:
        self._world = world

    def find(self, access_key: str) -> AccessKey | None:
        if not access_key:
            return None
        if access_key in self._world.keys:
            return self._world.keys[access_key]
        with LOCK:
            return _temporary(access_key) or _iam_user(access_key)

    def account(self, access_key: str) -> str:
        """The account a call runs in; unknown keys (--no-verify) work in the default one."""
        key = self.find(access_key)
        return key.account if key else DEFAULT_ACCOUNT


def _temporary(access_key: str) -> AccessKey | None:
    from moto.sts.models import sts_backends

    for partitions in list(sts_backends.values()):
        for backend in list(partitions.values()):
            role = backend.get_assumed_role_from_access_key(access_key)
            if role:
                expires = calendar.timegm(role.expiration.utctimetuple())
                return AccessKey(access_key, role.secret_access_key, role.account_id, role.session_token, expires)
    return None


def _iam_user(access_key: str) -> AccessKey | None:
    from moto.iam.models import iam_backends

    for account, partitions in list(iam_backends.items()):
        for backend in list(partitions.values()):
            key = backend.access_keys.get(access_key)
            if key and key.user_name and key.status == "Active":
                return AccessKey(access_key, key.secret_access_key, account)
    return None
