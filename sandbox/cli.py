"""Command line: build the servers, say where they are, serve until told to stop."""
from __future__ import annotations

import argparse
import ipaddress
import json
import os
import signal
import ssl
import sys
import threading
from typing import Any

from .httpd import App, HttpServer
from .world import World


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mlops-sandbox", description="A local cloud: AWS, GitHub and a control URL on loopback.")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="loopback address; port 0 takes a free one")
    parser.add_argument("--time-scale", type=float, default=1.0, metavar="N", help="life-cycle states pass N times faster")
    parser.add_argument("--latency-ms", type=float, default=0.0, metavar="N", help="sleep this long before every call")
    parser.add_argument("--no-verify", action="store_true", help="accept any AWS signature or none")
    parser.add_argument("--verbose", action="store_true", help="one line per call on stderr")
    parser.add_argument("--until-eof", action="store_true", help="stop when stdin closes: no orphan when a test is killed")
    arguments = parser.parse_args(argv)
    host, _, port = arguments.listen.rpartition(":")
    try:
        arguments.host, arguments.port = host, int(port)
        if not ipaddress.ip_address(host).is_loopback or ":" in host:
            parser.error("--listen: only IPv4 loopback addresses; this cloud has no locks on its doors")
        if not 0 <= arguments.port <= 65535:
            raise ValueError
    except ValueError:
        parser.error("--listen: expected HOST:PORT with a numeric address")
    if arguments.time_scale <= 0:
        parser.error("--time-scale: must be greater than 0")
    return arguments


class _Place:
    """Gives out listening ports: PORT for AWS, then PORT+1 ... as far as they are free, else any."""

    def __init__(self, host: str, port: int, world: World) -> None:
        self._host, self._port, self._world = host, port, world
        self.servers: list[HttpServer] = []

    def open(self, app: App, offset: int, tls: ssl.SSLContext | None = None) -> str:
        wanted = self._port + offset if self._port else 0
        try:
            server = HttpServer((self._host, wanted), app, self._world.clock, tls)
        except (OSError, OverflowError):
            if offset == 0:
                raise
            server = HttpServer((self._host, 0), app, self._world.clock, tls)
        self.servers.append(server)
        return server.url

    def serve(self) -> None:
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(3600,), daemon=True).start()


def _build(arguments: argparse.Namespace, place: _Place, world: World) -> dict[str, Any]:
    """Start the servers; the slow imports are here, so that --help is quick."""
    from .aws.server import AwsServer
    from .control import Control
    from .github.server import GithubServer
    from .kubernetes.clusters import Kubernetes

    world.kubernetes = kubernetes = Kubernetes(world)
    aws, github = AwsServer(world), GithubServer(world)

    def reset() -> None:
        world.reset()
        aws.reset()
        github.reset()
        kubernetes.reset()

    urls: dict[str, Any] = {}
    control = Control(world, reset, urls)
    control.add_routes(github.control_routes())
    control.add_routes(kubernetes.control_routes())
    urls["aws"] = place.open(aws, 0)
    urls["github"] = place.open(github, 1)
    urls["kubernetes"] = place.open(kubernetes, 2, kubernetes.tls)
    urls["control"] = place.open(control, 3)
    github.base_url = urls["github"]
    return urls


def _stop_event(until_eof: bool) -> threading.Event:
    """Set by SIGTERM, SIGINT or, if asked, end of input. Made before anybody learns that we run."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if until_eof:
        def watch() -> None:
            while os.read(0, 4096):
                pass
            stop.set()
        threading.Thread(target=watch, daemon=True).start()
    return stop


def main(argv: list[str] | None = None) -> int:
    """Run the sandbox; returns the exit status."""
    arguments = _arguments(argv)
    stdout, sys.stdout = sys.stdout, sys.stderr  # moto prints now and then; stdout is for our one line
    world = World(time_scale=arguments.time_scale, latency_ms=arguments.latency_ms, verify=not arguments.no_verify,
                  verbose=arguments.verbose)
    place = _Place(arguments.host, arguments.port, world)
    try:
        urls = _build(arguments, place, world)
    except OSError as error:
        print(f"mlops-sandbox: cannot listen on {arguments.listen}: {error.strerror}", file=sys.stderr)
        return 1
    place.serve()
    stop = _stop_event(arguments.until_eof)
    print(json.dumps(urls), file=stdout, flush=True)
    stop.wait()
    for server in place.servers:
        server.socket.close()
    sys.stderr.flush()
    os._exit(0)  # connection threads may sit in a hang; nothing here needs an orderly end
