#!/usr/bin/env python3
"""A small HTTP server with bad manners, for test_http_curl.c.

Listens on free ports of 127.0.0.1 and prints one line when ready:
    HTTP HTTPS HTTPS_WRONG_NAME HTTPS_OTHER_CA CLOSED CA_FILE OTHER_CA_FILE
(five port numbers and two paths; nobody listens on CLOSED). The certificates are
made by the openssl command for this run. Ends when its standard input ends.
"""
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

counts = {}
counts_lock = threading.Lock()
connections = 0


def count(name):
    with counts_lock:
        counts[name] = counts.get(name, 0) + 1
        return counts[name]


class Connection:
    def __init__(self, sock, number):
        self.sock = sock
        self.number = number
        self.buffer = b""
        self.answered_die = False

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data
        if self.buffer[:1] == b"\x16":  # the first byte of TLS
            self.answer(b"", "400 Bad Request")
            raise EOFError

    def read_request(self):
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while len(self.buffer) < length:
            self.fill()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return head, body

    def answer(self, body, status="200 OK", headers=()):
        lines = ["HTTP/1.1 " + status, "Content-Length: %d" % len(body), "X-Connection: %d" % self.number]
        self.sock.sendall("\r\n".join(lines + list(headers)).encode() + b"\r\n\r\n" + body)

    def raw(self, data):
        self.sock.sendall(data)


def hello(c, head, body, arg):
    c.answer(b"hello", headers=["X-Mixed-CASE:  Some Value \t", "x-mixed-case: second"])


def echo(c, head, body, arg):
    c.answer(head + b"\r\n\r\n" + body)


def status(c, head, body, arg):
    c.answer(b"no", "%s Whatever" % arg)


def redirect(c, head, body, arg):
    c.answer(b"", "302 Found", ["Location: /hello"])


def length(c, head, body, arg):
    if head.startswith(b"HEAD"):
        c.raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + arg.encode() + b"\r\n\r\n")
    else:
        c.answer(b"x" * int(arg))


def chunked(c, head, body, arg):
    c.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(int(arg)):
        c.raw(b"10000\r\n" + b"y" * 65536 + b"\r\n")
    c.raw(b"0\r\n\r\n")


def hang(c, head, body, arg):
    c.fill()


def slow(c, head, body, arg):
    time.sleep(int(arg) / 1000)
    c.answer(b"slow")


def drip(c, head, body, arg):
    c.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        c.raw(b"z")
        time.sleep(0.02)


def reset(c, head, body, arg):
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise EOFError


def cut(c, head, body, arg):
    c.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    raise EOFError


def garbage(c, head, body, arg):
    c.raw(b"\x01\x02 no protocol at all \xff\r\n\r\n")
    raise EOFError


def badchunk(c, head, body, arg):
    c.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nxx\r\n")
    raise EOFError


def headers(c, head, body, arg):
    number, size = (int(x) for x in arg.split("x"))
    c.answer(b"many", headers=["X-%d: %s" % (i, "v" * size) for i in range(number)])


def interim(c, head, body, arg):
    c.raw(b"HTTP/1.1 103 Early Hints\r\nX-Mixed-Case: interim\r\n\r\n")
    c.answer(b"final")


def die(c, head, body, arg):
    """The first such request of a connection is answered; the second one is read, counted, and dropped."""
    if c.answered_die:
        raise EOFError
    c.answered_die = True
    c.answer(b"alive")


def leave(c, head, body, arg):
    """Close the connection a moment after the answer, without having said so."""
    c.answer(b"bye")
    time.sleep(0.05)
    raise EOFError


def counted(c, head, body, arg):
    c.answer(b"%d" % counts.get("/" + arg, 0))


PATHS = {f.__name__: f for f in (hello, echo, status, redirect, length, chunked, hang, slow, drip, reset, cut,
                                 garbage, badchunk, headers, interim, die, leave, counted)}


def serve(sock, number):
    c = Connection(sock, number)
    try:
        while True:
            head, body = c.read_request()
            target = head.split(b" ")[1].decode()
            if head.startswith(b"CONNECT "):
                count("/connect")
                c.answer(b"", "403 Forbidden")
            elif target.startswith("http://"):
                count("/proxied")
                c.answer(b"through the proxy")
            else:
                name, _, arg = target.lstrip("/").partition("/")
                count("/" + name)
                PATHS.get(name, echo)(c, head, body, arg)
    except (EOFError, OSError):
        pass
    finally:
        sock.close()


def accept(listener, context):
    global connections
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connections += 1
        threading.Thread(target=start, args=(sock, context, connections), daemon=True).start()


def start(sock, context, number):
    try:
        if context:
            sock = context.wrap_socket(sock, server_side=True)
    except (OSError, ssl.SSLError):
        sock.close()
        return
    serve(sock, number)


def listen(context):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    threading.Thread(target=accept, args=(listener, context), daemon=True).start()
    return listener.getsockname()[1]


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_ca(where, name):
    """Both go by the same name: only the key tells whose a certificate is."""
    openssl("req", "-x509", *NEW_KEY, "-days", "2", "-subj", "/CN=A CA for one test",
            "-keyout", f"{where}/{name}.key", "-out", f"{where}/{name}.pem")


def make_context(where, ca, name, alternatives):
    base = where + "/" + name
    with open(base + ".ext", "w") as f:
        f.write("subjectAltName=" + alternatives + "\n")
    openssl("req", "-new", *NEW_KEY, "-subj", "/CN=" + name, "-keyout", base + ".key", "-out", base + ".csr")
    openssl("x509", "-req", "-in", base + ".csr", "-CA", f"{where}/{ca}.pem", "-CAkey", f"{where}/{ca}.key",
            "-CAcreateserial", "-days", "2", "-extfile", base + ".ext", "-out", base + ".pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(base + ".pem", base + ".key")
    return context


def main():
    where = tempfile.mkdtemp(prefix="mlopsd-test-http-")
    try:
        make_ca(where, "ca")
        make_ca(where, "other")
        right = make_context(where, "ca", "right", "DNS:localhost,IP:127.0.0.1")
        wrong = make_context(where, "ca", "wrong", "DNS:other.example")
        other = make_context(where, "other", "elsewhere", "IP:127.0.0.1")
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))  # bound, so that nobody else gets it, but nobody listens
        ports = listen(None), listen(right), listen(wrong), listen(other), closed.getsockname()[1]
        print(*ports, where + "/ca.pem", where + "/other.pem", flush=True)
        while os.read(0, 4096):
            pass
    finally:
        shutil.rmtree(where)


if __name__ == "__main__":
    sys.exit(main())
