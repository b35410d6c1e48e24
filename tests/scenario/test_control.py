"""The control socket: what it answers, whom, and what it does with clients that misbehave; and where no secret may show."""
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from lib.daemon import Daemon, program, wait_for  # noqa: E402
from lib.scenario import *  # noqa: E402,F403
from lib.scenario import ScenarioTest  # noqa: E402
from lib.varlink import VarlinkError  # noqa: E402

TREE = Path(__file__).resolve().parents[2]
AS_NOBODY = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from lib.varlink import Varlink, VarlinkError
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for method, parameters in (("Status", {}), ("Output", {}), ("Output", {"reveal": True}), ("Apply", {}), ("Pause", {}), ("Reload", {})):
    with Varlink(sys.argv[2]) as connection:
        try:
            print(json.dumps([method, "ok", connection.call(method, parameters)]))
        except VarlinkError as error:
            print(json.dumps([method, error.name, error.parameters]))
"""


class Protocol(ScenarioTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.cloud.reset()
        cls.shared = Daemon(cls.cloud)
        cls.addClassCleanup(cls.shared.close)
        cls.shared.write_platform(small())
        cls.shared.start().converged()

    def setUp(self) -> None:
        self.daemon = self.shared  # only asked, never changed

    def still_serves(self) -> None:
        self.assertEqual(self.daemon.platform()["name"], "small")

    def refused(self, method: str, parameters: object = None) -> VarlinkError:
        with self.daemon.connect() as connection, self.assertRaises(VarlinkError) as caught:
            connection.call(method, parameters)
        return caught.exception

    def test_it_describes_itself_as_the_interface_file_says(self) -> None:
        info = self.daemon.call("org.varlink.service.GetInfo")
        self.assertEqual(info["interfaces"], ["org.varlink.service", "io.mlopsd"])
        told = self.daemon.call("org.varlink.service.GetInterfaceDescription", interface="io.mlopsd")["description"]
        self.assertEqual(told.strip(), (TREE / "daemon/io.mlopsd.varlink").read_text().strip())
        for method in re.findall(r"^method (\w+)", told, re.M):
            if method not in ("Apply", "Pause", "Resume", "Reload", "Check", "Approve", "Plan"):
                with self.daemon.connect() as connection:
                    connection.send(method, {"nonsense": 1})
                    self.assertEqual(connection.receive()["error"], "org.varlink.service.InvalidParameter", method)

    def test_unknown_methods_interfaces_and_parameters_are_named(self) -> None:
        self.assertEqual(self.refused("Nonsense").full_name, "org.varlink.service.MethodNotFound")
        self.assertEqual(self.refused("io.other.Status").full_name, "org.varlink.service.InterfaceNotFound")
        error = self.refused("Drift", {"al": True})
        self.assertEqual((error.full_name, error.parameters), ("org.varlink.service.InvalidParameter", {"parameter": "al"}))
        self.assertEqual(self.refused("Drift", {"all": "yes"}).parameters, {"parameter": "all"})
        self.assertEqual(self.refused("StateShow", {}).parameters, {"parameter": "address"})
        self.assertEqual(self.refused("Watch", {}).full_name, "org.varlink.service.ExpectedMore")

    def test_our_own_errors_say_what_there_is(self) -> None:
        error = self.refused("StateList", {"platform": "smal"})
        self.assertEqual((error.name, error.parameters["known"]), ("NoSuchPlatform", ["small"]))
        error = self.refused("StateShow", {"address": "aws_iam_role.gb"})
        self.assertEqual((error.name, error.parameters["suggestion"]), ("NoSuchResource", ROLE))
        self.assertEqual(self.refused("Output", {"name": "nothing"}).name, "NoSuchOutput")
        self.assertEqual(self.refused("Approve", {"address": ROLE}).name, "NotNow")

    def test_several_requests_in_one_write_are_answered_in_order(self) -> None:
        with self.daemon.connect() as connection:
            request = [json.dumps({"method": f"io.mlopsd.{m}", "parameters": {}}).encode() + b"\0" for m in ("Status", "Drift", "StateList")]
            connection.send_raw(b"".join(request))
            self.assertEqual([next(iter(set(connection.reply()) & {"version", "drifts", "resources"})) for _ in request],
                             ["version", "drifts", "resources"])

    def test_a_request_in_small_pieces_is_put_together(self) -> None:
        with self.daemon.connect() as connection:
            for byte in b'{"method":"io.mlopsd.Drift"}\0':
                connection.send_raw(bytes([byte]))
            self.assertIn("drifts", connection.reply())

    def test_a_request_without_an_answer_gets_none(self) -> None:
        with self.daemon.connect() as connection:
            connection.send("Drift", {}, oneway=True)
            connection.send("Status", {})
            self.assertIn("version", connection.reply())

    def test_garbage_closes_the_connection_and_harms_nobody(self) -> None:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n\0", b"[]\0", b"\0", b'{"method":1}\0', b'{"method":"io.mlopsd.Status","parameters":[]}\0',
                        b"\xff\xfe\0", b"[" * 5000 + b"\0", b'{"method":"Status"}\0'):
            with self.subTest(garbage[:20]), self.daemon.connect() as connection:
                connection.send_raw(garbage)
                if garbage != b'{"method":"Status"}\0':  # well-formed, of no interface
                    self.assertTrue(connection.at_end())
        self.still_serves()

    def test_a_request_that_never_ends_closes_the_connection(self) -> None:
        with self.daemon.connect() as connection:
            try:
                for _ in range(64):
                    connection.send_raw(b"x" * 65536)
            except OSError:
                pass
            self.assertTrue(connection.at_end())
        self.still_serves()

    def test_a_client_that_does_not_read_is_dropped_and_holds_up_nobody(self) -> None:
        with self.daemon.connect(timeout=0.5) as connection:
            request = json.dumps({"method": "org.varlink.service.GetInterfaceDescription",
                                  "parameters": {"interface": "io.mlopsd"}}).encode() + b"\0"
            sent = 0
            try:
                while sent < 20000:
                    connection.send_raw(request * 100)
                    sent += 100
            except OSError:
                pass
            self.still_serves()
        self.still_serves()

    def test_clients_that_vanish_in_a_stream_are_forgotten(self) -> None:
        for _ in range(5):
            with self.daemon.connect() as connection:
                connection.send("Watch", {}, more=True)
            with self.daemon.connect() as connection:
                connection.send("Apply", {}, more=True)
            with self.daemon.connect() as connection:
                connection.send("Plan", {})
        self.still_serves()

    def test_apply_with_more_streams_events_and_ends_with_the_result(self) -> None:
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600)
        with self.daemon.connect() as connection:
            replies = list(connection.stream("Apply", {}))
        events = [reply["event"]["event"] for reply in replies[:-1]]
        self.assertEqual([e for e in events if e in ("drift", "heal", "resolved")], ["drift", "heal", "resolved"])
        self.assertIs(replies[-1]["results"][0]["converged"], True)

    def test_state_show_tells_values_and_what_a_resource_needs(self) -> None:
        shown = self.daemon.call("StateShow", address=ROLE)
        self.assertEqual(shown["needs"], [PROVIDER])
        self.assertEqual(json.loads(shown["attributes"])["arn"], f"arn:aws:iam::123456789012:role/{ROLE_NAME}")
        self.assertEqual(json.loads(shown["observed"])["max_session_duration"], 7200)


class Secrecy(ScenarioTest):
    def test_no_secret_shows_anywhere_but_in_a_revealed_output(self) -> None:
        platform = full()
        platform["resources"]["github_actions_secret.vault"] = {"secret_name": "VAULT", "plaintext_value": "${credential.vault}"}
        daemon = self.given(platform)
        (daemon.credentials / "vault").write_text("correct-horse-battery-staple\n")
        daemon.start("--log-level", "debug").converged()
        self.cloud.overwrite_github_secret("DB_PASSWORD", "overwritten-by-a-stranger")
        daemon.check()
        password = json.loads(daemon.call("Output", name="db_password", reveal=True)["outputs"][0]["value"])
        secrets = [password, "correct-horse-battery-staple", "overwritten-by-a-stranger", "sandbox-secret", "ghp_sandbox"]
        replies = [daemon.call("Status"), daemon.plan(), daemon.drifts(everything=True), daemon.call("Output"),
                   daemon.call("History", limit=1000), *[daemon.call("StateShow", address=r["address"]) for r in
                                                         daemon.call("StateList")["resources"]]]
        assert daemon.process
        places = {"replies": json.dumps(replies).encode(),
                  "argv": Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()}
        daemon.stop()
        daemon.start("--log-level", "debug", log_format="text").converged()
        for file in daemon.state.iterdir():
            places[file.name] = file.read_bytes()
        daemon.stop()
        for file in daemon.state.iterdir():
            places[f"{file.name} after the end"] = file.read_bytes()
        places["log"] = daemon.all_stderr().encode()
        for place, content in places.items():
            for secret in secrets:
                self.assertNotIn(secret.encode(), content, place)

    def test_files_of_the_state_are_for_their_owner_only(self) -> None:
        daemon = self.running(small())
        for file in daemon.state.iterdir():
            self.assertEqual(file.stat().st_mode & 0o077, 0, file.name)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_another_user_may_read_and_may_neither_change_nor_reveal(self) -> None:
        daemon = self.running(full())
        result = subprocess.run([sys.executable, "-c", AS_NOBODY, str(TREE / "tests"), daemon.socket], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        answers = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([(a[0], a[1]) for a in answers],
                         [("Status", "ok"), ("Output", "ok"), ("Output", "NotAllowed"), ("Apply", "NotAllowed"), ("Pause", "NotAllowed"),
                          ("Reload", "NotAllowed")])
        self.assertFalse(daemon.platform()["paused"])


@unittest.skipIf(program("mlopsctl") is None, "mlopsctl was not built")
class Ctl(ScenarioTest):
    def ctl(self, daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(program("mlopsctl")), "--socket", daemon.socket, *arguments], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=daemon.environment())

    def test_the_commands_of_a_day_and_their_exit_statuses(self) -> None:
        platform = full()
        platform["policy"] = {"on_drift": "alert"}
        daemon = self.running(platform)
        status = self.ctl(daemon, "--json", "status")
        self.assertEqual(status.returncode, 0, status.stderr)
        self.assertIs(json.loads(status.stdout)["platforms"][0]["converged"], True)
        self.assertEqual(self.ctl(daemon, "plan", "-detailed-exitcode").returncode, 0)
        self.oracle.iam.update_role(RoleName=ROLE_NAME, MaxSessionDuration=3600, Description="pushes images")
        self.assertEqual(self.ctl(daemon, "plan", "-detailed-exitcode").returncode, 2)
        drift = json.loads(self.ctl(daemon, "--json", "drift").stdout)["drifts"]
        self.assertEqual([(d["address"], d["field"], d["severity"]) for d in drift], [(ROLE, "max_session_duration", "critical")])
        listed = json.loads(self.ctl(daemon, "--json", "state", "list").stdout)["resources"]
        self.assertEqual(len(listed), 7)
        self.assertLessEqual({"platform", "address", "type", "id", "status"}, set(listed[0]))
        outputs = json.loads(self.ctl(daemon, "--json", "output").stdout)
        self.assertEqual(outputs["role_arn"]["value"], f"arn:aws:iam::123456789012:role/mlops/{ROLE_NAME}")
        self.assertIs(outputs["db_password"]["sensitive"], True)
        self.assertTrue(json.loads(self.ctl(daemon, "--json", "history").stdout)["events"])
        self.assertEqual(self.ctl(daemon, "nonsense").returncode, 64)
        self.assertEqual(self.ctl(daemon, "state", "show", "aws_iam_role.nothing").returncode, 1)
        daemon.stop()
        gone = self.ctl(daemon, "status")
        self.assertEqual(gone.returncode, 1)
        self.assertEqual(len(gone.stderr.strip().splitlines()), 1, gone.stderr)


if __name__ == "__main__":
    unittest.main()
