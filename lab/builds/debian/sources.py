"""Debian's archives, as mmdebstrap knows them: nothing here names a host."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from lab.core.errors import BuildFailed

_ENTRY = re.compile(r"^deb (?:\[[^\]]*\] )?(\S+) ", re.MULTILINE)
NO_SOURCES = "see `mmdebstrap --help`; version 1.0 or newer is needed"


@cache
def default_sources(suite: str) -> str:
    """What mmdebstrap writes into ``/etc/apt/sources.list`` of a suite where it is given no archive.

    Raises:
        BuildFailed: it writes none.
        FileNotFoundError: there is no mmdebstrap here.
    """
    with tempfile.TemporaryDirectory() as directory:
        written = Path(directory) / "sources.list"
        # the hook comes before anything is downloaded, and ends it there
        hook = f'--setup-hook=cat "$1/etc/apt/sources.list" > {written}; exit 1'
        argv = ["mmdebstrap", "--variant=custom", hook, suite, "/dev/null"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        text = written.read_text() if written.is_file() else ""
    if not text:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise BuildFailed(f"mmdebstrap names no archive of {suite}: {said}", NO_SOURCES)
    return text


def mirrors(suite: str) -> Mapping[str, str]:
    """The roots of a suite's archives, by the name that paths in the lock begin with: ``debian``, ``debian-security``.

    Empty where there is no mmdebstrap, which is installed before anything is bootstrapped.

    Raises:
        BuildFailed: as `default_sources`.
    """
    try:
        roots = [root.rstrip("/") for root in _ENTRY.findall(default_sources(suite))]
    except FileNotFoundError:
        return {}
    return {root.rpartition("/")[2]: root for root in roots}
