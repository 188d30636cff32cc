"""A campaign over HTTP, for the browser of the same machine: its progress, and its report as it is refreshed.

Read only: it answers GET and HEAD for three things, and for nothing else of the disk. Where it listens on the loopback
interface it answers requests for that host alone, so that no page of another site can read it by a name of its own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import msgspec

from lab.core.errors import LabError
from lab.report.live import progress_of
from lab.report.page.live_page import live_page
from lab.store.campaigns import REPORT_NAME

_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}


class _Handler(BaseHTTPRequestHandler):
    server_version = "lab"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float] = 30.0

    def __init__(self, campaign: Path, names: frozenset[str] | None, *rest: object) -> None:
        self._campaign, self._names = campaign, names
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        name = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if self._names is not None and name not in self._names:
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"this server answers its own machine only\n")
            return
        path = self.path.partition("?")[0]
        if path == "/":
            self._answer(HTTPStatus.OK, _TYPES[".html"], live_page().encode())
        elif path == "/progress.json":
            self._progress()
        elif path.startswith("/report/"):
            self._file(path.removeprefix("/report/"))
        else:
            self._missing()

    do_HEAD = do_GET  # noqa: N815

    def _progress(self) -> None:
        try:
            found = progress_of(self._campaign)
        except LabError as error:
            said = msgspec.json.encode({"error": error.message, "remedy": error.remedy})
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, _TYPES[".json"], said)
            return
        self._answer(HTTPStatus.OK, _TYPES[".json"], msgspec.json.encode(found))

    def _file(self, name: str) -> None:
        """A file of the report: by its own name, within the report, of a kind that reports have."""
        root = (self._campaign / REPORT_NAME).resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root) or path.suffix not in _TYPES or not path.is_file():
            self._missing()
            return
        self._answer(HTTPStatus.OK, _TYPES[path.suffix], path.read_bytes())

    def _missing(self) -> None:
        self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"there is nothing of that name\n")

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: a page that refreshes itself asks often."""


def server_of(campaign: Path, host: str, port: int) -> ThreadingHTTPServer:
    """The server, bound but not yet serving; port 0 takes any that is free.

    Raises:
        OSError: the address cannot be had.
    """
    names = frozenset({*_LOOPBACK_NAMES, host}) if _is_loopback(host) else None
    return ThreadingHTTPServer((host, port), partial(_Handler, campaign, names))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
