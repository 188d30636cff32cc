"""What a trial runs beside its image: the guest as it is, or what was made of it."""

from __future__ import annotations

from pathlib import Path

import msgspec


class PreparedGuest(msgspec.Struct, frozen=True):
    """A guest with its model loaded: a module, or a native guest's heap.

    Attributes:
        path: the file.
        sha256: its hash.
    """

    path: Path
    sha256: str


class TrialProgram(msgspec.Struct, frozen=True):
    """What was made for a case.

    Attributes:
        prepared: what holds its model; None for a guest that loads it itself.
        module: the precompiled one; a directory if it is a cache; None without precompilation.
    """

    prepared: PreparedGuest | None = None
    module: Path | None = None


AS_IT_IS = TrialProgram()
"""A guest for which nothing is made."""
