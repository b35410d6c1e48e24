"""SageMaker Studio: domains with random ids and states, user profiles, spaces and apps, and who stands in whose way.

moto has domains alone, names them after their name and knows no states; all of it is replaced. What exists lives in the backend's __dict__.
"""
from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.models import iam_backends
from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound, ValidationError
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from ..world import World
from . import tagging
from .repair import repair

PAGE = 10
SERVICE = "sagemaker.amazonaws.com"
# What the service fills in by itself, under what was asked for.
USER_DEFAULTS = {"StudioWebPortal": "ENABLED", "DefaultLandingUri": "studio::"}
DOMAIN_FIELDS = ("DomainName", "AuthMode", "VpcId", "SubnetIds", "AppNetworkAccessType", "KmsKeyId", "DomainSettings",
                 "DefaultUserSettings", "DefaultSpaceSettings", "TagPropagation", "AppSecurityGroupManagement")
DOMAIN_UPDATES = ("DefaultUserSettings", "DefaultSpaceSettings", "SubnetIds", "AppNetworkAccessType", "TagPropagation",
                  "AppSecurityGroupManagement")


class Thing:
    """A domain, profile, space or app: what it says of itself, and a state that passes by itself."""

    def __init__(self, world: World, arn: str, facts: dict[str, Any], tags: list[dict[str, str]] | None) -> None:
        self._world, self.arn, self.facts, self.tags = world, arn, facts, list(tags or [])
        self._word, self._until = "", 0.0
        self.touch("CreationTime", "LastModifiedTime")

    def touch(self, *names: str) -> None:
        for name in names:
            self.facts[name] = self._world.clock.now()

    def enter(self, word: str, duration: str) -> None:
        """Be in transition for as long as `duration` takes."""
        self._word, self._until = word, self._world.lifecycle.after(duration)

    @property
    def settled(self) -> bool:
        return not self._word or self._world.lifecycle.reached(self._until)

    @property
    def gone(self) -> bool:
        return self._word == "Deleting" and self.settled

    @property
    def status(self) -> str:
        if self.gone:
            return "Deleted"
        return "InService" if self.settled else self._word

    def show(self, *names: str) -> dict[str, Any]:
        shown = self.facts | {"Status": self.status}
        return {name: shown[name] for name in names if shown.get(name) is not None} if names else shown


class Studio:
    """All of it in one account and region; keys are lower case, since names are unique whatever their case."""

    def __init__(self) -> None:
        self.domains: dict[str, Thing] = {}
        self.profiles: dict[tuple[str, str], Thing] = {}
        self.spaces: dict[tuple[str, str], Thing] = {}
        self.apps: list[Thing] = []

    def sweep(self) -> None:
        """Forget what is gone; rows of deleted apps stay."""
        for things in (self.domains, self.profiles, self.spaces):
            for key in [key for key, thing in things.items() if thing.gone]:
                del things[key]

    def by_arn(self, arn: str) -> Thing | None:
        things = [*self.domains.values(), *self.profiles.values(), *self.spaces.values(), *self.apps]
        return next((thing for thing in things if thing.arn == arn and not thing.gone), None)

    def in_domain(self, things: dict[tuple[str, str], Thing], domain: str) -> list[Thing]:
        return [thing for (of, _), thing in things.items() if of == domain]

    def apps_of(self, **facts: str) -> list[Thing]:
        return [app for app in self.apps if not app.gone and all((app.facts.get(k) or "").lower() == v.lower() for k, v in facts.items())]


def studio_of(backend: Any) -> Studio:
    studio: Studio = vars(backend).setdefault("studio", Studio())
    studio.sweep()
    return studio


def install(world: World) -> None:
    """Patch moto's SageMaker."""
    _add_domains(world)
    _add_profiles(world)
    _add_spaces(world)
    _add_apps(world)
    _repair_tags()
    tagging.COLLECTORS["sagemaker"] = _tagged


def _new_arn(response: Any, kind: str, *path: str) -> str:
    return f"arn:{response.partition}:sagemaker:{response.region}:{response.current_account}:{kind}/{'/'.join(path)}"


def _answer(name: str) -> Callable[[Callable[[Any, Studio], Any]], None]:
    """Serve the operation of this snake-case name; a None answer is an empty one."""
    def install_one(function: Callable[[Any, Studio], Any]) -> None:
        @repair(SageMakerResponse, name)
        def serve(original: Any, self: Any) -> Any:
            result = function(self, studio_of(self.sagemaker_backend))
            return EmptyResult() if result is None else ActionResult(result)
    return install_one


def _page(response: Any, member: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    size, start = int(response._get_param("MaxResults") or PAGE), int(response._get_param("NextToken") or 0)
    page: dict[str, Any] = {member: rows[start:start + size]}
    return page | ({"NextToken": str(start + size)} if start + size < len(rows) else {})


def _need_role(response: Any, settings: dict[str, Any] | None) -> None:
    """An execution role must exist and let the service in."""
    arn = (settings or {}).get("ExecutionRole")
    if not arn:
        return
    roles = iam_backends[response.current_account][response.partition].get_roles()
    role = next((role for role in roles if role.arn == arn), None)
    if role is None or not _trusts(json.loads(role.assume_role_policy_document)):
        raise ValidationError(f"The execution role {arn} cannot be assumed by SageMaker. Please ensure that the role exists and that its "
                              f"trust relationship policy allows the action 'sts:AssumeRole' for the service principal '{SERVICE}'.")


def _trusts(policy: dict[str, Any]) -> bool:
    def listed(value: Any) -> list[Any]:
        return value if isinstance(value, list) else [value]

    return any(statement.get("Effect") == "Allow" and SERVICE in listed((statement.get("Principal") or {}).get("Service"))
               for statement in listed(policy["Statement"]) if isinstance(statement.get("Principal"), dict))


def _domain(response: Any, studio: Studio) -> Thing:
    name = response._get_param("DomainId")
    if name not in studio.domains:
        raise ResourceNotFound(f"Domain [{name}] does not exist.")
    return studio.domains[name]


def _settled_domain(response: Any, studio: Studio) -> Thing:
    domain = _domain(response, studio)
    if not domain.settled:
        raise ResourceInUseException(f"Domain [{domain.facts['DomainId']}] is in state {domain.status}.")
    return domain


def _refuse(what: str, holders: list[Thing], word: str) -> None:
    if holders:
        raise ResourceInUseException(f"Unable to delete {what} because {word}(s) are associated with it.")


def _add_domains(world: World) -> None:
    @_answer("create_domain")
    def create(response: Any, studio: Studio) -> Any:
        settings = response._get_param("DefaultUserSettings")
        network = response._get_param("AppNetworkAccessType") or "PublicInternetOnly"
        if response._get_param("AuthMode") == "IAM" and not (settings or {}).get("ExecutionRole"):
            raise ValidationError("DefaultUserSettings.ExecutionRole is required when AuthMode is IAM.")
        if network == "VpcOnly" and not settings.get("SecurityGroups"):
            raise ValidationError("SecurityGroups are required in DefaultUserSettings when AppNetworkAccessType is VpcOnly.")
        _need_role(response, settings)
        name = f"d-{secrets.token_hex(6)}"
        facts = {field: response._get_param(field) for field in DOMAIN_FIELDS}
        facts |= {"DomainId": name, "DomainArn": _new_arn(response, "domain", name), "AppNetworkAccessType": network,
                  "TagPropagation": facts["TagPropagation"] or "DISABLED", "HomeEfsFileSystemId": f"fs-{secrets.token_hex(9)[:17]}",
                  "SecurityGroupIdForDomainBoundary": f"sg-{secrets.token_hex(9)[:17]}",
                  "Url": f"https://{name}.studio.{response.region}.sagemaker.aws"}
        domain = studio.domains[name] = Thing(world, facts["DomainArn"], facts, response._get_param("Tags"))
        domain.enter("Pending", "sagemaker.domain.create")
        return domain.show("DomainArn", "DomainId", "Url")

    @_answer("describe_domain")
    def describe(response: Any, studio: Studio) -> Any:
        shown = _domain(response, studio).show()
        return shown | {"DefaultUserSettings": USER_DEFAULTS | shown["DefaultUserSettings"]}

    @_answer("list_domains")
    def list_all(response: Any, studio: Studio) -> Any:
        names = ("DomainArn", "DomainId", "DomainName", "Status", "CreationTime", "LastModifiedTime", "Url")
        return _page(response, "Domains", [domain.show(*names) for domain in studio.domains.values()])

    @_answer("update_domain")
    def update(response: Any, studio: Studio) -> Any:
        domain = _settled_domain(response, studio)
        _need_role(response, response._get_param("DefaultUserSettings"))
        if response._get_param("AppNetworkAccessType") and studio.apps_of(DomainId=domain.facts["DomainId"]):
            raise ResourceInUseException("AppNetworkAccessType can only be changed when no app is in service.")
        domain.facts |= {name: response._get_param(name) for name in DOMAIN_UPDATES if response._get_param(name) is not None}
        domain.touch("LastModifiedTime")
        domain.enter("Updating", "sagemaker.domain.update")
        return domain.show("DomainArn")

    @_answer("delete_domain")
    def delete(response: Any, studio: Studio) -> Any:
        domain = _settled_domain(response, studio)
        name = domain.facts["DomainId"]
        _refuse(f"Domain [{name}]", studio.apps_of(DomainId=name), "App")
        _refuse(f"Domain [{name}]", studio.in_domain(studio.spaces, name), "Space")
        _refuse(f"Domain [{name}]", studio.in_domain(studio.profiles, name), "UserProfile")
        domain.facts["RetentionPolicy"] = response._get_param("RetentionPolicy") or {"HomeEfsFileSystem": "Retain"}
        domain.enter("Deleting", "sagemaker.domain.delete")


def _add_profiles(world: World) -> None:
    def find(response: Any, studio: Studio) -> Thing:
        domain, name = response._get_param("DomainId"), response._get_param("UserProfileName")
        profile = studio.profiles.get((domain, name.lower()))
        if profile is None:
            raise ResourceNotFound(f"UserProfile [{domain}/{name}] does not exist.")
        return profile

    @_answer("create_user_profile")
    def create(response: Any, studio: Studio) -> Any:
        domain, name = _settled_domain(response, studio).facts["DomainId"], response._get_param("UserProfileName")
        if (domain, name.lower()) in studio.profiles:
            raise ResourceInUseException(f"UserProfile [{domain}/{name}] already exists.")
        settings = response._get_param("UserSettings") or {}
        _need_role(response, settings)
        arn = _new_arn(response, "user-profile", domain, name.lower())
        facts = {"DomainId": domain, "UserProfileName": name, "UserProfileArn": arn, "UserSettings": settings,
                 "HomeEfsFileSystemUid": str(200005 + len(studio.in_domain(studio.profiles, domain)))}
        profile = studio.profiles[domain, name.lower()] = Thing(world, arn, facts, response._get_param("Tags"))
        profile.enter("Pending", "sagemaker.profile.create")
        return profile.show("UserProfileArn")

    @_answer("describe_user_profile")
    def describe(response: Any, studio: Studio) -> Any:
        return find(response, studio).show()

    @_answer("list_user_profiles")
    def list_all(response: Any, studio: Studio) -> Any:
        domain, part = response._get_param("DomainIdEquals"), (response._get_param("UserProfileNameContains") or "").lower()
        names = ("DomainId", "UserProfileName", "Status", "CreationTime", "LastModifiedTime")
        return _page(response, "UserProfiles", [profile.show(*names) for (of, name), profile in studio.profiles.items()
                                                if domain in (None, of) and part in name])

    @_answer("update_user_profile")
    def update(response: Any, studio: Studio) -> Any:
        profile = find(response, studio)
        if not profile.settled:
            raise ResourceInUseException(f"UserProfile [{profile.facts['UserProfileName']}] is in state {profile.status}.")
        _need_role(response, response._get_param("UserSettings"))
        profile.facts["UserSettings"] = response._get_param("UserSettings") or {}
        profile.touch("LastModifiedTime")
        profile.enter("Updating", "sagemaker.profile.update")
        return profile.show("UserProfileArn")

    @_answer("delete_user_profile")
    def delete(response: Any, studio: Studio) -> Any:
        profile = find(response, studio)
        domain, name = profile.facts["DomainId"], profile.facts["UserProfileName"]
        if not profile.settled:
            raise ResourceInUseException(f"UserProfile [{name}] is in state {profile.status}.")
        _refuse(f"UserProfile [{name}]", studio.apps_of(DomainId=domain, UserProfileName=name), "App")
        _refuse(f"UserProfile [{name}]", [space for space in studio.in_domain(studio.spaces, domain) if _owner(space) == name.lower()],
                "Space")
        profile.enter("Deleting", "sagemaker.profile.delete")


def _owner(space: Thing) -> str:
    return str((space.facts.get("OwnershipSettings") or {}).get("OwnerUserProfileName", "")).lower()


def _add_spaces(world: World) -> None:
    @_answer("create_space")
    def create(response: Any, studio: Studio) -> Any:
        domain, name = _settled_domain(response, studio).facts["DomainId"], response._get_param("SpaceName")
        if (domain, name.lower()) in studio.spaces:
            raise ResourceInUseException(f"Space [{domain}/{name}] already exists.")
        arn = _new_arn(response, "space", domain, name.lower())
        facts = {"DomainId": domain, "SpaceName": name, "SpaceArn": arn, "OwnershipSettings": response._get_param("OwnershipSettings"),
                 "SpaceSharingSettings": response._get_param("SpaceSharingSettings"), "SpaceSettings": response._get_param("SpaceSettings")}
        studio.spaces[domain, name.lower()] = Thing(world, arn, facts, response._get_param("Tags"))
        return {"SpaceArn": arn}

    @_answer("list_spaces")
    def list_all(response: Any, studio: Studio) -> Any:
        domain = response._get_param("DomainIdEquals")
        rows = [space.show("DomainId", "SpaceName", "Status", "CreationTime", "LastModifiedTime") |
                {"OwnershipSettingsSummary": space.facts["OwnershipSettings"] or {}}
                for (of, _), space in studio.spaces.items() if domain in (None, of)]
        return _page(response, "Spaces", rows)

    @_answer("delete_space")
    def delete(response: Any, studio: Studio) -> Any:
        domain, name = response._get_param("DomainId"), response._get_param("SpaceName")
        if (domain, name.lower()) not in studio.spaces:
            raise ResourceNotFound(f"Space [{domain}/{name}] does not exist.")
        _refuse(f"Space [{name}]", studio.apps_of(DomainId=domain, SpaceName=name), "App")
        del studio.spaces[domain, name.lower()]


def _add_apps(world: World) -> None:
    key = ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName")

    def wanted(response: Any) -> dict[str, str]:
        return {name: response._get_param(name) for name in key if response._get_param(name)}

    @_answer("create_app")
    def create(response: Any, studio: Studio) -> Any:
        domain, facts = _settled_domain(response, studio).facts["DomainId"], wanted(response)
        owner, owners = facts.get("SpaceName"), studio.spaces
        if owner is None:
            owner, owners = facts["UserProfileName"], studio.profiles
        if (domain, owner.lower()) not in owners:
            raise ResourceNotFound(f"[{domain}/{owner}] does not exist.")
        if studio.apps_of(**facts):
            raise ResourceInUseException(f"App [{facts['AppName']}] already exists.")
        arn = _new_arn(response, "app", domain, owner, facts["AppType"], facts["AppName"])
        studio.apps.append(Thing(world, arn, facts | {"AppArn": arn}, response._get_param("Tags")))
        return {"AppArn": arn}

    @_answer("list_apps")
    def list_all(response: Any, studio: Studio) -> Any:
        filters = {"DomainId": "DomainIdEquals", "UserProfileName": "UserProfileNameEquals", "SpaceName": "SpaceNameEquals"}
        asked = {name: response._get_param(param) for name, param in filters.items() if response._get_param(param)}
        rows = [app.show(*key, "Status", "CreationTime") for app in studio.apps
                if all((app.facts.get(name) or "").lower() == value.lower() for name, value in asked.items())]
        return _page(response, "Apps", rows)

    @_answer("delete_app")
    def delete(response: Any, studio: Studio) -> Any:
        apps = studio.apps_of(**wanted(response))
        if not apps:
            raise ResourceNotFound(f"App [{response._get_param('AppName')}] does not exist.")
        if not apps[0].settled:
            raise ResourceInUseException(f"App [{response._get_param('AppName')}] is in state {apps[0].status}.")
        apps[0].enter("Deleting", "sagemaker.app.delete")


def _repair_tags() -> None:
    @repair(SageMakerModelBackend, "_get_resource_from_arn")
    def by_arn(original: Any, self: Any, arn: str) -> Any:
        if arn.split(":")[-1].split("/")[0] not in ("domain", "user-profile", "space", "app"):
            return original(arn)
        thing = studio_of(self).by_arn(arn)
        if thing is None:
            raise ResourceNotFound(f"Resource [{arn}] does not exist.")
        return thing


def _tagged(account: str, region: str, partition: str) -> Iterator[tuple[str, tagging.Tags]]:
    backend = sagemaker_backends[account][region]
    studio = studio_of(backend)
    for thing in [*backend.model_package_groups.values(), *studio.domains.values(), *studio.profiles.values(), *studio.spaces.values()]:
        yield thing.arn, thing.tags
