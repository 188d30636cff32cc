"""Names that a user may have meant: the first half of a hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST = 3


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """``did you mean vgg_16 or vgg_19? `` with a space at its end; empty if no known name resembles this one.

    Args:
        name: the name as it was written.
        known: names that exist.
        cutoff: least similarity of a suggestion, from 0 (any) to 1 (equal).
    """
    near = difflib.get_close_matches(name, list(known), n=MOST, cutoff=cutoff)
    return f"did you mean {' or '.join(near)}? " if near else ""
