"""Who calls: bearer tokens and App JWTs."""
from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from ..httpd import Request
from .answers import Refusal
from .state import App, GithubState, Token

JWT_LIFE = 600


def bearer(request: Request) -> str:
    """The token text; both schemes GitHub takes."""
    scheme, _, token = request.header("Authorization").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "token") else ""


def token_of(request: Request, state: GithubState) -> Token | None:
    """The caller's token; None without an Authorization header; 401 for one that is unknown or expired."""
    if not request.has_header("Authorization"):
        return None
    token = state.tokens.get(bearer(request))
    if token is None or (token.expires and state.clock.now() >= token.expires):
        raise Refusal(401, "Bad credentials")
    return token


def _decode(part: str) -> bytes:
    if "=" in part:
        raise ValueError("padding")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def check_jwt(request: Request, state: GithubState) -> App:
    """The App that signed the request's JWT, or 401 in GitHub's words."""
    app, now = state.app, state.clock.now()
    try:
        head, claims, signature = bearer(request).split(".")
        header: dict[str, Any] = json.loads(_decode(head))
        payload: dict[str, Any] = json.loads(_decode(claims))
        signed = f"{head}.{claims}".encode()
        signature_bytes = _decode(signature)
    except (ValueError, binascii.Error):
        raise Refusal(401, "A JSON web token could not be decoded") from None
    if header.get("alg") != "RS256" or not _verifies(app, signed, signature_bytes):
        raise Refusal(401, "A JSON web token could not be decoded")
    issued, expires = payload.get("iat"), payload.get("exp")
    if not isinstance(issued, int) or issued > now:
        raise Refusal(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
    if not isinstance(expires, int) or expires <= now:
        raise Refusal(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion "
                           "expires")
    if expires > now + JWT_LIFE:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    if str(payload.get("iss")) not in (str(app.id), app.client_id):
        raise Refusal(404, "Integration not found")
    return app


def _verifies(app: App, signed: bytes, signature: bytes) -> bool:
    """RS256 with the key that the control URL registered."""
    if not app.public_key_pem:
        return False
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = serialization.load_pem_public_key(app.public_key_pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
