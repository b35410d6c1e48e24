"""S3: buckets are born closed and encrypted, owners are checked, checksums are demanded."""
from __future__ import annotations

import base64
import functools
import hashlib
import zlib
from typing import Any

import xmltodict
from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend, s3_backends
from moto.s3.responses import S3Response

from ..httpd import Request, Response
from . import errors, s3_policy
from .names import Call
from .repair import repair

DEFAULT_ENCRYPTION = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false",
                               "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}}


def install() -> None:
    """Patch moto's S3."""
    @repair(FakeBucket, "__init__")
    def born(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        self.public_access_block = PublicAccessBlock(True, True, True, True)
        self.ownership_rule = "BucketOwnerEnforced"
        self.encryption = DEFAULT_ENCRYPTION

    @repair(FakeBucket, "get_permission")
    def get_permission(original: Any, self: Any, action: str, resource: str) -> Any:
        whole = self.policy
        try:
            self.policy = s3_policy.without_conditions(whole) if whole else whole
            return original(action, resource)
        finally:
            self.policy = whole

    @repair(S3Backend, "delete_bucket_encryption")
    def delete_bucket_encryption(original: Any, self: Any, bucket_name: str) -> None:
        self.get_bucket(bucket_name).encryption = DEFAULT_ENCRYPTION

    _repair_create()
    _repair_encryption()


def _repair_create() -> None:
    @repair(S3Backend, "create_bucket")
    def create_bucket(original: Any, self: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
        bucket = original(bucket_name, *args, **kwargs)
        self.tagger.delete_all_tags_for_resource(bucket.arn)  # moto leaves a deleted namesake's tags behind
        return bucket

    @repair(S3Response, "_bucket_response_put")
    def bucket_response_put(original: Any, self: Any, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        new = not querystring and bucket_name not in s3_backends.bucket_accounts
        response = original(request, bucket_name, querystring)
        if new and self.body:
            configuration = xmltodict.parse(self.body, force_list=("Tag",)).get("CreateBucketConfiguration") or {}
            tags = (configuration.get("Tags") or {}).get("Tag", [])
            if tags:
                self.backend.put_bucket_tagging(bucket_name, {tag["Key"]: tag.get("Value") or "" for tag in tags})
        return response


def _repair_encryption() -> None:
    @repair(S3Response, "get_bucket_encryption")
    def get_bucket_encryption(original: Any, self: Any) -> Any:
        """moto drops BlockedEncryptionTypes."""
        answer = original()
        blocked = self.backend.get_bucket_encryption(self.bucket_name)["Rule"].get("BlockedEncryptionTypes")
        if not blocked:
            return answer
        kinds = blocked["EncryptionType"]
        inner = "".join(f"<EncryptionType>{kind}</EncryptionType>" for kind in (kinds if isinstance(kinds, list) else [kinds]))
        status, headers, body = answer
        text = body if isinstance(body, str) else body.decode()
        return status, headers, text.replace("</Rule>", f"<BlockedEncryptionTypes>{inner}</BlockedEncryptionTypes></Rule>", 1)


@functools.lru_cache(maxsize=None)
def checksum_required() -> frozenset[str]:
    """Operations that are refused without a checksum, by botocore's model."""
    import botocore.loaders

    operations = botocore.loaders.create_loader().load_service_model("s3", "service-2")["operations"]
    return frozenset(name for name, operation in operations.items() if operation.get("httpChecksum", {}).get("requestChecksumRequired"))


def front(request: Request, call: Call) -> Response | None:
    """Owner, checksum and policy checks, and the operations moto answers with nothing."""
    bucket = _bucket(call)
    return (_check_owner(request, call, bucket) or _check_checksum(request, call) or _check_acl(request, call, bucket)
            or s3_policy.front(request, call, bucket))


def _bucket(call: Call) -> FakeBucket | None:
    """The bucket a call is about, whoever owns it."""
    if not call.resources or call.operation in ("CreateBucket", "ListBuckets"):
        return None
    partition, account = s3_backends.bucket_accounts.get(call.resources[0], ("", ""))
    return s3_backends[account][partition].buckets.get(call.resources[0]) if account else None


def _check_owner(request: Request, call: Call, bucket: FakeBucket | None) -> Response | None:
    expected = request.header("x-amz-expected-bucket-owner")
    if bucket and (bucket.account_id != call.account or (expected and expected != bucket.account_id)):
        return errors.error(call, "access-denied")
    return None


def _check_checksum(request: Request, call: Call) -> Response | None:
    """Demand a checksum where S3 does, and verify the ones that come."""
    given = {name.lower(): value for name, value in request.headers
             if name.lower() == "content-md5" or name.lower().startswith("x-amz-checksum-")}
    given = {name: value for name, value in given.items() if not name.endswith(("-algorithm", "-type", "-mode"))}
    if not given and call.operation in checksum_required():
        return errors.answer(call, 400, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    if "aws-chunked" in request.header("Content-Encoding") or request.method not in ("PUT", "POST"):
        return None
    for name, value in given.items():
        computed = _digest(name, request.body)
        if computed is None or computed == value:
            continue
        if name == "content-md5":
            if len(value) != 24:
                return errors.answer(call, 400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
            return errors.answer(call, 400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        algorithm = name.rpartition("-")[2].upper()
        if len(value) != len(computed):
            return errors.answer(call, 400, "InvalidRequest", f"Value for {name} header is invalid.")
        return errors.answer(call, 400, "BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
    return None


def _digest(header: str, body: bytes) -> str | None:
    """base64 of the digest a header names; None for kinds the standard library cannot compute."""
    kind = header.rpartition("-")[2]
    if kind in ("md5", "sha1", "sha256"):
        digest = hashlib.new(kind, body, usedforsecurity=False).digest()
    elif kind == "crc32":
        digest = zlib.crc32(body).to_bytes(4, "big")
    else:
        return None
    return base64.b64encode(digest).decode()


def _check_acl(request: Request, call: Call, bucket: FakeBucket | None) -> Response | None:
    if call.operation != "PutBucketAcl" or not bucket or bucket.ownership_rule != "BucketOwnerEnforced":
        return None
    if request.header("x-amz-acl") in ("private", "bucket-owner-full-control"):
        return None
    return errors.answer(call, 400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
