"""What `make install` and `make dist` give to a packager, without any systemd running."""
from __future__ import annotations

import lzma
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import staging  # noqa: E402
from lib.sandbox import TREE  # noqa: E402

EXPOSURE_TIMES_TEN = "15"
UNIT = "lib/systemd/system/mlopsd.service"  # under / or /usr, as pkg-config says
FILES = {
    "etc/mlopsd/mlopsd.yaml": 0o644,
    "usr/bin/mlopsctl": 0o755,
    "usr/sbin/mlopsd": 0o755,
    "usr/lib/sysusers.d/mlopsd.conf": 0o644,
    "usr/lib/systemd/catalog/mlopsd.catalog": 0o644,
    "usr/lib/tmpfiles.d/mlopsd.conf": 0o644,
    "usr/share/bash-completion/completions/mlopsctl": 0o644,
    "usr/share/doc/mlopsd/LICENSE": 0o644,
    "usr/share/doc/mlopsd/NEWS": 0o644,
    "usr/share/doc/mlopsd/README.md": 0o644,
    "usr/share/doc/mlopsd/SECURITY.md": 0o644,
    "usr/share/doc/mlopsd/examples/mlopsd.yaml": 0o644,
    "usr/share/doc/mlopsd/examples/platforms.d/abalone-mlops.yaml": 0o644,
    "usr/share/mlopsd/blueprints/github-oidc-only.yaml": 0o644,
    "usr/share/mlopsd/blueprints/lambda/deploy_trigger.py": 0o644,
    "usr/share/mlopsd/blueprints/mlops-platform.yaml": 0o644,
    "usr/share/mlopsd/io.mlopsd.varlink": 0o644,
}
MAN_PAGES = {
    "usr/share/man/man1/mlopsctl.1": 0o644,
    "usr/share/man/man5/mlopsd.yaml.5": 0o644,
    "usr/share/man/man8/mlopsd.8": 0o644,
}
NOT_IN_THE_TARBALL = (".ci/", ".git", ".github/")


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise unittest.SkipTest(f"{program} is not installed")


@unittest.skipIf(staging.missing() is not None, staging.missing())
class Installed(unittest.TestCase):
    """One staged installation for all."""

    folder: Path
    temporary: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory(prefix="mlopsd-install-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name) / "staged"
        old = os.umask(0o022)
        try:
            staging.install(cls.folder)
        finally:
            os.umask(old)

    def files(self, folder: Path | None = None) -> dict[str, int]:
        """Path below the folder → permissions, of all that is no directory."""
        base = folder or self.folder
        return {str(path.relative_to(base)): stat.S_IMODE(path.lstat().st_mode)
                for path in base.rglob("*") if path.is_symlink() or not path.is_dir()}

    def unit(self) -> Path:
        found = [path for path in (self.folder / UNIT, self.folder / "usr" / UNIT) if path.exists()]
        self.assertEqual(len(found), 1, "the unit is installed once")
        return found[0]

    def copy(self) -> Path:
        """The staged files once more, to be changed."""
        folder = Path(tempfile.mkdtemp(dir=self.temporary.name))
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return folder

    def test_every_file_is_there_with_its_mode_and_no_other(self) -> None:
        unit = str(self.unit().relative_to(self.folder))
        has_scdoc = "\nman_MANS" in (staging.release_build() / "Makefile").read_text()
        self.assertEqual(self.files(), {**FILES, unit: 0o644, **(MAN_PAGES if has_scdoc else {})})
        for folder in ("platforms.d", "blueprints"):
            self.assertTrue((self.folder / "etc/mlopsd" / folder).is_dir(), folder)

    def test_no_text_names_the_staging_folder_or_a_placeholder(self) -> None:
        for name in self.files():
            if name.endswith(("sbin/mlopsd", "bin/mlopsctl")):
                continue
            text = (self.folder / name).read_text()
            with self.subTest(name):
                self.assertNotIn(str(self.folder), text)
                self.assertNotIn(str(TREE) + "/", text)
                self.assertNotRegex(text, r"@[a-z]+dir@")

    def test_a_later_install_and_an_uninstall_keep_the_administrators_file(self) -> None:
        folder = self.copy()
        settings = folder / "etc/mlopsd/mlopsd.yaml"
        settings.write_text("poll_interval: 5m\n")
        staging.install(folder)
        self.assertEqual(settings.read_text(), "poll_interval: 5m\n")
        self.assertEqual(staging.make("uninstall", f"DESTDIR={folder}").returncode, 0)
        self.assertEqual(list(self.files(folder)), ["etc/mlopsd/mlopsd.yaml"])

    def test_an_uninstall_takes_the_unchanged_file_and_its_folders_along(self) -> None:
        folder = self.copy()
        self.assertEqual(staging.make("uninstall", f"DESTDIR={folder}").returncode, 0)
        self.assertEqual(self.files(folder), {})
        self.assertFalse((folder / "etc/mlopsd").exists())

    def test_the_installed_mlopsd_finds_the_installed_blueprint(self) -> None:
        if not staging.can_overlay(self.folder):
            self.skipTest("no mount namespace with an overlay here")
        examples = self.folder / "usr/share/doc/mlopsd/examples"  # has no blueprints beside its mlopsd.yaml
        check = f"exec /usr/sbin/mlopsd --check --config '{examples}/mlopsd.yaml'"
        result = staging.as_installed(self.folder, check)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("1 platform file, 59 resources, no mistakes", result.stdout)

        without = self.copy()
        (without / "usr/share/mlopsd/blueprints/mlops-platform.yaml").unlink()
        if Path("/usr/share/mlopsd/blueprints/mlops-platform.yaml").exists():
            return
        result = staging.as_installed(without, check)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("/usr/share/mlopsd/blueprints", result.stdout)

    def test_systemd_finds_nothing_wrong_with_the_unit(self) -> None:
        needs("systemd-analyze")
        if not staging.can_overlay(self.folder):
            self.skipTest("no mount namespace with an overlay here")
        result = staging.as_installed(self.folder, 'exec systemd-analyze verify --man=no "$1"', str(self.unit()))
        self.assertEqual((result.returncode, result.stdout.strip()), (0, ""))

    def test_the_unit_is_hardly_exposed(self) -> None:
        needs("systemd-analyze")
        result = staging.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                              f"--threshold={EXPOSURE_TIMES_TEN}", str(self.unit())])
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_journalctl_takes_the_catalog(self) -> None:
        needs("journalctl")
        folder = self.copy()
        (folder / "var/lib/systemd/catalog").mkdir(parents=True)
        result = staging.run(["journalctl", "--update-catalog", f"--root={folder}"])
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        self.assertTrue((folder / "var/lib/systemd/catalog/database").stat().st_size > 0)

    def test_sysusers_and_tmpfiles_make_the_user_and_the_folders(self) -> None:
        needs("systemd-sysusers", "systemd-tmpfiles")
        if os.geteuid() != 0:
            self.skipTest("folders are given to other users: only root can")
        folder = self.copy()
        for command in (["systemd-sysusers", f"--root={folder}", "mlopsd.conf"],
                        ["systemd-tmpfiles", f"--root={folder}", "--create", "mlopsd.conf"]):
            result = staging.run(command)
            self.assertEqual(result.returncode, 0, result.stdout)
        user = next(line.split(":") for line in (folder / "etc/passwd").read_text().splitlines() if line.startswith("mlopsd:"))
        self.assertIn(f"\nmlopsd:x:{user[3]}:", "\n" + (folder / "etc/group").read_text())
        self.assertTrue(user[6].endswith("/nologin"), user)
        found = {}
        for path in (folder / "etc/mlopsd").iterdir():
            status = path.stat()
            if path.is_dir():
                found[path.name] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
        self.assertEqual(found, {"platforms.d": (0o750, 0, int(user[3])), "blueprints": (0o755, 0, 0), "credentials": (0o700, 0, 0)})

    def test_the_completion_knows_mlopsctl(self) -> None:
        needs("bash")
        file = self.folder / "usr/share/bash-completion/completions/mlopsctl"
        result = staging.run(["bash", "--norc", "-c", f"source '{file}' && complete -p mlopsctl"])
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_the_manual_pages_have_no_errors(self) -> None:
        needs("mandoc")
        pages = [str(self.folder / name) for name in MAN_PAGES if (self.folder / name).exists()]
        if not pages:
            self.skipTest("built without scdoc: no manual pages")
        result = staging.run(["mandoc", "-T", "lint", "-W", "error", *pages])  # scdoc leaves warnings about empty paragraphs
        self.assertEqual(result.returncode, 0, result.stdout)


@unittest.skipIf(staging.missing() is not None, staging.missing())
class Tarball(unittest.TestCase):
    def test_it_builds_installs_and_uninstalls_and_holds_every_source(self) -> None:
        # Building and running the unit tests in it as well takes two minutes more: with MLOPSD_SLOW=1.
        fewer = [] if os.environ.get("MLOPSD_SLOW") == "1" else ["TESTS=", "check_PROGRAMS="]
        result = staging.make("-s", "distcheck", *fewer, "DISTCHECK_CONFIGURE_FLAGS='CFLAGS=-O1 -g'", timeout=900)
        self.assertEqual(result.returncode, 0, result.stdout[-6000:])
        self.assertNotIn("not dumped", result.stdout)
        [archive] = staging.release_build().glob("mlopsd-*.tar.xz")
        self.addCleanup(archive.unlink)
        with lzma.open(archive) as plain, tarfile.open(fileobj=plain) as tar:
            held = {member.name.partition("/")[2]: member for member in tar if member.isfile()}
        made = [name for name in held if name.endswith((".o", ".a", ".pyc", ".log", ".trs")) or name.startswith("build/")]
        self.assertEqual(made, [])
        for name in ("quickstart", "mlops-sandbox", "configure", "scripts/demo"):
            self.assertTrue(held[name].mode & 0o111, f"{name} can be run")
        self.compare_with_git(set(held))

    def compare_with_git(self, held: set[str]) -> None:
        try:
            listed = subprocess.run(["git", "-C", str(TREE), "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return  # no repository: this is a tarball itself
        wanted = {name for name in listed.split("\0") if name and not name.startswith(NOT_IN_THE_TARBALL)}
        self.assertEqual(sorted(name for name in wanted - held if (TREE / name).exists()), [])


if __name__ == "__main__":
    unittest.main()
