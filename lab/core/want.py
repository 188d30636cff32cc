"""A want: a set of cases that together answer one question, and how precisely the question asks for them."""

from __future__ import annotations

import msgspec

from lab.core.case import Case


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to answer one question, such as a claim of the paper on one guest level.

    It says nothing on which way the answer goes: a plan made from wants looks at widths and costs only.

    Attributes:
        name: of the question.
        above, below: cases of both sides of the comparison; `below` is empty for a plain figure.
        quantity: what is compared of a trial: ``single_total_ns``, ``rss_peak_bytes`` or a share; None if
            it is enough to see how a trial ends.
        half_width: relative half-width of the interval at which the question counts as answered; None for any.
        value: how much the answer is worth beside that of other questions.
    """

    name: str
    above: tuple[Case, ...]
    below: tuple[Case, ...] = ()
    quantity: str | None
    half_width: float | None
    value: float = 1.0

    @property
    def cases(self) -> frozenset[Case]:
        """All cases of it."""
        return frozenset((*self.above, *self.below))
