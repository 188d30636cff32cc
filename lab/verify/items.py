"""One thing verified, and the three answers there are."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Match(StrEnum):
    """How what was found compares with what should be there.

    `IDENTICAL`: to the bit. `EQUIVALENT`: within the tolerance that holds where bits depend on the processor.
    """

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    DIFFERS = "differs"


class Item(msgspec.Struct, frozen=True):
    """One thing verified.

    Attributes:
        name: what was verified, such as ``model vgg_16 graph``.
        verdict: whether it is the same as it should be.
        why: what it was compared with; for a difference, both sides.
    """

    name: str
    verdict: Match
    why: str


def compare_hashes(name: str, expected: str | None, copies: dict[str, str]) -> Item:
    """Compare several copies of one thing with each other and with the lock, by their hashes.

    Args:
        name: what is compared, such as ``model vgg_16 graph``.
        expected: the locked sha256; None if it is not locked.
        copies: sha256 by how the copy was made; at least one.
    """
    sides = copies if expected is None else {"the lock": expected, **copies}
    if len(set(sides.values())) == 1:
        return Item(name, Match.IDENTICAL, "the same in " + " and ".join(sides))
    return Item(name, Match.DIFFERS, ", ".join(f"{where} has {sha256[:12]}…" for where, sha256 in sides.items()))


def first_difference(items: Iterable[Item]) -> Item | None:
    """The first item that differs; None if all is well."""
    return next((item for item in items if item.verdict is Match.DIFFERS), None)
