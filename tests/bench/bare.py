"""The price of the exchanges alone: the reads' requests, as boto3 makes and signs them, sent by bare libcurl (exchanges.c)."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("exchanges.c")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")


def requests_of(reads: list[list[Any]]) -> list[dict[str, Any]]:
    """Each read once, for its request. In a process with the sandbox's environment."""
    from readers import Reader
    reader, made = Reader(), []

    def keep(request: Any, **_: Any) -> None:
        headers = [f"{name}: {_text(value)}" for name, value in request.headers.items() if name.lower() != "content-length"]
        made.append({"method": request.method, "url": request.url, "headers": headers, "body": _text(request.body)})

    reader.session.events.register("before-send.*.*", keep)
    pools = {read[0]: reader.pool(read[0], read[2]["cluster"]) for read in reads if "path" in read[2]}
    made.clear()  # EKS was asked for the cluster's address
    for read in reads:
        service, _, rest = read
        if "path" in rest:
            headers = [f"{name}: {value}" for name, value in pools[service].headers.items()]
            made.append({"method": "GET", "url": pools[service].url + rest["path"], "headers": headers, "body": ""})
        else:
            reader.read(read)
    return made


def exchanges(environment: dict[str, str], reads: list[list[Any]], passes: int) -> dict[str, Any]:
    """CPU of a pass; {"skipped": why} where it can not be compiled."""
    order = json.dumps(reads)
    made = subprocess.run([sys.executable, __file__], input=order, capture_output=True, text=True, env={**os.environ, **environment})
    if made.returncode:
        raise RuntimeError(f"the requests could not be made:\n{made.stderr[-3000:]}")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "exchanges"
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libcurl", "json-c"], capture_output=True, text=True)
        built = subprocess.run(["cc", "-O2", "-o", program, SOURCE, *flags.stdout.split()], capture_output=True, text=True)
        if built.returncode:
            return {"skipped": built.stderr.strip().splitlines()[-1]}
        run = subprocess.run([program, str(passes)], input=made.stdout, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"exchanges failed: {run.stderr}")
    return {"calls": made.stdout.count("\n"), "cpu_s": float(run.stdout) / 1000}


if __name__ == "__main__":
    for one in requests_of(json.load(sys.stdin)):
        print(json.dumps(one))
