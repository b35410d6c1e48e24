"""Starting, stopping, speaking HTTP."""
from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from support import SandboxTest, call, start_sandbox

from lib.sandbox import script


class Start(unittest.TestCase):
    def test_one_line_and_gone_when_told(self) -> None:
        with start_sandbox() as cloud:
            self.assertEqual(set(cloud.urls), {"aws", "github", "kubernetes", "control"})
            self.assertEqual(urlsplit(cloud.aws).path, "")
            assert cloud.process
            cloud.process.send_signal(signal.SIGINT)
            self.assertEqual(cloud.process.wait(5), 0)

    def test_runs_through_a_symlink_from_anywhere(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            link = Path(folder) / "mlops-sandbox"
            link.symlink_to(script())
            process = subprocess.Popen([link, "--listen", "127.0.0.1:0", "--until-eof"], cwd=folder, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
            with process:
                self.assertIn('"aws"', process.stdout.readline())
                process.stdin.close()  # --until-eof
                self.assertEqual(process.wait(5), 0)

    def test_only_loopback(self) -> None:
        for address in ("0.0.0.0:0", "192.0.2.1:0", "nonsense", "127.0.0.1:x", "127.0.0.1:70000"):
            result = subprocess.run([script(), "--listen", address], capture_output=True, text=True, timeout=20)
            self.assertEqual(result.returncode, 2, address)
            self.assertIn("--listen", result.stderr)

    def test_says_what_is_missing_without_moto(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            fake = Path(folder) / "python3"
            fake.write_text("#!/bin/sh\nexit 1\n")
            fake.chmod(0o755)
            for name in ("dirname", "readlink", "sh"):
                (Path(folder) / name).symlink_to(next(p for d in os.environ["PATH"].split(":") if (p := Path(d) / name).exists()))
            result = subprocess.run([script()], env={"PATH": folder}, capture_output=True, text=True, timeout=20)
            self.assertEqual(result.returncode, 1)
            self.assertIn("sandbox/requirements.txt", result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1)

    def test_wanted_port(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with start_sandbox(port=port) as cloud:
            self.assertEqual(urlsplit(cloud.aws).port, port)
            result = subprocess.run([script(), "--listen", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=20)
            self.assertEqual(result.returncode, 1)
            self.assertIn("cannot listen", result.stderr)


class Http(SandboxTest):
    def connect(self) -> socket.socket:
        place = urlsplit(self.cloud.aws)
        return socket.create_connection((place.hostname, place.port), timeout=10)

    def test_connection_is_kept(self) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.cloud.github).netloc)
        for _ in range(3):
            connection.request("GET", "/meta", headers={"User-Agent": "t"})
            self.assertEqual(connection.getresponse().read()[:1], b"{")
        connection.close()
        records = [record for record in self.cloud.log() if record["operation"] == "meta/get"]
        self.assertEqual(len(records), 3)
        self.assertEqual(len({record["connection"] for record in records}), 1)

    def test_chunked_body_and_head(self) -> None:
        body = b"5\r\nhello\r\n0\r\n\r\n"
        with self.connect() as sock:
            sock.sendall(b"PUT /x/y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
                         + b"HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            text = b""
            while part := sock.recv(65536):
                text += part
        self.assertEqual(text.count(b"HTTP/1.1 403"), 2)
        self.assertTrue(text.endswith(b"\r\n\r\n"), "no body after HEAD")

    def test_expect_continue(self) -> None:
        with self.connect() as sock:
            sock.sendall(b"PUT /x/y HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 100"))
            sock.sendall(b"ab")
            self.assertIn(b"403", sock.recv(65536))

    def test_silent_client_blocks_nobody(self) -> None:
        with self.connect():
            self.assertEqual(call(self.cloud.control_url, "GET", "/keys").status, 200)


if __name__ == "__main__":
    unittest.main()
