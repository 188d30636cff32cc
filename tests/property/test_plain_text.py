"""Texts from outside keep their meaning, and command nothing: for every text, read by what will read it."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lab.core.plain_text import csv_text, json_text, markdown_code, markdown_line, markdown_text, printable
from lab.report.document import Column, Table

MARKUP = "\\`*_{}[]()#+-.!|<>~=&;:/@'\"$%^\n\t\r 1aB\u202e\x1b\x07\u2028"
FRAGMENTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=y>",
    "![x](http://x)",
    "[a](javascript:b)",
    "| x |",
    "`code`",
    "**bold**",
    "_it_",
    "a_b",
    "~~no~~",
    "&lt;",
    "&#42;",
    "\\*",
    "=HYPERLINK(0)",
    "\x1b]0;owned\x07",
    "\u202eevil",
    "\n# head",
    "\n- item",
    "<!-- ",
    "http://x.y",
    "1. one",
    "<http://x.y>",
    "    indented",
)
HOSTILE = st.one_of(
    st.text(),
    st.text(alphabet=MARKUP, max_size=40),
    st.lists(st.sampled_from(FRAGMENTS), max_size=5).map("".join),
)
RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
COLUMNS = (Column("name", "name"), Column("count", "count"))
TAG = re.compile(r"<\s*/?\s*([A-Za-z!][A-Za-z0-9]*)")


def words(text: str) -> list[str]:
    """What a reader sees: how much space there is between words is the renderer's business."""
    return printable(text).split()


def rendered(markup: str) -> tuple[list[str], set[str]]:
    """The words that are shown, and the names of the tags around them."""
    page = RENDERER.render(markup)
    return html.unescape(re.sub(r"<[^>]*>", " ", page)).split(), set(TAG.findall(page))


@given(HOSTILE)
def test_nothing_printable_commands_a_terminal(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert not [
        letter for letter in shown if unicodedata.category(letter) in {"Cc", "Zl", "Zp", "Cs"} and letter not in "\n\t"
    ]
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not [letter for letter in shown if unicodedata.bidirectional(letter) in turning]
    assert printable(shown) == shown


@given(HOSTILE)
def test_a_cell_of_a_markdown_table_renders_as_the_text_it_is(text: str) -> None:
    markup = Table("Title", COLUMNS, [{"name": text, "count": 1}, {"name": "last", "count": 2}]).markdown()
    shown, tags = rendered(markup)
    assert tags <= {"p", "strong", "table", "thead", "tbody", "tr", "th", "td", "br"}
    assert shown == ["Title", "name", "count", *words(text), "1", "last", "2"]


@given(HOSTILE)
def test_a_line_of_markdown_renders_as_the_text_it_is(text: str) -> None:
    shown, tags = rendered(f"before\n\n{markdown_line(text)}\n\nafter")
    assert tags <= {"p"}
    assert shown == ["before", *words(text), "after"]


@given(HOSTILE)
def test_a_code_span_holds_the_whole_text(text: str) -> None:
    shown, tags = rendered(f"before {markdown_code(text)} after")
    assert tags <= {"p", "code"}
    if words(text):
        assert shown == ["before", *words(text.replace("`", "'")), "after"]


@given(HOSTILE, st.integers(min_value=-(2**53), max_value=2**53) | st.floats(allow_nan=False))
def test_a_cell_of_a_csv_file_is_no_formula_and_a_number_stays_one(text: str, number: float) -> None:
    content = Table("Title", COLUMNS, [{"name": text, "count": number}]).csv()
    _, (cell, count) = csv.reader(io.StringIO(content, newline=""))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == printable(text).removeprefix("'")
    assert float(count) == number
    assert csv_text("plain") == "plain"


@given(HOSTILE)
def test_html_holds_no_tag_of_the_text(text: str) -> None:
    page = Table(text, COLUMNS, [{"name": text, "count": 1}]).html()
    assert set(TAG.findall(page)) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "br"}
    assert printable(page) == page


@given(st.dictionaries(HOSTILE, HOSTILE))
def test_json_for_a_terminal_means_the_same_and_commands_nothing(record: dict[str, str]) -> None:
    document = json_text(json.dumps(record, ensure_ascii=False, indent=2))
    assert json.loads(document) == record
    assert printable(document) == document


def test_names_that_the_lab_gives_stay_readable() -> None:
    for text in ("mobilenet_v1_0.25_128", "native@o3", "4.56 s, 2.41x [2.38, 2.44]", "< 5 %", "wasm/o3", "-3 %"):
        assert markdown_text(text) == text
