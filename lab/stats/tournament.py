"""A ranking of arms on given models, with blocks as the sample: who beats whom here, and who cannot be distinguished.

Within a block and model arms are ranked; mean ranks weigh models alike. Mean ranks of two arms depend on which others
take part, and separate least where all are far apart (Benavoli, Corani & Mangili, JMLR 17, 2016), so that pairs are
compared by themselves: in each block the mean over models of the log-ratio of both, judged as any other comparison
(`lab.stats.verdicts`), with Holm's correction over all pairs. The block is the unit, since trials of one block share
its conditions; blocks that resemble the one before count for fewer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from lab.stats.estimate import Estimate, Floats
from lab.stats.verdicts import State, judge_family

Times = Mapping[str, Mapping[str, Mapping[int, float]]]
_MOST_GROUPS_PER_ARM = 3


@dataclass(frozen=True, slots=True)
class Tournament:
    """What a ranking by blocks says.

    Attributes:
        mean_ranks: by arm, best (smallest values) first. Of two arms the blocks that hold both count.
        models: over which arms were ranked.
        blocks: those that hold every arm on every model.
        p: of Friedman's test over these blocks that all arms rank alike; None for fewer than 3 arms or 2 blocks.
        groups: the largest sets of arms of which no two can be distinguished, in order of rank; of two arms or more.
        over_best: typical ratio of each arm to the first one, over models; without a value where no block holds both.
        pairs: comparisons in the family of tests.
    """

    mean_ranks: dict[str, float]
    models: tuple[str, ...]
    blocks: int
    p: float | None
    groups: tuple[tuple[str, ...], ...]
    over_best: dict[str, Estimate | None]
    pairs: int


def tournament(times: Times, margin: float, alpha: float = 0.05) -> Tournament:
    """Rank arms by values of which less is better.

    Args:
        times: by arm, model and block, above 0; every arm on the same models, at least one.
        margin: ratios within it count as alike.
        alpha: of the tests of all pairs together.
    """
    arms, models = list(times), sorted(next(iter(times.values())))
    wins = {arm: 1.0 + sum(_share_beaten(times, models, other, arm) for other in arms if other != arm) for arm in arms}
    ordered = sorted(arms, key=lambda arm: (wins[arm], arm))
    logs = {pair: _log_ratios(times, models, *pair) for pair in combinations(ordered, 2)}
    judged = judge_family({pair: row for pair, row in logs.items() if len(row)}, margin, alpha, "all pairs")
    differing = {pair for pair, judgement in judged.items() if judgement.state is State.DIFFERS}
    best = ordered[0]
    # the first of a pair ranks before the second, which is the numerator
    over = {arm: judged[best, arm].estimate if (best, arm) in judged else None for arm in ordered[1:]}
    blocks, p = _friedman(times, models, arms)
    ranks = {arm: wins[arm] for arm in ordered}
    return Tournament(ranks, tuple(models), blocks, p, alike_groups(ordered, differing), over, len(judged))


def alike_groups(ordered: Sequence[str], differing: set[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """The largest sets without a pair that differs, by insertion and absorption (Piepho, J. Comput. Graph. Stat. 13).

    Where chance would make far more sets than arms, runs of neighbours stand for them that hold some pairs which
    differ: nothing is then shown as different that is not.

    Args:
        ordered: arms in order of rank.
        differing: pairs of them, each in that order.
    """
    groups = [frozenset(ordered)]
    for first, second in sorted(differing):
        split = [part for group in groups for part in _without_both(group, first, second)]
        groups = [group for group in dict.fromkeys(split) if not any(group < other for other in split)]
        if len(groups) > _MOST_GROUPS_PER_ARM * len(ordered):
            return _runs(ordered, differing)
    sets = [tuple(arm for arm in ordered if arm in group) for group in groups if len(group) > 1]
    return tuple(sorted(sets, key=lambda group: [ordered.index(arm) for arm in group]))


def _without_both(group: frozenset[str], first: str, second: str) -> list[frozenset[str]]:
    return [group - {first}, group - {second}] if {first, second} <= group else [group]


def _runs(ordered: Sequence[str], differing: set[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """From each arm to the last one that it cannot be distinguished from; runs within others left out."""
    found: list[tuple[str, ...]] = []
    reached = 0
    for start, arm in enumerate(ordered):
        end = max(place for place in range(start, len(ordered)) if (arm, ordered[place]) not in differing)
        if end > max(start, reached):
            found.append(tuple(ordered[start : end + 1]))
            reached = end
    return tuple(found)


def _share_beaten(times: Times, models: Sequence[str], other: str, arm: str) -> float:
    """In what share of the blocks that hold both the other one takes less; ties, and no such block, count half."""
    shares = []
    for model in models:
        theirs, mine = times[other][model], times[arm][model]
        signs = [np.sign(mine[block] - theirs[block]) for block in theirs.keys() & mine.keys()]
        shares.append((1 + float(np.mean(signs))) / 2 if signs else 0.5)
    return float(np.mean(shares))


def _log_ratios(times: Times, models: Sequence[str], below: str, above: str) -> Floats:
    """log(above / below), mean over models, of each block that holds both arms on every model; in order of blocks."""
    common = sorted(set.intersection(*(set(times[arm][model]) for arm in (below, above) for model in models)))
    table = np.array([[[times[arm][m][b] for arm in (below, above)] for m in models] for b in common], dtype=np.float64)
    logs = np.log(table.reshape(len(common), len(models), 2))
    return np.asarray(np.diff(logs, axis=-1).mean(axis=(1, 2)))


def _friedman(times: Times, models: Sequence[str], arms: Sequence[str]) -> tuple[int, float | None]:
    """Complete blocks, and the p-value over them; each block's ranks are its means over models."""
    common = sorted(set.intersection(*(set(times[arm][model]) for arm in arms for model in models)))
    if len(arms) < 3 or len(common) < 2:
        return len(common), None
    table = np.array([[[times[arm][model][block] for arm in arms] for model in models] for block in common])
    ranks = stats.rankdata(table, axis=-1).mean(axis=1)
    if np.all(np.ptp(ranks, axis=-1) == 0):
        return len(common), 1.0
    return len(common), float(stats.friedmanchisquare(*ranks.T).pvalue)
