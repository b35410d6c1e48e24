"""Who calls: the token an EKS client sends is a presigned STS call, and the cluster asks STS whose it is."""
from __future__ import annotations

import base64
import binascii
import calendar
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..aws import sigv4
from ..aws.keys import KeyRing
from ..aws.names import Call
from ..httpd import Request
from ..world import AccessKey, World

PREFIX = "k8s-aws-v1."
LONGEST = 4096
LIFETIME = 900  # seconds from X-Amz-Date, whatever X-Amz-Expires says
HEADER = "x-k8s-aws-id"
HOST = re.compile(r"sts(-fips)?(\.[a-z]{2}(-[a-z]+)+-\d)?\.amazonaws\.com(\.cn)?")
LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
PARAMETERS = frozenset({"action", "version", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-security-token",
                        "x-amz-signedheaders", "x-amz-signature", "x-amz-user-agent"})


@dataclass(frozen=True)
class User:
    """An authenticated caller."""

    name: str
    groups: tuple[str, ...] = ()
    account: str = ""
    principal: str = ""  # the IAM ARN access entries are made for
    policies: tuple[Any, ...] = field(default=(), compare=False)

    def wears(self, group: str) -> bool:
        return group in self.groups


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


class BadToken(Exception):
    """401; the reason goes into the sandbox's log, never to the client."""


@dataclass
class Identity:
    """What STS tells of the signer."""

    account: str
    arn: str

    @property
    def principal(self) -> str:
        """assumed-role sessions stand for their role."""
        match = re.fullmatch(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.+", self.arn)
        return _role_arn(match[1], match[2], match[3]) if match else self.arn

    @property
    def session(self) -> str:
        return self.arn.rpartition("/")[2]


def _role_arn(partition: str, account: str, name: str) -> str:
    """The role's own ARN, with its path."""
    from moto.iam.models import iam_backends

    from ..aws.moto_app import LOCK
    with LOCK:
        for backend in list(iam_backends[account].values()):
            for role in backend.roles.values():
                if role.name == name:
                    return str(role.arn)
    return f"arn:{partition}:iam::{account}:role/{name}"


def _url_of(token: str) -> str:
    if len(token) > LONGEST:
        raise BadToken("token is too large")
    if not token.startswith(PREFIX):
        raise BadToken(f"token is missing expected prefix {PREFIX!r}")
    text = token.removeprefix(PREFIX)
    if "=" in text:
        raise BadToken("token is padded base64")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise BadToken("token is not base64url") from None


def _check_form(url: str) -> dict[str, str]:
    """The parameters of the presigned call, after every rule that needs no key."""
    parts = urlsplit(url)
    local = bool(LOOPBACK.fullmatch(parts.netloc))
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise BadToken(f"unexpected scheme {parts.scheme!r} in pre-signed URL")
    if not local and not HOST.fullmatch(parts.netloc):
        raise BadToken(f"unexpected hostname {parts.netloc!r} in pre-signed URL")
    if parts.path != "/" or parts.fragment:
        raise BadToken("unexpected path in pre-signed URL")
    found: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        low = name.lower()
        if low not in PARAMETERS:
            raise BadToken(f"non-whitelisted query parameter {name!r}")
        if low in found:
            raise BadToken(f"query parameter {name!r} is given more than once")
        found[low] = value
    if found.get("action") != "GetCallerIdentity" or found.get("version", "2011-06-15") != "2011-06-15":
        raise BadToken("unexpected action parameter in pre-signed URL")
    if HEADER not in found.get("x-amz-signedheaders", "").lower().split(";"):
        raise BadToken(f"client did not sign the {HEADER} header in the pre-signed URL")
    if not found.get("x-amz-expires", "").isdigit() or int(found["x-amz-expires"]) > LIFETIME:
        raise BadToken("X-Amz-Expires parameter is wrong in pre-signed URL")
    return found


def _check_time(stamp: str, now: float) -> None:
    try:
        signed = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise BadToken("X-Amz-Date parameter is wrong in pre-signed URL") from None
    if now > signed + LIFETIME:
        raise BadToken("X-Amz-Date parameter is expired (15 minutes)")
    if signed > now + sigv4.MAX_SKEW:
        raise BadToken("signature not yet current")


def _check_signature(url: str, cluster: str, key: AccessKey) -> None:
    """As STS would, with the header that the cluster itself adds: its own name."""
    parts = urlsplit(url)
    headers = [("Host", parts.netloc), (HEADER, cluster)]
    request = Request("GET", f"{parts.path}?{parts.query}", headers, b"", 0, "HTTP/1.1", None)  # type: ignore[arg-type]
    claim = sigv4.read_claim(request)
    if claim is None or claim.service != "sts":
        raise BadToken("the URL is not signed for STS")
    if claim.token != key.session_token:
        raise BadToken("the session token is not the key's")
    if sigv4.check_form(request, Call(service="sts"), claim) or not sigv4.signature_fits(request, claim, key):
        raise BadToken("STS: SignatureDoesNotMatch (a token for another cluster, or a wrong key)")


def identify(world: World, token: str, cluster: str) -> Identity:
    """Whose token it is; raises BadToken."""
    url = _url_of(token)
    found = _check_form(url)
    now = world.clock.now()
    _check_time(found.get("x-amz-date", ""), now)
    access_key, *scope = found.get("x-amz-credential", "").split("/")
    key = KeyRing(world).find(access_key)
    if key is None:
        raise BadToken(f"STS: InvalidClientTokenId, {access_key!r} is not known")
    if key.expires and now > key.expires:
        raise BadToken("STS: ExpiredToken")
    if world.verify:
        try:
            _check_signature(url, cluster, key)
        except sigv4.Malformed as problem:
            raise BadToken(f"STS: {problem}") from None
    return _caller(key, scope[1] if len(scope) == 4 else "us-east-1")


def _caller(key: AccessKey, region: str) -> Identity:
    from moto.sts.models import sts_backends

    from ..aws.moto_app import LOCK
    with LOCK:
        _, arn, account = sts_backends[key.account]["aws"].get_caller_identity(key.access_key, region)
    return Identity(account, arn)
