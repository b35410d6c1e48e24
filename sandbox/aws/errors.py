"""Errors in each service's own words and format.

One idea ("throttled", "wrong signature") has another code in nearly every service; the table below is what clients really meet.
"""
from __future__ import annotations

import json
import uuid
from xml.sax.saxutils import escape

from ..httpd import Response
from .names import Call

NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/", "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "rds": "http://rds.amazonaws.com/doc/2014-10-31/"}

# idea -> column -> (status, code, message). Columns: a service's name, else its protocol, else "*".
_TABLE: dict[str, dict[str, tuple[int, str, str]]] = {
    "throttle": {
        "query": (400, "Throttling", "Rate exceeded"),
        "ec2": (503, "RequestLimitExceeded", "Request limit exceeded."),
        "s3": (503, "SlowDown", "Please reduce your request rate."),
        "*": (400, "ThrottlingException", "Rate exceeded")},
    "500": {
        "s3": (500, "InternalError", "We encountered an internal error. Please try again."),
        "ec2": (500, "InternalError", "An internal error has occurred"),
        "query": (500, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure."),
        "*": (500, "InternalServerException", "Internal server error")},
    "503": {
        "ec2": (503, "Unavailable", "The server is overloaded and cannot handle the request."),
        "query": (503, "ServiceUnavailable", "Service is temporarily unavailable"),
        "s3": (503, "ServiceUnavailable", "Service is unable to handle request."),
        "*": (503, "ServiceUnavailableException", "Service is temporarily unavailable")},
    "access-denied": {
        "ec2": (403, "UnauthorizedOperation", "You are not authorized to perform this operation."),
        "s3": (403, "AccessDenied", "Access Denied"),
        "query": (403, "AccessDenied", "User is not authorized to perform: {service}:{operation}"),
        "*": (400, "AccessDeniedException", "User is not authorized to perform: {service}:{operation}"),
        "rest-json": (403, "AccessDeniedException", "User is not authorized to perform: {service}:{operation}")},
    "expired-token": {
        "ec2": (400, "RequestExpired", "Request has expired."),
        "s3": (400, "ExpiredToken", "The provided token has expired."),
        "query": (403, "ExpiredToken", "The security token included in the request is expired"),
        "rest-json": (403, "ExpiredTokenException", "The security token included in the request is expired"),
        "*": (400, "ExpiredTokenException", "The security token included in the request is expired")},
    "signature": {
        "ec2": (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        "query": (403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. "
                  "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."),
        "s3": (403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. "
               "Check your key and signing method."),
        "rest-json": (403, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. "
                      "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."),
        "*": (400, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. "
              "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")},
    "unsigned": {
        "s3": (403, "AccessDenied", "Access Denied"),
        "ec2": (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        "query": (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        "rest-json": (403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        "*": (400, "MissingAuthenticationTokenException", "Missing Authentication Token")},
    "malformed-signature": {
        "s3": (400, "AuthorizationHeaderMalformed", "The authorization header is malformed; {detail}"),
        "query": (400, "IncompleteSignature", "{detail}"),
        "ec2": (400, "IncompleteSignature", "{detail}"),
        "*": (400, "IncompleteSignatureException", "{detail}")},
    "unknown-key": {
        "ec2": (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        "query": (403, "InvalidClientTokenId", "The security token included in the request is invalid."),
        "s3": (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
        "rest-json": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
        "*": (400, "UnrecognizedClientException", "The security token included in the request is invalid.")},
    "bad-token": {
        "ec2": (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
        "query": (403, "InvalidClientTokenId", "The security token included in the request is invalid"),
        "s3": (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
        "rest-json": (403, "UnrecognizedClientException", "The security token included in the request is invalid"),
        "*": (400, "UnrecognizedClientException", "The security token included in the request is invalid")},
    "skew": {
        "ec2": (400, "RequestExpired", "Request has expired."),
        "s3": (403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
        "query": (403, "SignatureDoesNotMatch", "{detail}"),
        "rest-json": (403, "InvalidSignatureException", "{detail}"),
        "*": (400, "InvalidSignatureException", "{detail}")},
    "payload-hash": {
        "s3": (400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")},
    "no-payload-hash": {
        "s3": (400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")},
    "not-implemented": {
        "s3": (501, "NotImplemented", "the sandbox does not know {service}:{operation}"),
        "*": (501, "NotImplemented", "the sandbox does not know {service}:{operation}")},
}


def error(call: Call, idea: str, detail: str = "") -> Response:
    """The answer for an idea of the table."""
    row = _TABLE[idea]
    status, code, message = row.get(call.service) or row.get(call.protocol) or row["*"]
    return answer(call, status, code, message.format(service=call.service, operation=call.operation, detail=detail))


def answer(call: Call, status: int, code: str, message: str) -> Response:
    """An error answer in the format of the call's protocol."""
    request_id = str(uuid.uuid4())
    if call.service == "s3":
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>'
                f"<RequestId>{request_id}</RequestId><HostId>sandbox</HostId></Error>")
        headers = [("Content-Type", "application/xml"), ("x-amz-request-id", request_id), ("x-amz-id-2", "sandbox")]
        if call.operation.startswith("Head"):
            body = ""
    elif call.protocol == "ec2":
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{escape(code)}</Code>'
                f"<Message>{escape(message)}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>")
        headers = [("Content-Type", "text/xml;charset=UTF-8"), ("x-amzn-requestid", request_id)]
    elif call.protocol == "query":
        kind = "Receiver" if status >= 500 else "Sender"
        space = NAMESPACES.get(call.service, "")
        body = (f'<ErrorResponse xmlns="{space}"><Error><Type>{kind}</Type><Code>{escape(code)}</Code>'
                f"<Message>{escape(message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>")
        headers = [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
    elif call.protocol == "json":
        body = json.dumps({"__type": code, "message": message})
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", request_id)]
        headers.append(("x-amzn-ErrorType", code))
    else:
        body = json.dumps({"message": message})
        headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", code)]
    return Response(status, headers, body.encode())
