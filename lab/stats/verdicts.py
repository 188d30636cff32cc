"""Three-state verdicts: differs, equivalent, undetermined.

How the tests combine, for each comparison:

1. `differs` needs Yuen's test on log-ratios at alpha, Holm-corrected within its family, and, below 10 blocks, the exact
   rank test at alpha too. That test can't reach 0.05 with fewer than 6 blocks.
2. `equivalent` needs the two one-sided tests of the same kind at alpha, Holm-corrected likewise, and, below 10 blocks,
   those by ranks too.
3. Both can hold: a difference that is real and too small to matter. The margin says what matters, so `equivalent` wins.
4. Neither: `undetermined`, with what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

from lab.core.errors import UsageError
from lab.core.units import show_percent
from lab.stats.estimate import Estimate, Floats
from lab.stats.evidence import Evidence, paired_evidence, unpaired_evidence
from lab.stats.hypotheses import holm
from lab.stats.sentences import show_ratio, what_is_missing

Key = TypeVar("Key")


class State(StrEnum):
    """What a comparison comes to."""

    DIFFERS = "differs"
    EQUIVALENT = "equivalent"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with everything it rests on.

    Attributes:
        state: one of three.
        estimate: of the ratio; its interval stands for itself and is not corrected for the family.
        margin: within which ratios count as equivalent, as a fraction: from 1 / (1 + margin) to 1 + margin.
        alpha: of every test.
        p_differs: corrected for the family; None if no test can be made.
        p_equivalent: corrected likewise.
        p_rank: of the rank test of difference, uncorrected.
        family: the stated family, such as ``Figure 1(a)``; None for a single comparison.
        family_size: comparisons in it.
        reason: why the state is undetermined; None otherwise.
        unit: what the estimate's n counts: ``block`` or ``world``.
    """

    state: State
    estimate: Estimate
    margin: float
    alpha: float
    p_differs: float | None
    p_equivalent: float | None
    p_rank: float | None
    family: str | None
    family_size: int
    reason: str | None
    unit: str = "block"

    @property
    def sentence(self) -> str:
        """The verdict without names: ``2.10× [2.05, 2.16], differs``."""
        return self.sentence_about(None, None)

    def sentence_about(self, subject: str | None, reference: str | None) -> str:
        """The verdict in a sentence: ``wasmtime is 2.10× native [2.05, 2.16], differs``."""
        start = f"{subject} is " if subject else ""
        if self.state is State.DIFFERS:
            return f"{start}{show_ratio(self.estimate, reference)}, differs"
        if self.state is State.EQUIVALENT:
            to = f" to {reference}" if reference else ""
            return f"{start}equivalent{to} within {show_percent(self.margin)}: {show_ratio(self.estimate)}"
        over = f"{subject} over {reference} is " if subject and reference else start
        return f"{over}undetermined: {self.reason}"

    @property
    def exceeds_margin(self) -> bool:
        """Whether it differs, to the worse, by an estimate above the margin; what `lab compare` fails on."""
        value = self.estimate.value
        return self.state is State.DIFFERS and value is not None and value > 1 + self.margin


def judge(log_ratios: Floats, margin: float, alpha: float = 0.05, family: str | None = None) -> Judgement:
    """Judge one comparison that is paired by block.

    Args:
        log_ratios: in order of blocks, shape (blocks,), from `paired_log_ratios`.
        margin: smallest difference that matters, as a fraction above 0.
        alpha: level of the tests.
        family: a name to carry; several comparisons that are read together belong into `judge_family`.

    Raises:
        UsageError: the margin is not above 0, or alpha not between 0 and 0.5.
    """
    return judge_family({None: log_ratios}, margin, alpha, family)[None]


def judge_family(
    log_ratios: Mapping[Key, Floats],
    margin: float,
    alpha: float = 0.05,
    family: str | None = None,
    unit: str = "block",
    level_at: Callable[[int], float] | None = None,
) -> dict[Key, Judgement]:
    """Judge every comparison of one family (one figure, one table), paired by block, with Holm's correction.

    Args:
        log_ratios: by comparison, in order of blocks, shape (blocks of that comparison,).
        margin: as in `judge`.
        alpha: the chance of any false `differs` in the family, and that of any false `equivalent`.
        family: what the comparisons are, for people.
        unit: what is independent of each other: ``block``, or ``world`` where values are of worlds.
        level_at: the level of a test on so many blocks, where looks at them share alpha; alpha itself by default.

    Raises:
        UsageError: as in `judge`.
    """
    _check(margin, alpha)
    evidence: dict[Key, Evidence] = {}
    for keys in _by_length({key: (len(values),) for key, values in log_ratios.items()}):
        table = np.array([log_ratios[key] for key in keys], dtype=np.float64)
        level = None if level_at is None else level_at(table.shape[-1])
        evidence.update(zip(keys, paired_evidence(table, margin, alpha, unit, level), strict=True))
    return _concluded({key: evidence[key] for key in log_ratios}, margin, alpha, family)


def judge_each(log_ratios: Floats, margin: float, alpha: float = 0.05) -> list[Judgement]:
    """Judge every row on its own, uncorrected: for simulations, where each row is a world of its own.

    Args:
        log_ratios: shape (comparisons, blocks).
        margin: as in `judge`.
        alpha: as in `judge`.

    Raises:
        UsageError: as in `judge`.
    """
    _check(margin, alpha)
    return [_concluded({None: row}, margin, alpha, None)[None] for row in paired_evidence(log_ratios, margin, alpha)]


def compare_family(
    pairs: Mapping[Key, tuple[Floats, Floats]],
    margin: float,
    alpha: float = 0.05,
    family: str | None = None,
    unit: str = "block",
) -> dict[Key, Judgement]:
    """Judge b against a, two campaigns that share no block, with Holm's correction: above 1 b is the more expensive.

    Between machines give log-ratios to native (overheads); on one machine logarithms of times serve as well. The
    interval is of the difference of two trimmed means, the rank test Brunner-Munzel's, or the exact Mann-Whitney test
    below 10 blocks.

    Args:
        pairs: by comparison, (a, b), in order of blocks, shapes (n,) and (m,).
        margin: as in `judge`.
        alpha: as in `judge_family`.
        family: as there.
        unit: as there.

    Raises:
        UsageError: as in `judge`.
    """
    _check(margin, alpha)
    evidence: dict[Key, Evidence] = {}
    for keys in _by_length({key: (len(a), len(b)) for key, (a, b) in pairs.items()}):
        a, b = (np.array([pairs[key][side] for key in keys], dtype=np.float64) for side in (0, 1))
        evidence.update(zip(keys, unpaired_evidence(a, b, margin, alpha, unit), strict=True))
    return _concluded({key: evidence[key] for key in pairs}, margin, alpha, family)


def _concluded(evidence: dict[Key, Evidence], margin: float, alpha: float, family: str | None) -> dict[Key, Judgement]:
    differs = _corrected([comparison.p.differs for comparison in evidence.values()])
    equivalent = _corrected([comparison.p.equivalent for comparison in evidence.values()])
    judgements: dict[Key, Judgement] = {}
    for place, (key, comparison) in enumerate(evidence.items()):
        p_differs = _with_rank(differs[place], comparison.p.rank, comparison.rank_must_agree)
        p_equivalent = _with_rank(equivalent[place], comparison.p.rank_equivalent, comparison.rank_must_agree)
        state = State.UNDETERMINED
        if p_equivalent is not None and p_equivalent <= alpha:
            state = State.EQUIVALENT
        elif p_differs is not None and p_differs <= alpha:
            state = State.DIFFERS
        reason = (
            what_is_missing(comparison, p_differs, margin, alpha, len(evidence))
            if state is State.UNDETERMINED
            else None
        )
        judgements[key] = Judgement(
            state,
            comparison.estimate,
            margin,
            alpha,
            p_differs,
            p_equivalent,
            comparison.p.rank,
            family,
            len(evidence),
            reason,
            comparison.unit,
        )
    return judgements


def _corrected(p_values: list[float | None]) -> Floats:
    known = np.array([np.nan if p is None else p for p in p_values])
    return known if len(known) == 1 else holm(known)


def _with_rank(p: float, p_rank: float | None, must_agree: bool) -> float | None:
    """The p-value of "both tests say so" where both are asked for."""
    if not np.isfinite(p):
        return None
    return max(float(p), p_rank) if must_agree and p_rank is not None else float(p)


def _by_length(lengths: Mapping[Key, tuple[int, ...]]) -> list[list[Key]]:
    """Keys whose data have the same shape, to be computed as one table."""
    groups: dict[tuple[int, ...], list[Key]] = {}
    for key, length in lengths.items():
        groups.setdefault(length, []).append(key)
    return list(groups.values())


def _check(margin: float, alpha: float) -> None:
    if not margin > 0:
        raise UsageError(f"nothing can be equivalent within {margin:.1%}", "give a margin above 0, such as 2%")
    if not 0 < alpha < 0.5:
        raise UsageError(f"an alpha of {alpha:g} is no level of a test", "give one between 0 and 0.5, such as 0.05")
