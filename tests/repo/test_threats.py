"""docs/threats.md: every row names tests, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threats.md"
NAMED = re.compile(r"`((?:tests|rust-guest)/[\w./-]+)::(\w+)`")


def tables() -> list[list[list[str]]]:
    """Every table of the page: rows of cells, the header first."""
    found: list[list[list[str]]] = [[]]
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def functions_of(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".rs":
        return set(re.findall(r"#\[test\]\s*(?:#\[[^\]]*\]\s*)*fn (\w+)\(", text))
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


WITH_TESTS = [table for table in tables() if table[0][-1] == "Test"]


def test_the_page_has_its_five_tables_of_trust_and_threats() -> None:
    assert [len(table) > 4 for table in WITH_TESTS] == [True] * 5


@pytest.mark.parametrize("row", [row for table in WITH_TESTS for row in table[2:]], ids=lambda row: row[0][:40])
def test_every_threat_names_the_tests_that_cover_it(row: list[str]) -> None:
    assert NAMED.search(row[-1]), row[0]
    assert all(row[:2]), "what it is, and what stands against it"


@pytest.mark.parametrize("named", sorted(set(NAMED.findall(PAGE.read_text(encoding="utf-8")))), ids="::".join)
def test_every_test_that_the_page_names_exists(named: tuple[str, str]) -> None:
    file, test = named
    assert (ROOT / file).is_file(), file
    assert test in functions_of(ROOT / file), f"{file} has no {test}"
