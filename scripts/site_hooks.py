"""What the documents' site has beside docs/: pages of the repository's root, and a reference made from the code."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from click.core import Parameter
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.core import TyperGroup

from lab.cli.app import app
from lab.core.plain_text import markdown_text
from lab.core.trial import QUANTITIES

ROOT = Path(__file__).resolve().parents[1]
_ROOT_PAGES = {"README.md": "index.md"} | {
    name: name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    made = {target: (ROOT / source).read_text(encoding="utf-8") for source, target in _ROOT_PAGES.items()}
    made |= {"reference/cli.md": _commands(), "reference/quantities.md": _quantities()}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turn links within the repository into links within the site; what the site does not hold becomes a name."""
    path = page.file.src_uri
    source = next((root for root, target in _ROOT_PAGES.items() if target == path), f"docs/{path}")
    held = {f"docs/{file.src_uri}": file.src_uri for file in files} | _ROOT_PAGES

    def turned(found: re.Match[str]) -> str:
        mark, text, link, anchor = found[1], found[2], found[3], found[4] or ""
        if "://" in link or path.startswith("reference/"):
            return found[0]
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
        if inside in held:
            here = posixpath.dirname(path) or "."
            return f"{mark}[{text}]({posixpath.relpath(held[inside], here)}{anchor})"
        return f"{text} (`{inside}`)"

    return _LINK.sub(turned, markdown)


def _commands() -> str:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)  # noqa: S101 - commands are a group
    parts = ["# Command line\n", "What `lab COMMAND --help` says, made from the code.\n"]
    return "\n".join([*parts, *_group(group, ("lab",))])


def _group(group: TyperGroup, words: tuple[str, ...]) -> Iterator[str]:
    context = typer.Context(group)
    for name in group.list_commands(context):
        command: Any = group.get_command(context, name)
        yield f"## {' '.join((*words, name))}\n"
        yield f"{markdown_text(' '.join((command.help or '').split()))}\n"
        rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            yield "\n".join(["| Argument or option | Is |", "|---|---|", *rows]) + "\n"
        if isinstance(command, TyperGroup):
            yield from _group(command, (*words, name))


def _parameter(parameter: Parameter) -> str:
    name = (
        ", ".join(parameter.opts)
        if parameter.param_type_name == "option"
        else (parameter.metavar or parameter.name or "")
    )
    return f"| `{name}` | {markdown_text(' '.join((getattr(parameter, 'help', None) or '').split()))} |"


def _quantities() -> str:
    lead = "# Quantities\n\nWhat is measured in a trial, in the order of tables and exports. Absent is null, never 0.\n"
    rows = [
        f"| `{quantity.column or name}` | {quantity.title} | {quantity.unit} | {'yes' if quantity.compared else ''} |"
        for name, quantity in QUANTITIES.items()
    ]
    return "\n".join([lead, "| Column | Is | Unit | Compared by `lab compare` |", "|---|---|---|---|", *rows]) + "\n"
