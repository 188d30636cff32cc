"""The `lab` command in this process: its exit code, and what it printed where."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import NamedTuple

import pytest

from lab.cli.app import main
from lab.cli.wiring import Lab


class Ran(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> tuple[str, str]:
        """The two lines that end every expected error: what happened, and the hint."""
        *_, what, remedy = self.err.splitlines()
        assert "Traceback" not in self.err
        assert what.startswith("error: "), self.err
        assert remedy.startswith("  hint: "), self.err
        return what.removeprefix("error: "), remedy.removeprefix("  hint: ")


LAB = (
    sys.executable,
    "-c",
    # a shell's background jobs ignore Ctrl-C, and pytest may be one
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from lab.cli.app import main; main()",
)
"""The command as a process of its own; its words follow."""


def lab(*words: object, on: Lab | None = None) -> Ran:
    """Run ``lab WORDS``, on this machine's lab or another."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr(sys, "argv", ["lab", *map(str, words)])
        try:
            main(on)
            code: object = 0
        except SystemExit as leaving:
            code = leaving.code
    return Ran(code if isinstance(code, int) else 0 if code is None else 1, out.getvalue(), err.getvalue())
