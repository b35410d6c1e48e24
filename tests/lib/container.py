"""A real systemd for a test, in half a second: this machine's own files under an overlay, mlopsd installed into it, booted by
systemd-nspawn up to basic.target. Inside there is only loopback; `network()` takes this process there.

All mounts and processes live in a mount and a PID namespace that end with the process that started them, however that ends. What may
stay behind after a kill -9 of the test are empty cgroups named mlopsd-test-PID and an empty folder.
"""
from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from . import staging

BOOT_SECONDS = 20
CLONE_NEWNET = 0x40000000

# $0 = a folder of our own, $1 = name, $2 = build tree, $3... = cgroups to be in
BOOT = """
set -e
folder=$0 name=$1 build=$2
shift 2
for group; do echo $$ >"$group/cgroup.procs"; done
mount -t tmpfs -o mode=0755 tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/merged"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/merged"
root=$folder/merged
rm -rf "$root/etc/systemd/system" "$root/var/log/journal" "$root/var/lib/mlopsd" "$root/var/lib/private/mlopsd" "$root/etc/mlopsd"
mkdir -p "$root/etc/systemd/system"
: >"$root/etc/machine-id"
make -s -C "$build" install DESTDIR="$root" >/dev/null
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn -q --register=no --keep-unit --private-network --link-journal=no --resolv-conf=off --timezone=off \\
    --console=pipe --machine="$name" -D "$root" /lib/systemd/systemd --unit=basic.target
"""


class CanNotBoot(Exception):
    """Not on this machine; the reason is the text."""


def missing() -> str | None:
    """Why no container can be tried here, or None. Whether it boots is seen by trying."""
    if os.geteuid() != 0:
        return "a systemd of one's own needs root"
    for program in ("systemd-nspawn", "nsenter", "unshare", "setpriv", "systemctl", "journalctl"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return staging.missing()


def _hierarchies() -> list[Path]:
    """Where the cgroup file systems that systemd looks at are mounted."""
    found = []
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(where))
    return found


class Container:
    """One booted system. `root` is its file system as seen from here; do not follow absolute symlinks in it."""

    def __init__(self) -> None:
        self.name = f"mlopsd-test-{os.getpid()}"
        self.folder = Path(tempfile.mkdtemp(prefix="mlopsd-nspawn-"))
        self.groups: list[Path] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.leader = 0

    @property
    def root(self) -> Path:
        return Path(f"/proc/{self.leader}/root")

    def boot(self) -> None:
        """Start it and wait until it is up; raises CanNotBoot."""
        made = staging.make("all")
        if made.returncode != 0:
            raise AssertionError(f"the build failed:\n{made.stdout[-4000:]}")
        try:
            for hierarchy in _hierarchies():
                group = hierarchy / self.name
                group.mkdir()
                self.groups.append(group)
        except OSError as error:
            raise CanNotBoot(f"no cgroup can be made: {error}") from None
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "--pid", "--fork",
                   "--kill-child", "--mount-proc", "sh", "-c", BOOT, str(self.folder), self.name, str(staging.release_build()), *map(str, self.groups)]
        with self._console().open("wb") as console:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
        end = time.monotonic() + BOOT_SECONDS
        while not self._is_up():
            if self.process.poll() is not None or time.monotonic() > end:
                raise CanNotBoot(f"systemd does not boot in systemd-nspawn here: {self._console().read_text(errors='replace')[-500:]!r}")
            time.sleep(0.05)

    def _console(self) -> Path:
        return self.folder.with_name(self.folder.name + ".console")

    def _is_up(self) -> bool:
        if not self.leader:
            self.leader = self._find_leader()
        return bool(self.leader) and self.run("systemctl", "is-active", "basic.target").stdout.strip() == "active"

    def _find_leader(self) -> int:
        """The process that is number 1 inside, by its number here; 0 while there is none."""
        assert self.process
        with contextlib.suppress(OSError):
            for nspawn in _children(self.process.pid):
                for child in _children(nspawn):
                    status = Path(f"/proc/{child}/status").read_text()
                    numbers = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
                    if numbers[-1] == "1" and status.startswith("Name:\tsystemd\n"):
                        return child
        return 0

    def run(self, *command: str, timeout: float = 30, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command inside as root; stdout and stderr apart."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
        return subprocess.run(["nsenter", "-t", str(self.leader), "-a", *command], input=text or "", capture_output=True, text=True,
                              errors="replace", timeout=timeout, env=environment)

    def check(self, *command: str, timeout: float = 30) -> str:
        """The same; what it said, or an AssertionError when it failed."""
        result = self.run(*command, timeout=timeout)
        if result.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """This thread, and the processes it starts, are in the network of the container for so long."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/proc/{self.leader}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(there)
            os.close(home)

    def close(self) -> None:
        """Stop it and leave nothing behind; may be called at any time."""
        if self.process:
            if self.leader and self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.leader, signal.SIGRTMIN + 4)  # poweroff.target
            try:
                self.process.wait(10 if self.leader else 0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        for group in self.groups:
            _remove_cgroup(group)
        self._console().unlink(missing_ok=True)
        self.folder.rmdir()  # the mounts were never here


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _remove_cgroup(group: Path) -> None:
    """End what is still in it. The kernel lets go of a cgroup a moment after its last process."""
    for _ in range(100):
        try:
            for members in group.rglob("cgroup.procs"):
                for member in members.read_text().split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(member), signal.SIGKILL)
            for below in sorted((path for path in group.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts)):
                below.rmdir()
            group.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)
