"""Secrets Manager: a deleted secret keeps its name and refuses most calls; a description can be emptied."""
from __future__ import annotations

from typing import Any

from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import SecretsManagerBackend

from .repair import repair

HELD = "You can't create this secret because a secret with this name is already scheduled for deletion."
MARKED = "You can't perform this operation on the secret because it was marked for deletion."


def install() -> None:
    """Patch moto's Secrets Manager."""
    @repair(SecretsManagerBackend, "create_secret")
    def create_secret(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        if name in self.secrets.keys() and self.secrets[name].is_deleted():
            raise InvalidRequestException(HELD)
        return original(name, *args, **kwargs)

    @repair(SecretsManagerBackend, "update_secret")
    def update_secret(original: Any, self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        answer = original(secret_id, *args, **kwargs)
        if kwargs.get("description") == "":
            self.secrets[secret_id].description = ""
        return answer

    for name in ("put_secret_value", "get_resource_policy", "put_resource_policy", "delete_resource_policy", "tag_resource"):
        _refuse_on_deleted(name)


def _refuse_on_deleted(name: str) -> None:
    @repair(SecretsManagerBackend, name)
    def refusing(original: Any, self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        if self._is_valid_identifier(secret_id) and self.secrets[secret_id].is_deleted():
            raise InvalidRequestException(MARKED)
        return original(secret_id, *args, **kwargs)
