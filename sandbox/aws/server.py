"""The AWS server: name the call, wait, check the signature, maybe fail, ask moto, write it down."""
from __future__ import annotations

import re
import sys
import time
import traceback
import uuid

from ..httpd import Request, Response
from ..log import Record, is_write
from ..world import World
from . import errors, faults, moto_app, names, repairs, sigv4
from .functions import Functions
from .keys import KeyRing


class AwsServer:
    """One simulated AWS for all services, accounts and regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys = KeyRing(world)
        moto_app.use_clock(world.clock)
        self._moto = moto_app.MotoApp()
        self._spoiler = faults.Spoiler(world)
        self.functions = Functions(world)
        repairs.install(world, self._moto, self.functions)
        self._moto.preload()
        names.preload()

    def reset(self) -> None:
        """A cloud without resources."""
        moto_app.reset()
        self.functions.reset()
        self._spoiler.reset()

    def __call__(self, request: Request) -> Response:
        call = names.name_call(request)
        record = Record("aws", self._world.clock.now(), request.connection, call.service, call.operation, region=call.region,
                        access_key=call.access_key, write=is_write(call.operation), resources=call.resources)
        start = time.monotonic()
        time.sleep(self._world.latency.seconds(call.service, "aws"))
        call.account = record.account = self._keys.account(call.access_key)
        response = self._check(request, call)
        if response is None:
            rule = self._world.faults.pick("aws", call.service, call.operation, call.resources,
                                           lambda rule: self._spoiler.applies(rule, request, call))
            record.fault = rule.kind if rule else ""
            response = self._spoiler.serve(request, call, rule, lambda: self._ask_moto(request, call, record))
        record.wait_ms = round((time.monotonic() - start) * 1000 - record.ms, 3)
        self._finish(call, record, response)
        return response

    def _check(self, request: Request, call: names.Call) -> Response | None:
        if not self._world.verify:
            return None
        return sigv4.check(request, call, self._keys.find, self._world.clock.now())

    def _ask_moto(self, request: Request, call: names.Call, record: Record) -> Response:
        """The real answer; a hole in moto becomes 501, never a closed connection."""
        start = time.monotonic()
        try:
            with moto_app.LOCK:
                return repairs.front(request, call) or self._moto.call(request, call.account, self._scope(request, call))
        except NotImplementedError:
            return errors.error(call, "not-implemented")
        except Exception:
            traceback.print_exc(file=sys.stderr)
            return errors.error(call, "500")
        finally:
            record.ms = round((time.monotonic() - start) * 1000, 3)

    def _scope(self, request: Request, call: names.Call) -> str:
        """moto finds the service in the Authorization header: give it one where the client had none."""
        if request.header("Authorization") or not call.access_key:
            return ""
        service = request.query["X-Amz-Credential"].split("/")[-2]
        return f"AWS4-HMAC-SHA256 Credential={call.access_key}/20200101/{call.region}/{service}/aws4_request, SignedHeaders=host, Signature=0"

    def _finish(self, call: names.Call, record: Record, response: Response) -> None:
        """Give the answer a request id and write the record."""
        header = "x-amz-request-id" if call.service == "s3" else "x-amzn-RequestId"
        if not response.header(header):
            response.set_header(header, uuid.uuid4().hex[:16].upper() if call.service == "s3" else str(uuid.uuid4()))
        if call.service == "s3" and not response.header("x-amz-id-2"):
            response.set_header("x-amz-id-2", "sandbox")
        record.request_id = response.header(header)
        record.status = 0 if response.reset else response.status
        record.error = error_code(response) if response.status >= 400 else ""
        self._world.log.add(record)


def error_code(response: Response) -> str:
    """The code an error answer carries, in whichever place its protocol puts it."""
    kind = response.header("x-amzn-ErrorType")
    if kind:
        return kind.partition(":")[0].rpartition("#")[2]
    match = re.search(rb"<Code>([^<]+)</Code>|\"__type\":\s*\"([^\"]+)\"", response.body)
    if not match:
        return str(response.status)
    return (match.group(1) or match.group(2)).decode("utf-8", "replace").rpartition("#")[2]
