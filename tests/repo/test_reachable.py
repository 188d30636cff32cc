"""Nothing in the lab is there for its tests alone: every module and every public name is reached from the program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "lab").rglob("*.py"))
# Called by the library whose interface they implement.
CALLED_FROM_OUTSIDE = {"list_commands", "get_command", "format_commands", "readable", "readinto"} | {
    *("do_GET", "do_HEAD", "log_message"),
    *("add_worker", "remove_worker"),
}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_entry(path: Path) -> bool:
    """Whether the module is started, or imported by name, rather than imported by another one."""
    name = module_of(path)
    started = '__name__ == "__main__"' in path.read_text() or path.name == "__main__.py"
    return started or name in {"lab.cli.app", "lab.api"} or name.startswith("lab.cli.commands.")


def test_every_module_is_reached_from_a_command_or_is_started_by_itself() -> None:
    graph = grimp.build_graph("lab", cache_dir=None)
    reached: set[str] = set()
    for path in FILES:
        if is_entry(path):
            reached |= {module_of(path), *graph.find_upstream_modules(module_of(path))}
    empty = {module_of(path) for path in FILES if path.name == "__init__.py"}
    assert set(map(module_of, FILES)) - reached - empty == set()


def public_names(path: Path) -> list[str]:
    """Public functions, classes, methods and constants that a file defines."""
    found: list[str] = []
    for node in ast.parse(path.read_text()).body:
        registered = bool(getattr(node, "decorator_list", [])) and isinstance(node, ast.FunctionDef)
        is_command = path.parent.name == "commands" and getattr(node, "name", None) == path.stem
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not registered and not is_command:
            found.append(node.name)
        if isinstance(node, ast.ClassDef):
            found += [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
        if isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [name for name in found if not name.startswith("_")]


def names_in(tree: ast.AST) -> Iterator[str]:
    """Every identifier that code reads, imports, or spells as a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value


@pytest.fixture(scope="module")
def used() -> set[str]:
    """Identifiers of the program, its benchmarks and its documented examples."""
    texts = [path.read_text() for path in [*FILES, *(ROOT / "benchmarks").rglob("*.py")]]
    for page in (ROOT / "docs").glob("*.md"):
        texts += re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    return {name for text in texts for name in names_in(ast.parse(text))}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_every_public_name_is_used(path: Path, used: set[str]) -> None:
    assert [name for name in public_names(path) if name not in used | CALLED_FROM_OUTSIDE] == []
