"""SageMaker: groups of model packages that can be deleted, have policies and refuse a second of their name; tags that replace each other."""
from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ConflictException, ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from .repair import repair


def install() -> None:
    """Patch moto's SageMaker."""
    _repair_groups()
    _repair_tags()
    _add_policies()


def _repair_groups() -> None:
    @repair(SageMakerModelBackend, "create_model_package_group")
    def create_group(original: Any, self: Any, model_package_group_name: str, *args: Any, **kwargs: Any) -> Any:
        if model_package_group_name in self.model_package_groups:
            raise ValidationError(f"Model Package Group already exists: {self.model_package_groups[model_package_group_name].arn}")
        return original(model_package_group_name, *args, **kwargs)

    @repair(SageMakerResponse, "delete_model_package_group")
    def delete_group(original: Any, self: Any) -> Any:
        group = self.sagemaker_backend.describe_model_package_group(self._get_param("ModelPackageGroupName"))
        packages = self.sagemaker_backend.model_packages.values()
        if any(package.model_package_group_name == group.model_package_group_name for package in packages):
            raise ConflictException("Model Package Group cannot be deleted because it still contains Model Packages")
        del self.sagemaker_backend.model_package_groups[group.model_package_group_name]
        return EmptyResult()

    @repair(SageMakerResponse, "delete_model_package")
    def delete_package(original: Any, self: Any) -> Any:
        wanted, packages = self._get_param("ModelPackageName"), self.sagemaker_backend.model_packages
        for name, package in list(packages.items()):
            if wanted in (package.arn, package.model_package_name):
                del packages[name]
                return EmptyResult()
        raise ValidationError(f"ModelPackage {wanted} does not exist.")


def _repair_tags() -> None:
    @repair(SageMakerModelBackend, "add_tags")
    def add_tags(original: Any, self: Any, arn: str, tags: list[dict[str, str]]) -> Any:
        resource = self._get_resource_from_arn(arn)
        fresh = {tag["Key"] for tag in tags}
        resource.tags = [tag for tag in resource.tags if tag["Key"] not in fresh] + tags
        return resource.tags


def _add_policies() -> None:
    def group_of(self: Any) -> Any:
        return self.sagemaker_backend.describe_model_package_group(self._get_param("ModelPackageGroupName"))

    @repair(SageMakerResponse, "put_model_package_group_policy")
    def put(original: Any, self: Any) -> Any:
        group = group_of(self)
        group.resource_policy = self._get_param("ResourcePolicy")
        return ActionResult({"ModelPackageGroupArn": group.arn})

    @repair(SageMakerResponse, "get_model_package_group_policy")
    def get(original: Any, self: Any) -> Any:
        policy = getattr(group_of(self), "resource_policy", None)
        if policy is None:
            raise ValidationError("Cannot find Model Package Group Policy.")
        return ActionResult({"ResourcePolicy": policy})

    @repair(SageMakerResponse, "delete_model_package_group_policy")
    def delete(original: Any, self: Any) -> Any:
        group_of(self).resource_policy = None
        return EmptyResult()
