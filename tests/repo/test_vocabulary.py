"""Names and prose in plain technical English: words that have a plainer equivalent, and names that say nothing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = ("lab", "docs", "tests", "README.md", "ARCHITECTURE.md")
PLAINER = {
    "called with, detected, reported, distinguished": ("tell", "tells", "told"),
    "expensive": ("dear", "dearer", "dearest"),
    "predict": ("foresee", "foresees", "foreseen", "foreseeing"),
    "fatal": ("grave", "graver", "gravest"),
    "A/A arms": ("twin", "twins"),
    "injected slowdown": ("handicap", "handicaps", "handicapped"),
    "pilot": ("scout", "scouts"),
    "compared with": ("held against", "hold against", "holds against"),
    "hint": ("mend", "mends", "mended"),
    "again": ("anew",),
    "so that … not": ("lest",),
}
"""What to write, by what it replaces."""

_WORDS = "|".join(word.replace(" ", r"[\s#_]+") for words in PLAINER.values() for word in words)
# Names that others chose stay: the guest's option `--handicap`, and methods such as `.tell()`.
_WORD = re.compile(rf"(?<!--)(?<![a-z.])(?:{_WORDS})(?![a-z])", re.IGNORECASE)
_MAX_TEST_NAME = 80


def files(*suffixes: str, among: tuple[str, ...] = TEXTS) -> Iterator[Path]:
    """Files of the project by their suffix, this one left out."""
    for name in among:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in suffixes and file != Path(__file__):
                yield file


def words_in(text: str) -> list[tuple[int, str]]:
    """The line and the spelling of every word that `PLAINER` replaces, parts of identifiers included.

    A phrase may be broken over two lines.
    """
    return [(text.count("\n", 0, hit.start()) + 1, hit[0]) for hit in _WORD.finditer(text)]


def loop_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the name of every variable of a loop, a comprehension or a lambda."""
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension):
            yield from ((name.lineno, name.id) for name in ast.walk(node.target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.Lambda):
            yield from ((argument.lineno, argument.arg) for argument in node.args.args)


def test_no_word_is_used_that_has_a_plainer_one() -> None:
    hits = [
        f"{file.relative_to(ROOT)}:{line}: {word}"
        for file in files(".py", ".md")
        for line, word in words_in(file.read_text(encoding="utf-8"))
    ]
    assert not hits, "\n" + "\n".join(hits)


@pytest.mark.parametrize("word", [word for words in PLAINER.values() for word in words])
def test_a_word_with_a_plainer_one_is_detected_wherever_it_stands(word: str) -> None:
    assert words_in(f"first\n# It is {word.capitalize()}, again.") == [(2, word.capitalize())]
    assert words_in(f'"{word}"') == [(1, word)]
    assert words_in(f"def _{word}_of(): ...".replace(" ", "_"))
    assert not words_in(f"un{word}ly"), "only whole words"
    broken = word.replace(" ", "\n    # ")
    assert words_in(f"    # {broken} it") == [(1, broken)]


@pytest.mark.parametrize("name", ['"--handicap"', "file.tell()"])
def test_names_that_others_chose_may_be_used(name: str) -> None:
    assert not words_in(name)


def test_no_loop_variable_is_named_after_its_number() -> None:
    hits = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in files(".py")
        for line, name in loop_names(ast.parse(file.read_text(encoding="utf-8")))
        if name == "one"
    ]
    assert not hits, "name it after what it holds:\n" + "\n".join(hits)


def test_loop_variables_are_seen_in_loops_comprehensions_and_lambdas() -> None:
    source = "for a, (b, c) in x: pass\n[d for d in x]\n{e: f for e, f in x}\nsorted(x, key=lambda g: g)\none = 1\n"
    assert sorted(loop_names(ast.parse(source))) == [
        *((1, name) for name in "abc"),
        (2, "d"),
        *((3, name) for name in "ef"),
        (4, "g"),
    ]


def test_the_name_of_a_test_fits_on_a_line() -> None:
    long = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {len(node.name)} characters"
        for file in files(".py", among=("tests",))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and len(node.name) > _MAX_TEST_NAME
    ]
    assert not long, f"at most {_MAX_TEST_NAME} characters:\n" + "\n".join(long)


def test_no_two_public_classes_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "lab").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{file.relative_to(ROOT)}:{node.lineno}")
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert not shared
