"""Starts and ends that do not go as they should: one clear line each, the right exit status, no crash."""
from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import Daemon, wait_for  # noqa: E402
from lib.scenario import *  # noqa: E402,F403
from lib.scenario import ScenarioTest  # noqa: E402


def said(stderr: str) -> list[str]:
    """Lines that people read, without the sanitizer's banner."""
    return [line for line in stderr.splitlines() if line and not line.startswith(("==", "{"))]


class Missing(ScenarioTest):
    def blocked_with(self, pattern: str, **environment: str | None) -> Daemon:
        """The daemon runs, says once what is missing, shows it in Status, and --once exits 1."""
        daemon = self.given(small(), environment=environment).start()
        for _ in range(3):  # what may pass by itself is told when it stays
            daemon.check()
        told = daemon.events("blocked")
        self.assertEqual(len(told), 1, daemon.stderr())
        self.assertRegex(told[0]["message"], pattern)
        self.assertRegex(daemon.platform()["problem"], pattern)
        self.assertEqual(daemon.stop(), 0)
        return daemon

    def test_a_missing_github_token_names_the_credential_and_the_aws_part_goes_on(self) -> None:
        daemon = self.given(small())
        (daemon.credentials / "github-token").unlink()
        daemon.start()
        daemon.check()
        daemon.check()
        (told,) = daemon.events("blocked")
        self.assertRegex(told["message"], r'credential "github-token" is not there.*LoadCredential=github-token')
        self.assertEqual(self.oracle.names()["buckets"], [BUCKET_NAME])
        self.assertEqual(self.oracle.names()["secrets"], [])
        (daemon.credentials / "github-token").write_text("ghp_sandbox\n")
        daemon.check()
        wait_for(lambda: daemon.platform()["converged"], "convergence with the token")
        self.assertEqual(len(daemon.events("unblocked")), 1)

    def test_a_token_that_is_not_accepted_is_told_and_nothing_else_stops(self) -> None:
        daemon = self.given(small())
        (daemon.credentials / "github-token").write_text("ghp_sandboxexpired\n")
        daemon.start()
        daemon.check()
        wait_for(lambda: self.oracle.names()["buckets"] == [BUCKET_NAME], "the AWS part")
        self.assertRegex(json.dumps(daemon.platform()["blocked"]), r"401|not accepted|token")
        self.assertNotIn("ghp_sandboxexpired", daemon.all_stderr())

    def test_missing_aws_credentials_are_named(self) -> None:
        self.blocked_with(r"(?i)credentials", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)

    def test_an_endpoint_that_nobody_answers_is_named(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        self.blocked_with(re.escape(url.removeprefix("http://")), AWS_ENDPOINT_URL=url)

    def test_a_certificate_nobody_vouches_for_is_refused(self) -> None:
        url, stop = tls_server(self)
        try:
            self.blocked_with(r"(?i)certificate", AWS_ENDPOINT_URL=url)
        finally:
            stop()
        self.assertEqual([r for r in self.cloud.log() if r["server"] == "aws"], [])

    def test_wrong_aws_keys_are_told_as_such(self) -> None:
        daemon = self.blocked_with(r"(?i)InvalidClientTokenId|access key|credentials", AWS_ACCESS_KEY_ID="AKIAUNKNOWN")
        self.assertNotIn("sandbox-secret", daemon.all_stderr())


def tls_server(test: unittest.TestCase) -> tuple[str, object]:
    """An HTTPS server with a certificate of its own making."""
    folder = tempfile.mkdtemp(prefix="mlopsd-tls-")
    test.addCleanup(shutil.rmtree, folder, True)
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-addext",
                           "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key", "-out", f"{folder}/cert"], capture_output=True)
    if made.returncode:
        test.skipTest("openssl can not make a certificate here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/cert", f"{folder}/key")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return f"https://127.0.0.1:{listener.getsockname()[1]}", listener.close


class State(ScenarioTest):
    def test_a_second_daemon_on_the_same_state_is_refused(self) -> None:
        daemon = self.running(small())
        result = subprocess.run(daemon.command(), env={**daemon.environment(), "RUNTIME_DIRECTORY": str(daemon.folder)},
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(len(said(result.stderr)), 1, result.stderr)
        self.assertRegex(result.stderr, r"(?i)lock|another|already")
        self.assertTrue(daemon.platform()["converged"])

    def test_a_second_daemon_on_the_same_socket_is_refused_and_the_first_goes_on(self) -> None:
        daemon = self.running(small())
        (daemon.folder / "state2").mkdir()
        result = subprocess.run(daemon.command(), env={**daemon.environment(), "STATE_DIRECTORY": str(daemon.folder / "state2")},
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"another daemon answers at .*mlopsd\.sock")
        self.assertTrue(daemon.platform()["converged"], "its socket is still there")

    def test_a_damaged_database_is_told_and_not_overwritten(self) -> None:
        daemon = self.given(small())
        self.assertEqual(daemon.once().returncode, 0)
        database = daemon.state / "state.db"
        for rest in daemon.state.glob("state.db-*"):
            rest.unlink()
        database.write_bytes(b"not a database" * 4096)
        result = daemon.once()
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"(?i)state\.db.*(damaged|not a database|malformed)|(damaged|not a database|malformed).*state\.db")
        self.assertEqual(database.read_bytes()[:14], b"not a database", "it may be wanted for a rescue")

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount a tiny file system")
    def test_a_full_disk_stops_writes_to_the_cloud_and_is_told(self) -> None:
        daemon = self.given(full())
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(daemon.state)], capture_output=True).returncode:
            self.skipTest("can not mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(daemon.state)])
        daemon.start().converged()
        filler = daemon.state / "filler"
        with filler.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(b"x" * 4096)
            except OSError:
                pass
        changed = full()
        changed["resources"][ROLE]["description"] = "changed"
        for i in range(5):  # more than what the write-ahead log has in reserve
            changed["outputs"][f"long{i}"] = {"value": "x" * 100000}
        daemon.write_platform(changed)
        mark = self.cloud.mark()
        daemon.reload()
        wait_for(lambda: "the disk is full" in daemon.stderr(), "the full disk to be told")
        daemon.check()
        self.assert_no_write(mark)
        self.assertEqual(daemon.platform()["generation"], 1, "what can not be noted is not begun")
        self.assertEqual(daemon.stop(), 0)
        result = daemon.once()
        self.assertEqual(result.returncode, 1)
        self.assertEqual(len(said(result.stderr)) + len([x for x in result.stderr.splitlines() if x.startswith("{")]), 1, result.stderr)
        filler.unlink()
        daemon.start().converged()
        self.assertEqual(self.oracle.role(ROLE_NAME)["description"], "changed")

    def test_a_bad_daemon_file_is_refused_with_its_place(self) -> None:
        daemon = self.given(small())
        daemon.config_file.write_text("state_dir: /tmp\npoll_intervall: 5s\n")
        result = daemon.once()
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{daemon.config_file}:2:1:", result.stderr)
        check = subprocess.run(daemon.command("--check"), env=daemon.environment(), capture_output=True, text=True)
        self.assertEqual(check.returncode, 1)

    def test_check_reads_the_files_and_touches_nothing(self) -> None:
        daemon = self.given(full())
        check = subprocess.run(daemon.command("--check"), env=daemon.environment(), capture_output=True, text=True)
        self.assertEqual(check.returncode, 0, check.stderr)
        self.assertEqual(self.cloud.log(), [])
        self.assertEqual(list(daemon.state.iterdir()), [])


class Service(ScenarioTest):
    def notified(self, daemon: Daemon) -> tuple[socket.socket, list[str]]:
        path = str(daemon.folder / "notify")
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.bind(path)
        receiver.setblocking(False)
        self.addCleanup(receiver.close)
        daemon.changes = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}
        return receiver, []

    def drain(self, receiver: socket.socket, messages: list[str]) -> list[str]:
        while True:
            try:
                messages += receiver.recv(65536).decode().splitlines()
            except BlockingIOError:
                return messages

    def test_the_manager_hears_of_readiness_reloads_health_and_the_end(self) -> None:
        daemon = self.given(small())
        receiver, heard = self.notified(daemon)
        daemon.start()
        self.assertIn("READY=1", self.drain(receiver, heard))
        daemon.converged()
        wait_for(lambda: "STATUS=1 platform, 5 of 5 resources ready, 0 open drifts" in self.drain(receiver, heard), "the status")
        wait_for(lambda: self.drain(receiver, heard).count("WATCHDOG=1") >= 3, "the watchdog")
        mark = len(heard)
        daemon.reload()
        wait_for(lambda: "READY=1" in self.drain(receiver, heard)[mark:], "the end of the reload")
        self.assertIn("RELOADING=1", heard[mark:])
        self.assertTrue(any(m.startswith("MONOTONIC_USEC=") for m in heard[mark:]))
        self.assertEqual(daemon.stop(), 0)
        self.assertIn("STOPPING=1", self.drain(receiver, heard))

    def test_sigterm_with_calls_in_flight_ends_within_five_seconds_and_the_next_life_finishes(self) -> None:
        daemon = self.given(small())
        rule = self.cloud.fault(service="iam", operation="CreateRole", kind="reply-hangs", seconds=60, times=1)
        daemon.start()
        wait_for(lambda: any(f["id"] == rule and f["fired"] for f in self.cloud.control("GET", "/faults")["faults"]), "the call to hang")
        begun = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIn("abandoned", daemon.stderr())
        self.cloud.clear_faults()
        self.assertEqual(daemon.once().returncode, 0)
        self.assertEqual([r["operation"] for r in self.cloud.log() if r["operation"] == "CreateRole"], ["CreateRole"])

    def test_sigterm_while_idle_ends_at_once_and_leaves_no_socket(self) -> None:
        daemon = self.running(small())
        begun = time.monotonic()
        self.assertEqual(daemon.stop(), 0)
        self.assertLess(time.monotonic() - begun, 3)
        self.assertFalse(os.path.exists(daemon.socket))

    def test_json_lines_parse_and_carry_the_fields(self) -> None:
        daemon = self.running(small())
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600)
        daemon.check()
        daemon.stop()
        for line in daemon.stderr().splitlines():
            if not line.startswith("=="):
                self.assertLessEqual({"time", "level", "message"}, set(json.loads(line)))
        (drift,) = daemon.events("drift")
        self.assertEqual((drift["mlopsd_platform"], drift["mlopsd_resource"], drift["mlopsd_field"], drift["mlopsd_desired"],
                          drift["mlopsd_observed"], drift["mlopsd_severity"]),
                         ("small", ROLE, "max_session_duration", "7200", "3600", "critical"))
        self.assertRegex(drift["message_id"], r"^[0-9a-f]{32}$")


if __name__ == "__main__":
    unittest.main()
