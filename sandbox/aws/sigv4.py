"""Checks AWS signature version 4 by signing again with botocore's signer, from the raw target.

The canonical form is built from what the client sent, decoded and encoded once more as AWS does, so that a client which signs another
form than the canonical one is refused here as it would be there.
"""
from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPMessage
from urllib.parse import quote, unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from ..httpd import Request, Response
from ..world import AccessKey
from . import errors
from .names import UNSIGNED, Call

MAX_SKEW = 300  # seconds either way
PRESIGN_LIMIT = 604_800
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
SAFE = "-_.~"
BASE = "http://sandbox"  # never signed: the Host header is

KeyFinder = Callable[[str], "AccessKey | None"]


@dataclass
class Claim:
    """What the request says about its own signature, from the header or the query."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: list[str]
    signature: str
    stamp: str
    token: str
    presigned: bool
    expires: int = 0


class Malformed(Exception):
    """The authorization is not in the form of version 4."""


def read_claim(request: Request) -> Claim | None:
    """The claim, or None for an unsigned request."""
    header = request.header("Authorization")
    if header:
        return _header_claim(request, header)
    query = request.query
    if "X-Amz-Signature" not in query and "X-Amz-Credential" not in query:
        return None
    if query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
        raise Malformed("X-Amz-Algorithm must be AWS4-HMAC-SHA256")
    try:
        expires = int(query["X-Amz-Expires"])
        return Claim(*_scope(query["X-Amz-Credential"]), query["X-Amz-SignedHeaders"].split(";"), query["X-Amz-Signature"],
                     query["X-Amz-Date"], query.get("X-Amz-Security-Token", ""), True, min(expires, PRESIGN_LIMIT))
    except (KeyError, ValueError) as error:
        raise Malformed(f"query parameter missing or wrong: {error}") from None


def _header_claim(request: Request, header: str) -> Claim:
    algorithm, _, rest = header.partition(" ")
    if algorithm != "AWS4-HMAC-SHA256":
        raise Malformed(f"unsupported algorithm '{algorithm}'")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not fields.get(name)]
    if missing:
        raise Malformed(f"Authorization header requires '{missing[0]}' parameter.")
    stamp = request.header("X-Amz-Date")
    if not stamp:
        raise Malformed("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    return Claim(*_scope(fields["Credential"]), fields["SignedHeaders"].split(";"), fields["Signature"], stamp,
                 request.header("X-Amz-Security-Token"), False)


def _scope(credential: str) -> tuple[str, str, str, str]:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise Malformed("Credential must have at least 5 slash-delimited elements")
    return parts[0], parts[1], parts[2], parts[3]


class _Canonical(SigV4Auth):
    """botocore's signer, told to canonicalise what it was given instead of what it would have sent."""

    def __init__(self, claim: Claim, secret: str, payload: str) -> None:
        super().__init__(Credentials(claim.access_key, secret), claim.service, claim.region)
        self._claim = claim
        self._payload = payload

    def headers_to_sign(self, request: AWSRequest) -> HTTPMessage:
        chosen = HTTPHeaders()
        for name, value in request.headers.items():
            if name.lower() in self._claim.signed_headers:
                chosen[name.lower()] = value
        return chosen

    def canonical_request(self, request: AWSRequest) -> str:
        """As botocore's, but the payload hash is ours to choose: AWS trusts the header only for S3."""
        headers = self.headers_to_sign(request)
        path = request.url.removeprefix(BASE).partition("?")[0]
        return "\n".join([request.method, self._normalize_url_path(path), self.canonical_query_string(request),
                          self.canonical_headers(headers) + "\n", self.signed_headers(headers), self._payload])

    def _normalize_url_path(self, path: str) -> str:
        if self._claim.service == "s3":
            return quote(unquote(path), safe=SAFE + "/")
        return super()._normalize_url_path(path)

    def canonical_query_string(self, request: AWSRequest) -> str:
        query = request.url.partition("?")[2]
        pairs = [tuple(unquote(half) for half in part.partition("=")[::2]) for part in query.split("&") if part]
        encoded = sorted((quote(key, safe=SAFE), quote(value, safe=SAFE)) for key, value in pairs if key != "X-Amz-Signature")
        return "&".join(f"{key}={value}" for key, value in encoded)

    def expected(self, request: AWSRequest) -> str:
        request.context["timestamp"] = self._claim.stamp
        return self.signature(self.string_to_sign(request, self.canonical_request(request)), request)


def _aws_request(request: Request) -> AWSRequest:
    raw = AWSRequest(method=request.method, url=BASE + request.target)
    raw.headers = HTTPHeaders()
    for name, value in request.headers:
        raw.headers[name] = re.sub(r" +", " ", value.strip())
    return raw


def _payload_hash(request: Request, claim: Claim) -> str:
    """S3 signs what the header says (compared with the body elsewhere); all others sign the body."""
    if claim.service == "s3":
        return request.header("x-amz-content-sha256") or UNSIGNED_PAYLOAD
    return hashlib.sha256(request.body).hexdigest()


def check(request: Request, call: Call, find_key: KeyFinder, now: float) -> Response | None:
    """None when the request is what its owner signed, within five minutes; else the error answer."""
    try:
        claim = read_claim(request)
    except Malformed as problem:
        return errors.error(call, "malformed-signature", str(problem))
    if claim is None:
        return None if call.operation in UNSIGNED else errors.error(call, "unsigned")
    key = find_key(claim.access_key)
    if key is None:
        return errors.error(call, "unknown-key")
    if claim.token != key.session_token:
        return errors.error(call, "bad-token")
    return (check_form(request, call, claim) or _check_time(call, claim, now) or _check_signature(request, call, claim, key)
            or _check_payload(request, call, claim) or (errors.error(call, "expired-token") if key.expires and now > key.expires else None))


def check_form(request: Request, call: Call, claim: Claim) -> Response | None:
    """What AWS insists on being signed."""
    if "host" not in claim.signed_headers:
        return errors.error(call, "malformed-signature", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    present = {name.lower() for name, _ in request.headers}
    unsigned = sorted(name for name in present - set(claim.signed_headers)
                      if name.startswith("x-amz-") and not (claim.presigned or name == "x-amzn-trace-id"))
    if unsigned:
        return errors.answer(call, 403, "AccessDenied", f"There were headers present in the request which were not signed: {unsigned[0]}") \
            if call.service == "s3" else errors.error(call, "signature")
    if claim.stamp[:8] != claim.date:
        return errors.error(call, "malformed-signature", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date")
    return None


def _check_time(call: Call, claim: Claim, now: float) -> Response | None:
    try:
        signed = calendar.timegm(time.strptime(claim.stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return errors.error(call, "malformed-signature", f"Date must be in ISO-8601 'basic format'. Got '{claim.stamp}'.")
    here = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    if signed > now + MAX_SKEW:
        detail = f"Signature not yet current: {claim.stamp} is still later than {here} (+ 5 min.)"
        return errors.error(call, "skew", detail)
    if signed < now - (claim.expires if claim.presigned else MAX_SKEW):
        if claim.presigned and call.service == "s3":
            return errors.answer(call, 403, "AccessDenied", "Request has expired")
        detail = f"Signature expired: {claim.stamp} is now earlier than {here} (- 5 min.)"
        return errors.error(call, "skew", detail)
    return None


def _check_signature(request: Request, call: Call, claim: Claim, key: AccessKey) -> Response | None:
    if call.service == "s3" and not claim.presigned and not request.has_header("x-amz-content-sha256"):
        return errors.error(call, "no-payload-hash")
    return None if signature_fits(request, claim, key) else errors.error(call, "signature")


def signature_fits(request: Request, claim: Claim, key: AccessKey) -> bool:
    """Whether `key` made this signature."""
    signer = _Canonical(claim, key.secret, _payload_hash(request, claim))
    return hmac.compare_digest(signer.expected(_aws_request(request)), claim.signature)


def _check_payload(request: Request, call: Call, claim: Claim) -> Response | None:
    """The declared body hash must be the body's (S3)."""
    declared = request.header("x-amz-content-sha256")
    if call.service != "s3" or not declared or declared == UNSIGNED_PAYLOAD or declared.startswith("STREAMING-"):
        return None
    if declared != hashlib.sha256(request.body).hexdigest():
        return errors.error(call, "payload-hash")
    return None


