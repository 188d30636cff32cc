"""Texts from outside (names, reasons, what a guest printed) made harmless where they are shown or written.

Whatever reads a text takes some of its characters for commands: a terminal escape sequences, Markdown its punctuation,
a spreadsheet a leading ``=``. Each function here answers one such reader, at the place where the text is handed to it;
records keep texts as they came.
"""

from __future__ import annotations

import re

# Controls (C0 but tab and newline, DEL, C1), line separators, marks that reverse the direction of text, and surrogates.
_COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_REPLACEMENT = "\ufffd"
_MARKUP = re.compile(
    r"""
    \\(?=[!-/:-@\[-`{-~])          # a backslash that would take the next character's meaning away
    | [`*|]                        # code, emphasis, cells of a table
    | ~(?=~) | (?<=~)~             # struck out
    | (?<![^\W_])_ | _(?![^\W_])   # emphasis; within a word an underscore is one
    | (?<=\])\(                    # the target of a link
    | &(?=\#?\w+;)                 # a character's name
    | <(?=[A-Za-z/!?])             # a tag
    """,
    re.VERBOSE,
)
_BLOCK = re.compile(r"^(\s*\d{0,9})([#>+=~.)\[-])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """For a terminal, a log or a page: characters that command the reader become ``U+FFFD``; tabs and newlines stay."""
    return _COMMANDS.sub(_REPLACEMENT, text)


def printable_line(text: str) -> str:
    """The same on one line: tabs and newlines are spaces."""
    return printable(text.replace("\n", " ").replace("\t", " "))


def markdown_text(text: str) -> str:
    """For a place within a line of Markdown, such as a cell: it renders as the text itself, each newline as a break."""
    lines = printable(text).split("\n")
    return "<br>".join(_MARKUP.sub(lambda found: f"\\{found[0]}", line) for line in lines)


def markdown_line(text: str) -> str:
    """For a whole line of Markdown: neither a heading, nor an item, nor a quotation."""
    return _BLOCK.sub(r"\1\\\2", markdown_text(printable_line(text).strip()))


def markdown_code(text: str) -> str:
    """As a code span, in which nothing has a meaning but the backtick that ends it."""
    return f"`{printable_line(text).replace('`', chr(39))}`"


def csv_text(text: str) -> str:
    """For a cell of a CSV file: a spreadsheet takes it for text, by an apostrophe before what would be a formula."""
    text = printable(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def json_text(document: str) -> str:
    """A JSON document in which the characters that `printable` replaces are written as escapes; it means the same."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
