"""A container engine's HTTP side, as far as the lab's builds use it; it can be silent for as long as a test wants."""

from __future__ import annotations

import http.server
import json
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ID = "c" * 64


class StubEngine(http.server.ThreadingHTTPServer):
    """Answers what docker-py asks, on a port of this machine.

    Attributes:
        silences_s: seconds before an answer, by the end of the path.
        created: bodies of the requests that made containers.
        removed: ids of containers that were removed.
        containers: labels of containers that are there, by id.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.silences_s: dict[str, float] = {}
        self.created: list[dict[str, Any]] = []
        self.removed: list[str] = []
        self.containers: dict[str, dict[str, str]] = {}

    @property
    def url(self) -> str:
        """What DOCKER_HOST is set to."""
        return f"tcp://127.0.0.1:{self.server_port}"


@contextmanager
def stub_engine() -> Iterator[StubEngine]:
    """An engine for the time of a test."""
    with StubEngine() as engine:
        threading.Thread(target=engine.serve_forever, daemon=True).start()
        try:
            yield engine
        finally:
            engine.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: StubEngine

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        """Look at something."""
        path = self._path()
        if path.endswith("/version"):
            self._json({"Version": "1.0", "ApiVersion": "1.44", "MinAPIVersion": "1.24"})
        elif path.endswith("/logs"):
            said = b"   Compiling tract-core v0.22.5\n"
            self._answer(struct.pack(">BxxxL", 1, len(said)) + said)
        elif path.endswith("/containers/json"):
            self._json([{"Id": name} for name in self.server.containers])
        elif path.endswith("/json"):
            name = path.split("/")[-2]
            labels = self.server.containers.get(name, {})
            self._json({"Id": name, "Name": "/stub", "Config": {"Tty": False, "Labels": labels}, "Image": "sha256:0"})
        else:
            self._json("OK")

    def do_POST(self) -> None:
        """Make or start something."""
        path = self._path()
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path.endswith("/build"):
            self._json({"stream": "Successfully built 0123456789ab"})
        elif path.endswith("/create"):
            self.server.created.append(json.loads(content))
            self._json({"Id": ID, "Warnings": []}, 201)
        elif path.endswith("/wait"):
            self._json({"StatusCode": 0})
        else:
            self._answer(b"", 204)

    def do_DELETE(self) -> None:
        """Remove something."""
        self.server.removed.append(self._path().split("/")[-1])
        self._answer(b"", 204)

    def _path(self) -> str:
        path = self.path.partition("?")[0]
        for end, silence_s in self.server.silences_s.items():
            if path.endswith(end):
                time.sleep(silence_s)
        return path

    def _json(self, value: object, status: int = 200) -> None:
        self._answer(json.dumps(value).encode(), status)

    def _answer(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
