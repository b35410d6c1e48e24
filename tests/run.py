#!/usr/bin/env python3
"""The whole test suite, and one line at the end: N passed, N failed, N skipped.

    tests/run.py            everything
    tests/run.py unit       one part: unit, unit-plain, sandbox, scenario, fault, install
    tests/run.py --long     a thousand quiet passes, kill -9 at every chosen write, more seeds; before the names of parts, if any

Parts run one after another; each test can also be run alone (docs/testing.md).
"""
import os
import re
import subprocess
import sys
import time
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
CHECK = Path(os.environ.get("MLOPSD_BUILD", TOP / "build" / "check"))
RELEASE = TOP / "build" / "release"
SPECS = TOP.parent / "shared" / "specs"  # GitHub's own description of its API; does not ship: without it two tests say they skip


class Count:
    """What a part came to."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    def add(self, passed: int = 0, failed: int = 0, skipped: int = 0) -> None:
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def show_failures(build: Path) -> None:
    """The logs of what failed, so that a report of CI alone is enough to understand it."""
    for trs in sorted(build.glob("tests/**/*.trs")):
        text = trs.read_text(errors="replace")
        if re.search(r":test-result: (FAIL|ERROR|XPASS)", text):
            log = trs.with_suffix(".log")
            print(f"--- {log.relative_to(build)}")
            print("\n".join(log.read_text(errors="replace").splitlines()[-60:]))


def make_check(build: Path, count: Count) -> None:
    """`make check` of a build tree; automake's own summary is what counts."""
    run = subprocess.run(["make", "-C", str(build), "--no-print-directory", "-j", str(os.cpu_count() or 2), "check"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    found = dict(re.findall(r"^# (TOTAL|PASS|SKIP|XFAIL|FAIL|XPASS|ERROR):\s+(\d+)", run.stdout, re.M))
    if not found:
        print("\n".join(run.stdout.splitlines()[-60:]))
        count.add(failed=1)
        return
    number = {key: int(value) for key, value in found.items()}
    failed = number["FAIL"] + number["XPASS"] + number["ERROR"]
    count.add(number["PASS"] + number["XFAIL"], failed, number["SKIP"])
    if failed:
        print("\n".join(line for line in run.stdout.splitlines() if re.match(r"(FAIL|ERROR|XPASS):", line)))
        show_failures(build)
    elif run.returncode != 0:
        print("\n".join(run.stdout.splitlines()[-60:]))
        count.add(failed=1)


def unittests(folder: str, count: Count) -> None:
    """Python tests of one folder, with the sanitizer build as the daemon under test."""
    os.environ.setdefault("MLOPSD_BUILD", str(CHECK))
    start = TOP / "tests" / folder
    top = TOP if (start / "__init__.py").exists() else start
    sys.path.insert(0, str(top))
    suite = unittest.TestLoader().discover(str(start), top_level_dir=str(top))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1, buffer=True).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    for test, why in result.skipped:
        print(f"skipped: {test}: {why}")
    count.add(result.testsRun - failed - len(result.skipped), failed, len(result.skipped))


PARTS = {
    "unit": lambda count: make_check(CHECK, count),
    "unit-plain": lambda count: make_check(RELEASE, count),
    "sandbox": lambda count: unittests("sandbox", count),
    "scenario": lambda count: unittests("scenario", count),
    "fault": lambda count: unittests("fault", count),
    "install": lambda count: unittests("install", count),
}


def run_part(name: str) -> Count:
    """One part, and what it came to."""
    count = Count()
    print(f"==> {name}", flush=True)
    start = time.monotonic()
    PARTS[name](count)
    print(f"==> {name}: {count} ({time.monotonic() - start:.0f} s)", flush=True)
    return count


LONG = {"MLOPSD_LONG": "1", "MLOPSD_PASSES": "1000", "MLOPSD_SEED": "1 2 3 4 5"}  # read by tests/fault and tests/scenario


def main(names: list[str]) -> int:
    if names[:1] == ["--long"]:
        names = names[1:]
        for variable, value in LONG.items():
            os.environ.setdefault(variable, value)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"run.py: {unknown[0]!r} is no part; parts: {', '.join(PARTS)}", file=sys.stderr)
        return 64
    total = Count()
    if SPECS.is_dir():
        os.environ.setdefault("MLOPSD_SPECS", str(SPECS))
        os.environ.setdefault("MLOPS_GITHUB_OPENAPI", str(SPECS / "github-openapi-subset.json"))
        os.environ.setdefault("MLOPS_KUBERNETES_OPENAPI", str(SPECS / "kubernetes-openapi-subset.json"))
    for name in names or PARTS:
        part = run_part(name)
        total.add(part.passed, part.failed, part.skipped)
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
