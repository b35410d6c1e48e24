"""A keep-alive HTTP/1.1 server, one thread per connection, that hands whole requests to a function.

http.server is used because it keeps connections open (werkzeug's always closes them) and because it gives us the socket: the faults
"reset" and "wrong length" need it. An application is `def app(request) -> Response`; what it raises becomes a plain 500.
"""
from __future__ import annotations

import itertools
import select
import socket
import socketserver
import ssl
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote

from .clock import Clock

MAX_BODY = 64 * 1024 * 1024


@dataclass
class Request:
    """One whole request as it came over the wire."""

    method: str
    target: str  # raw, still percent-encoded
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    version: str
    socket: socket.socket

    @property
    def raw_path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def path(self) -> str:
        return unquote(self.raw_path)

    @property
    def raw_query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def query(self) -> dict[str, str]:
        """Decoded query; a repeated key keeps its last value."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    def header(self, name: str, default: str = "") -> str:
        """First value of a header, without regard to case."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), default)

    def has_header(self, name: str) -> bool:
        name = name.lower()
        return any(key.lower() == name for key, _ in self.headers)

    def client_gone(self) -> bool:
        """True when the peer has closed: lets a hanging fault end early."""
        try:
            readable, _, _ = select.select([self.socket], [], [], 0)
            if isinstance(self.socket, ssl.SSLSocket):
                return bool(readable)  # who waits for an answer sends nothing but the alert that ends a connection
            return bool(readable) and self.socket.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True


@dataclass
class Response:
    """An answer, and how to spoil it on the wire."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    reset: bool = False  # no answer at all: RST
    claim_length: int | None = None  # Content-Length to claim; then the connection is closed
    stream: Iterator[bytes] | None = None  # instead of a body: sent in chunks as they come

    def header(self, name: str, default: str = "") -> str:
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), default)

    def set_header(self, name: str, value: str) -> None:
        self.headers = [(k, v) for k, v in self.headers if k.lower() != name.lower()]
        self.headers.append((name, value))


App = Callable[[Request], Response]


class BadRequest(Exception):
    """The request cannot be read; the connection is closed after the answer."""


def _read_chunked(stream) -> bytes:
    """Decode a chunked body; http.server does not."""
    body = bytearray()
    while True:
        line = stream.readline(256)
        try:
            size = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            raise BadRequest("bad chunk size") from None
        if size == 0:
            while stream.readline(8192) not in (b"\r\n", b"\n", b""):
                pass
            return bytes(body)
        body += stream.read(size)
        stream.readline(8)
        if len(body) > MAX_BODY:
            raise BadRequest("body too large")


def _reset_on_close(sock: socket.socket) -> None:
    """Make close() send RST: the peer sees "connection reset", not an orderly end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True
    server: "HttpServer"

    def setup(self) -> None:
        super().setup()
        self.connection_number = next(self.server.connection_numbers)

    def handle(self) -> None:
        try:
            if isinstance(self.connection, ssl.SSLSocket):
                self.connection.do_handshake()
            super().handle()
        except (ConnectionError, TimeoutError, BrokenPipeError, ssl.SSLError):
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            pass

    def handle_expect_100(self) -> bool:
        """Flush: our output is buffered, and the client waits for this line before it sends the body."""
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return _read_chunked(self.rfile)
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            raise BadRequest("bad Content-Length") from None
        if length < 0 or length > MAX_BODY:
            raise BadRequest("body too large")
        return self.rfile.read(length) if length else b""

    def _serve(self) -> None:
        try:
            request = Request(self.command, self.path, list(self.headers.items()), self._body(),
                              self.connection_number, self.request_version, self.connection)
        except BadRequest as error:
            self.close_connection = True
            self._send(Response(400, [("Content-Type", "text/plain")], f"{error}\n".encode()))
            return
        try:
            response = self.server.app(request)
        except Exception:  # a hole in the sandbox must be seen, not be a closed connection
            traceback.print_exc(file=sys.stderr)
            response = Response(500, [("Content-Type", "text/plain")], b"sandbox: internal error, see stderr\n")
        self._send(response)

    def _send(self, response: Response) -> None:
        if response.reset:
            self.close_connection = True
            _reset_on_close(self.connection)
            self.connection.close()
            return
        bodyless = self.command == "HEAD" or response.status in (204, 304)
        if response.stream is not None:
            self._send_stream(response, response.stream)
            return
        length = len(response.body) if response.claim_length is None else response.claim_length
        self._send_head(response)
        if self.command == "HEAD":
            self.send_header("Content-Length", response.header("Content-Length") or str(length))
        elif not bodyless:
            self.send_header("Content-Length", str(length))
        if response.claim_length is not None:
            self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        elif self.request_version == "HTTP/1.0":
            self.send_header("Connection", "keep-alive")
        self.end_headers()
        if not bodyless:
            self.wfile.write(response.body)
        self.wfile.flush()

    def _send_head(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers:
            if name.lower() not in ("content-length", "date", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Date", self.server.clock.http_date())

    def _send_stream(self, response: Response, stream: Iterator[bytes]) -> None:
        """A chunked answer; each part leaves at once. HTTP/1.0 reads until the end of the connection."""
        chunked = self.request_version != "HTTP/1.0"
        self._send_head(response)
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Connection", "close")))
        self.end_headers()
        self.wfile.flush()
        for part in stream:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
            self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        self.close_connection = self.close_connection or not chunked

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = _serve

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent: the request log is ours, and stderr is for --verbose."""


class HttpServer(ThreadingHTTPServer):
    """Listens at once, so that a port is known before anything else starts; serves after `start_serving`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], app: App, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        self.app = app
        self.clock = clock
        self._tls = tls
        self.connection_numbers = itertools.count(1)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Skip HTTPServer's reverse name lookup, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def get_request(self) -> tuple[socket.socket, object]:
        """With TLS the handshake is left to the connection's thread: a silent client keeps nobody waiting."""
        connection, peer = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, peer

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are daily bread here."""

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"{'https' if self._tls else 'http'}://{host}:{port}"
