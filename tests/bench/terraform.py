"""The yardstick Terraform: what one look at the AWS part costs, with the configuration of tests/lib/terraform/."""
from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from typing import Any

from lib import terraform
from lib.sandbox import start_sandbox

TIME_SCALE = 5000.0


def terraform_plan() -> dict[str, Any]:
    """CPU and memory of `terraform plan -refresh-only` with its provider; or why that can not be had."""
    why = terraform.missing()
    if why:
        return {"skipped": why}
    with start_sandbox(time_scale=TIME_SCALE) as cloud:
        runner = terraform.Terraform(cloud)
        try:
            runner.apply()
            return _measured(runner)
        except (terraform.TerraformError, RuntimeError) as error:
            return {"skipped": f"it failed: {error}"}
        finally:
            runner.close()


def _measured(runner: terraform.Terraform) -> dict[str, Any]:
    mark, start = runner.cloud.mark(), time.monotonic()
    used = _children_of(["terraform", "plan", "-no-color", "-input=false", "-refresh-only", "-parallelism=30"], runner)
    wall = time.monotonic() - start
    state = json.loads(runner.state.read_text())
    managed = sum(one["mode"] == "managed" for one in state["resources"])
    return {"version": state["terraform_version"], "cpu_s": used.ru_utime + used.ru_stime, "peak_kib": used.ru_maxrss, "wall_s": wall,
            "calls": len(runner.cloud.log(mark)), "resources": managed}


def _children_of(command: list[str], runner: terraform.Terraform) -> resource.struct_rusage:
    """What a command used, with the processes it waited for; its memory is the largest process'."""
    process = subprocess.Popen(command, cwd=runner.folder, env=runner.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stderr = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{stderr.decode()[-3000:]}")
    return used
