"""IAM: two operations moto lacks, and refusals AWS makes that moto does not."""
from __future__ import annotations

import hashlib
import re
from typing import Any

from moto.core.responses import EmptyResult
from moto.iam import exceptions, models
from moto.iam.models import IAMBackend
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator
from moto.iam.responses import IamResponse

from . import trust
from .repair import repair

GITHUB_THUMBPRINT = "6938fd4d98bab03faadb97b34396831e3780aea1"
NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
TAG_VALUE = re.compile(r"[\w\s_.:/=+\-@]*")
TRUST_LIMIT = 2048


def install() -> None:
    """Patch moto's IAM."""
    _add_client_id_operations()
    _repair_providers()
    _repair_roles()
    _repair_tags()


def _add_client_id_operations() -> None:
    @repair(IamResponse, "add_client_id_to_open_id_connect_provider")
    def add(original: Any, self: Any) -> Any:
        provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
        client = self._get_param("ClientID")
        if client not in provider.client_id_list:
            if len(provider.client_id_list) >= 100:
                raise exceptions.LimitExceededException("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100")
            provider.client_id_list = [*provider.client_id_list, client]
        return EmptyResult()

    @repair(IamResponse, "remove_client_id_from_open_id_connect_provider")
    def remove(original: Any, self: Any) -> Any:
        provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
        provider.client_id_list = [client for client in provider.client_id_list if client != self._get_param("ClientID")]
        return EmptyResult()


def _known_thumbprint(url: str) -> str:
    """What IAM would find when it looks at the issuer's certificate itself."""
    host = url.removeprefix("https://").partition("/")[0].lower()
    return GITHUB_THUMBPRINT if host == trust.GITHUB_ISSUER else hashlib.sha1(host.encode()).hexdigest()


def _repair_providers() -> None:
    @repair(IAMBackend, "create_open_id_connect_provider")
    def create(original: Any, self: Any, url: str, thumbprint_list: list[str], client_id_list: list[str], tags: Any) -> Any:
        if url and not url.startswith("https://"):
            raise exceptions.ValidationError("Invalid Open ID Connect Provider URL")
        return original(url, thumbprint_list or [_known_thumbprint(url)], client_id_list, tags)

    @repair(IAMBackend, "update_open_id_connect_provider_thumbprint")
    def update(original: Any, self: Any, arn: str, thumbprint_list: list[str]) -> Any:
        if not thumbprint_list:
            raise exceptions.ValidationError("1 validation error detected: Value null at 'thumbprintList' failed to satisfy constraint: "
                                             "Member must not be null")
        if len(thumbprint_list) > 5:
            raise exceptions.InvalidInput("Thumbprint list must contain fewer than 5 entries.")
        return original(arn, thumbprint_list)


def _check_trust(backend: Any, document: str) -> None:
    """What CreateRole and UpdateAssumeRolePolicy say about a trust policy."""
    if len(document) > TRUST_LIMIT:
        raise exceptions.LimitExceededException(f"Cannot exceed quota for ACLSizePerRole: {TRUST_LIMIT}")
    IAMTrustPolicyDocumentValidator(document).validate()
    trust.check(document, lambda account: models.iam_backends[account][backend.partition], backend.account_id)


def _repair_roles() -> None:
    @repair(IAMBackend, "create_role")
    def create_role(original: Any, self: Any, role_name: str, assume_role_policy_document: str, *args: Any, **kwargs: Any) -> Any:
        if not NAME.fullmatch(role_name or ""):
            raise exceptions.ValidationError("1 validation error detected: Value at 'roleName' failed to satisfy constraint: Member must "
                                             "satisfy regular expression pattern: [\\w+=,.@-]+ and have length less than or equal to 64")
        if any(role.name.lower() == role_name.lower() for role in self.get_roles()):
            raise exceptions.EntityAlreadyExists(f"Role with name {role_name} already exists.")
        _check_trust(self, assume_role_policy_document)
        return original(role_name, assume_role_policy_document, *args, **kwargs)

    @repair(IAMBackend, "update_assume_role_policy")
    def update_assume_role_policy(original: Any, self: Any, role_name: str, policy_document: str) -> Any:
        self.get_role(role_name)
        _check_trust(self, policy_document)
        return original(role_name, policy_document)


def _repair_tags() -> None:
    @repair(IAMBackend, "_tag_verification")
    def verify(original: Any, self: Any, tags: list[dict[str, str]]) -> Any:
        for number, tag in enumerate(tags, 1):
            if not TAG_VALUE.fullmatch(tag["Value"]):
                raise exceptions.ValidationError(
                    f"1 validation error detected: Value '{tag['Value']}' at 'tags.{number}.member.value' failed to satisfy constraint: "
                    "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*")
            if tag["Key"].lower().startswith("aws:"):
                raise exceptions.InvalidInput("aws: prefixed tag key names are not allowed for external use.")
        return original(tags)
