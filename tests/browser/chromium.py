"""A real browser without a window: the Chromium of the machine, never one that is downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
WHERE = next((found for name in _NAMES if (found := shutil.which(name))), None)
"""The browser's path; None where the machine has none."""
NONE_HERE = "no browser here: apt-get install chromium"


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The browser, closed at the end."""
    with sync_playwright() as playwright:
        # containers give a browser neither a sandbox of its own nor much shared memory
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=WHERE, args=arguments)
        yield browser
        browser.close()


class Opened:
    """A page, and what went wrong or was asked for while it was open.

    Attributes:
        page: to act on.
        complaints: errors and warnings of the console, and exceptions of scripts.
        requests: addresses that were asked for, the page's own left out.
    """

    def __init__(self, browser: Browser, path: Path, width: int = 1280, scheme: str = "light") -> None:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            accept_downloads=True,
            reduced_motion="reduce",
        )
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._own = path.as_uri()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(self._own)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if request.url != self._own and not request.url.startswith(("data:", "blob:")):
            self.requests.append(request.url)

    def close(self) -> None:
        """Close the page and all that belongs to it."""
        self.page.context.close()
