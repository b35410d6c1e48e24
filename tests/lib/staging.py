"""`make install` into a folder of its own, and commands that see that folder's /usr over the real one."""
from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from .sandbox import TREE

WANTED_PREFIX = "--prefix=/usr"


def release_build() -> Path:
    """The build tree that is installed: no sanitizers, for the prefix /usr."""
    return Path(os.environ.get("MLOPSD_RELEASE_BUILD") or TREE / "build" / "release")


@functools.lru_cache(maxsize=1)
def missing() -> str | None:
    """Why nothing can be installed here, or None."""
    build = release_build()
    if not (build / "Makefile").exists():
        return f"{build} was not configured: ./quickstart build, or set MLOPSD_RELEASE_BUILD"
    if shutil.which("make") is None:
        return "make is not installed"
    settings = run([str(build / "config.status"), "--config"]).stdout
    if WANTED_PREFIX not in settings or "--sysconfdir=/etc" not in settings:
        return f"{build} was not configured with {WANTED_PREFIX} --sysconfdir=/etc"
    return None


def run(command: list[str], timeout: float = 120, **more: object) -> subprocess.CompletedProcess[str]:
    """Run to the end; stdout and stderr come as one text."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=timeout, **more)  # type: ignore[call-overload]


def make(*arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """make in the release build; what a make above this test would hand down is left out."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    jobs = f"-j{os.cpu_count() or 1}"
    return run(["make", "-C", str(release_build()), "--no-print-directory", jobs, *arguments], timeout, env=environment)


def install(folder: Path) -> None:
    """`make install DESTDIR=folder`."""
    result = make("install", f"DESTDIR={folder}")
    if result.returncode != 0:
        raise AssertionError(f"make install failed:\n{result.stdout[-4000:]}")


def as_installed(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script where /usr is the real one with the staged one laid over it; nothing outside notices."""
    command = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    lay = 'mount -t overlay overlay -o "lowerdir=$0/usr:/usr" /usr || exit 125\n'
    return run([*command, "sh", "-c", lay + script, str(folder), *arguments])


@functools.lru_cache(maxsize=1)
def can_overlay(folder: Path) -> bool:
    """Does `as_installed` work here?"""
    try:
        return as_installed(folder, "exit 0").returncode == 0
    except OSError:
        return False
