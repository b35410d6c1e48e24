"""Runs the real Terraform on the sandbox, with the configuration in tests/lib/terraform/: what somebody has who comes from there.

Nothing is downloaded: the AWS provider must lie in a folder of this machine. `missing()` says what is not there. The folder is
$TF_PLUGIN_MIRROR, or what Terraform's own CLI configuration says, or one of the usual places.
"""
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .sandbox import GITHUB_TOKEN, TREE, Sandbox

CONFIGURATION = Path(__file__).parent / "terraform"
OVERRIDE = CONFIGURATION / "imported_override.tf"
FUNCTION = TREE / "etc" / "blueprints" / "lambda" / "deploy_trigger.py"
PASSWORD = "terraform-chose-this-one"
VERSION = re.compile(r"(^|_)5\.1\d\d\.")  # a folder, or a packed file
PROVIDER = Path("registry.terraform.io/hashicorp/aws")
USUAL = ("~/.terraform.d/plugins", "~/.local/share/terraform/plugins", "/usr/share/terraform/plugins", "/usr/local/share/terraform/plugins")


class TerraformError(AssertionError):
    """Terraform ended with an error; its words."""


def cli_configuration() -> Path | None:
    """The user's own file, if it says where providers come from."""
    path = Path(os.environ.get("TF_CLI_CONFIG_FILE") or os.environ.get("TERRAFORM_CONFIG") or "~/.terraformrc").expanduser()
    return path if path.is_file() and "filesystem_mirror" in path.read_text(errors="replace") else None


def mirrors() -> Iterator[Path]:
    """Folders in which providers may lie."""
    named = os.environ.get("TF_PLUGIN_MIRROR")
    yield from [Path(named)] if named else [*(Path(place).expanduser() for place in USUAL), *sorted(Path("/opt").glob("*"))]


def mirror() -> Path | None:
    """The first folder with an AWS provider in it that the configuration takes."""
    return next((folder for folder in mirrors() if any(VERSION.search(path.name) for path in (folder / PROVIDER).glob("*"))), None)


def missing() -> str | None:
    """Why Terraform can not be tried here, or None."""
    if not shutil.which("terraform"):
        return "there is no terraform on this machine"
    version = subprocess.run(["terraform", "version", "-json"], capture_output=True, text=True, env=_environment())
    number = json.loads(version.stdout or "{}").get("terraform_version", "0")
    if tuple(int(part) for part in re.findall(r"\d+", number)[:2]) < (1, 11):
        return f"terraform is {number}, wanted is 1.11 or newer"
    if not (mirror() or not os.environ.get("TF_PLUGIN_MIRROR") and cli_configuration()):
        return "Terraform's AWS provider (5.100 or newer) is not here: name the folder that has registry.terraform.io/ in TF_PLUGIN_MIRROR"
    return None


def _environment() -> dict[str, str]:
    """Nothing of the user's but the way to programs."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": os.environ.get("HOME", "/"), "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "TF_CLI_ARGS": "-no-color", "TF_CLI_CONFIG_FILE": os.devnull}


class Terraform:
    """A folder with a configuration and its state; `close` removes it."""

    def __init__(self, cloud: Sandbox, *, imports: str = "", **variables: Any) -> None:
        """`imports`: text with `import` blocks; what can not be asked for is then not compared (imported_override.tf)."""
        self.cloud = cloud
        self.folder = Path(tempfile.mkdtemp(prefix="mlopsd-terraform-"))
        for path in CONFIGURATION.glob("*.tf"):
            if imports or path != OVERRIDE:
                shutil.copy(path, self.folder)
        if imports:
            self.write("imports.tf", imports)
        self.state = self.folder / "terraform.tfstate"
        self.variables = {"db_password": PASSWORD, "github_token": GITHUB_TOKEN, "function_zip": str(self._function())}
        self.set(**variables)
        self.environment = {**_environment(), **cloud.environment(), "TF_CLI_CONFIG_FILE": str(self._cli_configuration())}
        self.run("init", "-backend=false")

    def set(self, **variables: Any) -> None:
        """Values of variables (tests/lib/terraform/variables.tf) from now on."""
        self.variables |= variables
        self.write("values.auto.tfvars.json", json.dumps(self.variables, indent=1))

    def _function(self) -> Path:
        """The code of the function as a user packs it."""
        path = self.folder / "function.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(FUNCTION, FUNCTION.name)
        return path

    def _cli_configuration(self) -> Path:
        folder = mirror()
        if not folder:
            own = cli_configuration()
            assert own, "see missing()"
            return own
        return self.write("terraform.rc", f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder}"\n  }}\n}}\n')

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def run(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(["terraform", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        if result.returncode not in expect:
            what = " ".join(arguments)
            raise TerraformError(f"terraform {what} ended with {result.returncode}:\n{result.stdout[-6000:]}\n{result.stderr}")
        return result

    def apply(self) -> str:
        return self.run("apply", "-auto-approve", "-parallelism=30").stdout

    def plan(self) -> dict[str, Any]:
        """What it would do, as its JSON output describes."""
        self.run("plan", "-detailed-exitcode", "-parallelism=30", "-out=plan", expect=(0, 2))
        shown: dict[str, Any] = json.loads(self.run("show", "-json", "plan").stdout)
        return shown

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def changes(plan: dict[str, Any]) -> dict[str, list[str]]:
    """What a plan would do: the actions by address, without what it only reads or imports."""
    planned = {change["address"]: change["change"]["actions"] for change in plan.get("resource_changes", [])}
    return {address: actions for address, actions in planned.items() if actions not in (["no-op"], ["read"])}


def wanted(plan: dict[str, Any]) -> set[str]:
    """The addresses of all that the configuration declares."""
    return {change["address"] for change in plan.get("resource_changes", []) if change["mode"] == "managed"}


def imported(plan: dict[str, Any]) -> set[str]:
    """The addresses that a plan imports."""
    return {change["address"] for change in plan.get("resource_changes", []) if "importing" in change["change"]}


def differences(plan: dict[str, Any]) -> dict[str, dict[str, tuple[Any, Any]]]:
    """The top-level attributes that differ, by address: what is, and what the configuration wants."""
    found: dict[str, dict[str, tuple[Any, Any]]] = {}
    for change in plan.get("resource_changes", []):
        before, after = change["change"]["before"] or {}, change["change"]["after"] or {}
        differing = {name: (before.get(name), after[name]) for name in after if before.get(name) != after[name]}
        if change["address"] in changes(plan):
            found[change["address"]] = differing
    return found
