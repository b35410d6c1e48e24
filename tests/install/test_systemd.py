"""The service as a real systemd runs it: installed into a container that is booted for these tests, against a sandbox in the
container's own network. Each test leaves the service running and the platform as declared."""
from __future__ import annotations

import contextlib
import json
import re
import sys
import time
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib import container as containers  # noqa: E402
from lib.cloud import Oracle  # noqa: E402
from lib.container import CanNotBoot, Container  # noqa: E402
from lib.daemon import wait_for  # noqa: E402
from lib.sandbox import ACCESS_KEY, GITHUB_TOKEN, SECRET_KEY, TREE, Sandbox, start_sandbox  # noqa: E402

PLATFORM, ROLE, ROLE_NAME = "abalone-mlops", "aws_iam_role.github_actions", "GitHubActionRole"
REPOSITORY = "abalone-prediction-api"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
DRIFT_ID = "07d0cb2dcd4f407b8d170e75e39f3791"
REFUSED_ID = "632eb234243f4ac6bf611a64e3be638e"
STEADY = "1 platform, 21 of 21 resources ready, 0 open drifts"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--init-groups")

DROP_IN = """
[Unit]
StartLimitIntervalSec=0

[Service]
Environment=AWS_ENDPOINT_URL={aws} GITHUB_API_URL={github} AWS_REGION=us-east-1
Environment=AWS_SHARED_CREDENTIALS_FILE=%d/aws AWS_CONFIG_FILE=/dev/null
LoadCredential=github-token:/etc/mlopsd/credentials/github-token
LoadCredential=aws:/etc/mlopsd/credentials/aws
"""

# The database is left out, its password is not: this is what is told, and looked for where it must not be.
PASSWORD_OF_NOTHING = """
resources:
  github_actions_secret.password: {secret_name: DB_PASSWORD, plaintext_value: "${random_password.db.result}"}
outputs:
  db_password: {value: "${random_password.db.result}", sensitive: true}
"""


def not_here() -> str | None:
    try:
        import boto3  # noqa: F401
        import moto  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed: pip install -r sandbox/requirements.txt"
    return containers.missing()


@unittest.skipIf(not_here() is not None, not_here())
class Service(unittest.TestCase):
    system: Container
    cloud: Sandbox
    oracle: Oracle

    # ---- once: boot, sandbox, configuration, first convergence ----

    @classmethod
    def setUpClass(cls) -> None:
        cls.system = Container()
        cls.addClassCleanup(cls.system.close)
        try:
            cls.system.boot()
        except CanNotBoot as error:
            raise unittest.SkipTest(str(error)) from None
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        stack.enter_context(cls.system.network())
        cls.cloud = stack.enter_context(start_sandbox())
        cls.oracle = Oracle(cls.cloud)
        cls.configure()
        cls.system.check("systemctl", "daemon-reload")
        cls.system.check("journalctl", "--update-catalog")
        cls.system.check("systemctl", "start", "mlopsd")
        wait_for(lambda: cls.show("StatusText") == STEADY, "the first convergence")

    @classmethod
    def configure(cls) -> None:
        """What an administrator would write."""
        etc = cls.system.root / "etc"
        settings = etc / "mlopsd/mlopsd.yaml"
        settings.write_text(re.sub(r"(?m)^poll_interval: .*", "poll_interval: 1s", settings.read_text()))
        example = (TREE / "etc/platforms.d/abalone-mlops.yaml").read_text()
        cls.platform_text = re.sub(r"(?m)^(  repository: .*)", r"\1\n  write_interval: 10ms", example)
        # the parts that are there at once: what a service does does not depend on a cluster
        left_out = "".join(f"\n  with_{part}: false" for part in ("network", "cluster", "database", "studio", "mlflow"))
        cls.platform_text = re.sub(r"(?m)^(  bucket_name: .*)", rf"\1{left_out}", cls.platform_text)
        cls.platform_text = cls.platform_text.replace("\nresources: {}\n", PASSWORD_OF_NOTHING)
        cls.platform_file().write_text(cls.platform_text)
        for name, text in (("github-token", f"{GITHUB_TOKEN}\n"),
                           ("aws", f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")):
            path = etc / "mlopsd/credentials" / name
            path.touch(0o600)
            path.write_text(text)
        cls.drop_in("test", DROP_IN.format(aws=cls.cloud.aws, github=cls.cloud.github))

    @classmethod
    def platform_file(cls) -> Path:
        return cls.system.root / "etc/mlopsd/platforms.d/abalone-mlops.yaml"

    @classmethod
    def drop_in(cls, name: str, text: str) -> None:
        folder = cls.system.root / "etc/systemd/system/mlopsd.service.d"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.conf").write_text(text)

    # ---- asking ----

    @classmethod
    def show(cls, name: str) -> str:
        return cls.system.check("systemctl", "show", "mlopsd", "-P", name).rstrip("\n")

    def ctl(self, *arguments: str) -> Any:
        return json.loads(self.system.check("mlopsctl", "--json", *arguments))

    def generation(self) -> int:
        return int(self.ctl("status")["platforms"][0]["generation"])

    def now(self) -> str:
        """A time for `journalctl --since`. Not a cursor: with a match, --after-cursor of 252 leaves out one entry too many."""
        return f"@{time.time():.6f}"

    def journal(self, since: str, *match: str) -> list[dict[str, Any]]:
        said = self.system.check("journalctl", "-o", "json", "-a", f"--since={since}", *match)
        return [json.loads(line) for line in said.splitlines()]

    def proc(self, name: str) -> str:
        """A file of the daemon's /proc, read by root inside."""
        return self.system.check("cat", f"/proc/{self.show('MainPID')}/{name}")

    def steady(self) -> None:
        wait_for(lambda: self.show("ActiveState") == "active" and self.show("StatusText") == STEADY, f"the status {STEADY!r}")

    def reload_with(self, text: str) -> int:
        """Write the platform file and reload; the exit status of systemctl."""
        self.platform_file().write_text(text)
        return self.system.run("systemctl", "reload", "mlopsd").returncode

    def drift(self) -> dict[str, Any]:
        """Attach a policy behind the daemon's back; the journal's entry about it."""
        since = self.now()
        self.oracle.iam.attach_role_policy(RoleName=ROLE_NAME, PolicyArn=ADMINISTRATOR)
        return wait_for(lambda: self.journal(since, "MLOPSD_EVENT=drift"), "a drift in the journal")[0]

    # ---- tests ----

    def test_it_is_ready_and_says_in_one_line_how_it_stands(self) -> None:
        self.steady()
        self.assertEqual(self.system.run("systemctl", "is-active", "mlopsd").stdout, "active\n")
        self.assertEqual(self.show("Type"), "notify")
        self.assertIn(f'Status: "{STEADY}"', self.system.check("systemctl", "status", "--no-pager", "mlopsd"))

    def test_a_reload_waits_until_the_files_are_read(self) -> None:
        """In force is the new generation as soon as no pass works for the old one."""
        before = self.generation()
        changed = self.platform_text.replace("parameters:\n", "parameters:\n  image_tag_mutability: IMMUTABLE\n", 1)
        try:
            self.assertEqual(self.reload_with(changed), 0)
            wait_for(lambda: self.generation() == before + 1, "the new generation")
            wait_for(lambda: self.oracle.repository(REPOSITORY)["image_tag_mutability"] == "IMMUTABLE", "the change")
        finally:
            self.assertEqual(self.reload_with(self.platform_text), 0)
        wait_for(lambda: self.generation() == before + 2, "the generation after it")
        wait_for(lambda: self.oracle.repository(REPOSITORY)["image_tag_mutability"] == "MUTABLE", "the change back")
        self.steady()

    def test_a_reload_tells_the_manager_reloading_and_ready(self) -> None:
        self.system.check("systemctl", "log-level", "debug")
        try:
            for way in (("systemctl", "reload", "mlopsd"), ("systemctl", "kill", "-s", "HUP", "mlopsd")):
                with self.subTest(way[1]):
                    since = self.now()
                    self.system.check(*way)
                    told = wait_for(lambda: self.told(since, "READY=1"), "READY=1")  # noqa: B023
                    self.assertLess(self.told(since, "RELOADING=1")[0], told[0])
                    self.assertEqual(self.show("ActiveState"), "active")
        finally:
            self.system.check("systemctl", "log-level", "info")

    def told(self, since: str, what: str) -> list[int]:
        """When the manager got a message with this in it, in microseconds."""
        return [int(entry["__MONOTONIC_TIMESTAMP"]) for entry in self.journal(since, "_PID=1")
                if "Got notification message" in entry["MESSAGE"] and re.search(rf"\b{what}\b", entry["MESSAGE"])]

    def test_a_refused_file_fails_the_reload_and_stops_nothing(self) -> None:
        before, since = self.generation(), self.now()
        stranger = self.platform_file().with_name("stranger.yaml")
        try:
            self.assertNotEqual(self.reload_with(self.platform_text.replace("region: us-east-1", "region: [1]")), 0)
            self.assertEqual((self.generation(), self.show("ActiveState")), (before, "active"))
            self.platform_file().write_text(self.platform_text)
            stranger.write_text("platform: stranger\nresources: {nonsense: {}}\n")
            self.assertNotEqual(self.system.run("systemctl", "reload", "mlopsd").returncode, 0, "a new file is refused, too")
        finally:
            stranger.unlink(missing_ok=True)
            self.assertEqual(self.reload_with(self.platform_text), 0)
        refused = self.journal(since, f"MESSAGE_ID={REFUSED_ID}")
        self.assertEqual([entry["PRIORITY"] for entry in refused], ["3", "3"])
        self.assertIn("/etc/mlopsd/platforms.d/abalone-mlops.yaml is refused", refused[0]["MESSAGE"])
        self.assertIn("/etc/mlopsd/platforms.d/stranger.yaml is refused", refused[1]["MESSAGE"])
        self.steady()

    def test_a_drift_is_one_structured_entry_and_is_put_right(self) -> None:
        since = self.now()
        drift = self.drift()
        self.assertLessEqual({"MESSAGE_ID": DRIFT_ID, "PRIORITY": "2", "MLOPSD_SEVERITY": "critical", "MLOPSD_PLATFORM": PLATFORM,
                              "MLOPSD_RESOURCE": ROLE, "SYSLOG_IDENTIFIER": "mlopsd",
                              "_SYSTEMD_UNIT": "mlopsd.service", "_TRANSPORT": "journal"}.items(), drift.items())
        self.assertTrue(drift["MLOPSD_FIELD"].startswith("managed_policy_arns"), drift["MLOPSD_FIELD"])
        self.assertIn(ADMINISTRATOR, drift["MLOPSD_OBSERVED"])
        resolved = wait_for(lambda: self.journal(since, "MLOPSD_EVENT=resolved"), "the end of the drift")
        self.assertEqual((resolved[0]["PRIORITY"], resolved[0]["MLOPSD_RESOURCE"]), ("5", ROLE))
        self.assertEqual(len(self.journal(since, "MLOPSD_EVENT=drift")), 1)
        self.assertEqual(self.oracle.role(ROLE_NAME)["managed_policy_arns"], [])
        self.steady()

    def test_a_changed_value_is_told_with_what_was_wanted_and_what_was_found(self) -> None:
        since = self.now()
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=7200)
        field = "MLOPSD_FIELD=max_session_duration"  # moto forgets the description as well: a drift of its own
        drift = wait_for(lambda: self.journal(since, "MLOPSD_EVENT=drift", field), "the drift in the journal")[0]
        self.assertEqual((drift["MLOPSD_DESIRED"], drift["MLOPSD_OBSERVED"]), ("3600", "7200"))
        self.assertEqual(drift["PRIORITY"], {"critical": "2", "warning": "4", "notice": "5"}[drift["MLOPSD_SEVERITY"]])
        wait_for(lambda: self.journal(since, "MLOPSD_EVENT=resolved", field), "the end of the drift")
        self.steady()

    def test_the_catalog_explains_an_entry(self) -> None:
        since = self.now()
        self.drift()
        said = self.system.check("journalctl", "-x", f"--since={since}", "MLOPSD_EVENT=drift")
        self.assertIn("Subject: A resource drifted", said)
        self.assertIn(f"changed {ROLE} outside mlopsd", said)
        self.assertIn(ADMINISTRATOR, said)
        wait_for(lambda: self.journal(since, "MLOPSD_EVENT=resolved"), "the end of the drift")
        self.steady()

    def test_state_socket_and_process_belong_to_a_user_of_their_own(self) -> None:
        listed = self.system.check("find", "/var/lib/mlopsd/", "/var/lib/private/mlopsd", "/run/mlopsd", "-printf", "%p %y %m %u %g\n")
        found = {path: rest for path, _, rest in (line.partition(" ") for line in listed.splitlines())}
        self.assertEqual(found.pop("/run/mlopsd"), "d 755 mlopsd mlopsd")
        self.assertEqual(found.pop("/run/mlopsd/mlopsd.sock"), "s 666 mlopsd mlopsd")
        self.assertEqual(found["/var/lib/private/mlopsd"], "d 700 mlopsd mlopsd")
        self.assertEqual(found["/var/lib/mlopsd/state.db"], "f 600 mlopsd mlopsd")
        self.assertEqual({rest for rest in found.values()}, {"d 700 mlopsd mlopsd", "f 600 mlopsd mlopsd"})
        status = dict(line.split(":\t", 1) for line in self.proc("status").splitlines() if ":\t" in line)
        user = self.system.check("id", "-u", "mlopsd").strip()
        self.assertEqual(set(status["Uid"].split()), {user})
        self.assertNotEqual(user, "0")
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"], int(status["CapEff"], 16), int(status["CapBnd"], 16)), ("1", "2", 0, 0))
        self.assertRegex(self.proc("limits"), r"Max core file size +0 +0 ")

    def test_others_may_look_and_members_of_the_group_may_change(self) -> None:
        nobody = [*NOBODY, "mlopsctl"]
        self.assertIn(PLATFORM, self.system.check(*nobody, "status"))
        for forbidden in (["pause"], ["reload"], ["apply"], ["output", "--reveal", "db_password"]):
            with self.subTest(forbidden):
                result = self.system.run(*nobody, *forbidden)
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn("may not", result.stderr)
        self.assertFalse(self.ctl("status")["platforms"][0]["paused"])
        self.system.check("usermod", "-a", "-G", "mlopsd", "nobody")
        try:
            self.system.check(*nobody, "pause")
            self.assertTrue(self.ctl("status")["platforms"][0]["paused"])
        finally:
            self.system.check("gpasswd", "-d", "nobody", "mlopsd")
            self.system.check("mlopsctl", "resume")
        self.assertEqual(self.system.run(*nobody, "pause").returncode, 1)

    def test_a_stuck_daemon_is_killed_and_started_again_and_does_nothing_twice(self) -> None:
        self.drop_in("watchdog", "[Service]\nWatchdogSec=1s\nRestartSec=100ms\n")
        try:
            self.system.check("systemctl", "daemon-reload")
            self.system.check("systemctl", "restart", "mlopsd")
            self.steady()
            time.sleep(2.2)  # two beats and more: it must not be killed while it is well
            first, since, mark, names = self.show("MainPID"), self.now(), self.cloud.mark(), self.oracle.names()
            self.assertEqual(self.show("NRestarts"), "0")
            self.system.check("kill", "-STOP", first)
            wait_for(lambda: self.show("NRestarts") == "1" and self.show("ActiveState") == "active", "the restart")
            self.steady()
            self.assertNotEqual(self.show("MainPID"), first)
            manager = " ".join(entry["MESSAGE"] for entry in self.journal(since, "_PID=1"))
            self.assertIn("Watchdog timeout", manager)
            self.assertIn("code=killed, status=6/ABRT", manager)  # code=dumped would be a core file
            self.assertEqual([record["operation"] for record in self.cloud.log(mark) if record["write"]], [])
            self.assertEqual(self.journal(since, "MLOPSD_EVENT=adopt", "MLOPSD_EVENT=create", "MLOPSD_EVENT=update"), [])
            self.assertEqual(self.oracle.names(), names)
        finally:
            (self.system.root / "etc/systemd/system/mlopsd.service.d/watchdog.conf").unlink()
            self.system.check("systemctl", "daemon-reload")
            self.system.check("systemctl", "restart", "mlopsd")
        self.steady()

    def test_it_stops_at_once_even_with_a_call_in_flight(self) -> None:
        for hanging in (False, True):
            with self.subTest(hanging=hanging):
                if hanging:
                    self.cloud.fault(server="aws", kind="hang", seconds=30)
                    time.sleep(1.5)  # a pass begins every second
                start = time.monotonic()
                self.system.check("systemctl", "stop", "mlopsd")
                took = time.monotonic() - start
                self.cloud.clear_faults()
                self.assertLess(took, 5)
                self.assertEqual((self.show("ActiveState"), self.show("Result"), self.show("ExecMainStatus")), ("inactive", "success", "0"))
                self.system.check("systemctl", "start", "mlopsd")
                self.steady()

    def test_no_secret_shows_anywhere(self) -> None:
        password = self.system.check("mlopsctl", "output", "--raw", "--reveal", "db_password").strip().strip('"')
        self.assertGreaterEqual(len(password), 16)
        self.assertEqual(self.cloud.github_secrets()["DB_PASSWORD"], password)
        time.sleep(1.1)  # GitHub's times have whole seconds: a write in the second of our own does not show
        self.cloud.overwrite_github_secret("DB_PASSWORD", "not-the-password")
        wait_for(lambda: self.cloud.github_secrets()["DB_PASSWORD"] == password, "the secret to be put right")
        self.steady()
        process = f"/proc/{self.show('MainPID')}"
        places = {
            "systemctl show": ("systemctl", "show", "mlopsd"),
            "journal": ("journalctl", "-a", "-o", "export"),
            "environment and command line": ("cat", f"{process}/environ", f"{process}/cmdline"),
            "state": ("sh", "-c", "cat /var/lib/mlopsd/*"),
            "status": ("mlopsctl", "--json", "status"),
            "history": ("mlopsctl", "--json", "history"),
            "output": ("mlopsctl", "--json", "output"),
        }
        for place, command in places.items():
            text = self.system.check(*command)
            self.assertTrue(text, place)
            for name, secret in (("GitHub token", GITHUB_TOKEN), ("AWS secret key", SECRET_KEY), ("password", password),
                                 ("somebody's password", "not-the-password")):
                with self.subTest(place, secret=name):
                    self.assertFalse(secret in text, f"{place} shows the {name}")  # not assertNotIn: it would print the text


if __name__ == "__main__":
    unittest.main()
