"""SageMaker model packages tell EventBridge what becomes of them: "SageMaker Model Package State Change"."""
from __future__ import annotations

import datetime
from typing import Any

from moto.sagemaker.models import SageMakerModelBackend

from ..world import World
from . import delivery
from .repair import repair

KIND = "SageMaker Model Package State Change"
FIELDS = ("ModelPackageGroupName", "ModelPackageVersion", "ModelPackageDescription", "CreationTime", "InferenceSpecification",
          "SourceAlgorithmSpecification", "ModelPackageStatus", "ModelPackageStatusDetails", "CertifyForMarketplace", "ModelApprovalStatus",
          "MetadataProperties", "ModelMetrics", "LastModifiedTime", "ApprovalDescription", "CustomerMetadataProperties")


def install(world: World) -> None:
    """Patch moto's SageMaker."""
    def tell(backend: Any, arn: str) -> None:
        shown = backend.model_packages[arn].gen_response_object()
        detail = {name: _plain(shown[name]) for name in FIELDS if shown.get(name) is not None} | {"ModelPackageArn": arn}
        detail.setdefault("ModelApprovalStatus", "PendingManualApproval")
        delivery.emit(world, backend.account_id, backend.region_name, "aws.sagemaker", KIND, [arn], detail)

    @repair(SageMakerModelBackend, "create_model_package")
    def create(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        arn = original(*args, **kwargs)
        tell(self, arn)
        return arn

    @repair(SageMakerModelBackend, "update_model_package")
    def update(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        arn = original(*args, **kwargs)
        tell(self, arn)
        return arn


def _plain(value: Any) -> Any:
    """Times as events have them."""
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value
