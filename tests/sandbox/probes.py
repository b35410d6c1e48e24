"""How repairs of moto are probed: each probe answers "does this behave like AWS?". The sandbox must say yes and moto alone no."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws
from support import SandboxTest

Client = Callable[[str], Any]
Probe = Callable[[Client], bool]


def code(function: Any, **arguments: Any) -> str:
    """The error code of a call, empty when it succeeds, "missing" for an operation moto lacks."""
    try:
        function(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    except NotImplementedError:
        return "missing"
    return ""


def bare(service: str) -> Any:
    """A client of moto alone."""
    return boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


class ProbeTest(SandboxTest):
    """Runs `probes` against both. Import the module, not the class, or unittest takes it for a test of its own."""

    probes: dict[str, Probe] = {}

    def prepare(self) -> None:
        """Before each probe of the sandbox."""
        self.cloud.reset()

    def test_sandbox_is_like_aws(self) -> None:
        for name, behaves in self.probes.items():
            with self.subTest(name):
                self.prepare()
                self.assertTrue(behaves(self.cloud.client))

    def test_moto_still_is_not(self) -> None:
        for name, behaves in self.probes.items():
            with self.subTest(name), mock_aws():
                self.assertFalse(self.tried(behaves), "moto has learnt this: remove the repair")

    @staticmethod
    def tried(behaves: Probe) -> bool:
        """Against moto alone; what it refuses or leaves out is not like AWS either."""
        try:
            return behaves(bare)
        except (ClientError, NotImplementedError, KeyError):
            return False
