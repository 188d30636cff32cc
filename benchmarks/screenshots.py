"""The pictures in the documents, made from a campaign: ``just screenshots CAMPAIGN`` writes docs/pictures/ again.

Each is the report's page in the machine's Chromium, in one of the ways that it is read: light, dark, narrow, on paper;
and each of its figures. The terminal's picture is what ``lab report --short`` prints.
"""

from __future__ import annotations

import re
import sys
from io import BytesIO, StringIO

from PIL import Image
from rich.console import Console

from lab.core.errors import EngineMissing, LabError
from lab.disk.paths import RESULTS, ROOT
from lab.disk.whole import write_whole
from lab.report.render import ReportPaths, render
from lab.store.campaigns import LATEST, resolve
from tests.browser.chromium import NONE_HERE, WHERE, Opened, open_browser

PICTURES = ROOT / "docs" / "pictures"
VIEWS = ("costs", "memory", "start", "totals", "phases")
_WAYS = {"light": (1280, "light"), "dark": (1280, "dark"), "narrow": (390, "light")}
_TERMINAL_COLUMNS = 110


def main() -> None:
    """Write every picture of the campaign that the command line names, or of the latest."""
    if WHERE is None:
        raise EngineMissing(NONE_HERE, "then run the command again")
    made = render(resolve(RESULTS, sys.argv[1] if len(sys.argv) > 1 else LATEST))
    PICTURES.mkdir(parents=True, exist_ok=True)
    write_whole(PICTURES / "terminal.svg", terminal(made).encode())
    with open_browser() as browser:
        for name, (width, scheme) in _WAYS.items():
            opened = Opened(browser, made.page, width, scheme)
            _write(f"page-{name}", opened.page.screenshot())
            if name == "light":
                _figures(opened)
                opened.page.locator('input[name="view"][value="costs"]').check()
                opened.page.emulate_media(media="print")
                opened.page.evaluate("scrollTo(0, 0)")
                _write("page-print", opened.page.screenshot())
            opened.close()


def _figures(opened: Opened) -> None:
    page = opened.page
    for view in VIEWS:
        page.locator(f'input[name="view"][value="{view}"]').check()
        page.locator("#figures").evaluate("head => head.scrollIntoView()")
        _write(f"figure-{view}", page.screenshot())


def _write(name: str, png: bytes) -> None:
    path, content = PICTURES / f"{name}.png", smaller(png)
    write_whole(path, content)
    print(f"{path.relative_to(ROOT)}: {len(content) // 1024} KiB")  # noqa: T201 - a command's output


def smaller(png: bytes) -> bytes:
    """The picture with a palette, in a third of the bytes: colours that distinguish runtimes stay, however rare."""
    buffer = BytesIO()
    image = Image.open(BytesIO(png)).convert("RGB")
    image.quantize(method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def terminal(made: ReportPaths) -> str:
    """What the command prints, as a picture that loads nothing."""
    console = Console(record=True, file=StringIO(), width=_TERMINAL_COLUMNS)
    console.print(f"$ lab report --short\n{made.answer}", markup=False, highlight=False)
    svg = console.export_svg(title="lab report --short", unique_id="terminal")
    # a picture loads no font from anywhere: the browser's own one does
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"error: {error.message}\n  hint: {error.remedy}")
