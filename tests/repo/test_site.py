"""The documents build as a site, and no link within it leads nowhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli.lazy import COMMANDS
from lab.core.trial import QUANTITIES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_every_document_is_a_page_of_the_site(site: Path) -> None:
    pages = [path.stem for path in (ROOT / "docs").glob("*.md")]
    assert [name for name in pages if not (site / f"{name}.html").is_file()] == []
    assert (site / "index.html").is_file()


def test_the_reference_is_made_from_the_code(site: Path) -> None:
    commands = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f">lab {name}<" not in commands] == []
    quantities = (site / "reference" / "quantities.html").read_text(encoding="utf-8")
    assert [found.title for found in QUANTITIES.values() if found.title not in quantities] == []


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "https://fonts" not in page
    assert 'src="http' not in page
