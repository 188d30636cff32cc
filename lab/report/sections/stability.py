"""Whether a cell's blocks look like one steady measurement, and where its noise comes from. Flagged, never deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

import numpy as np

from lab.core.arm import Arm
from lab.report.document import Column, Section, Table
from lab.report.overheads import TIME
from lab.report.results import Cell, Results
from lab.report.sections.common import CASE_COLUMNS
from lab.stats.diagnostics import SeriesFlag, bimodality, dependence, drift, outliers, parting
from lab.stats.iterations import Components, Shape, WarmUp, find_warm_up, variance_components
from lab.stats.levels import Levels, split_levels
from lab.stats.ratios import Floats, paired_log_ratios

LEAD = (
    "Overall times by block, tested for a drift (Mann-Kendall), for two modes (dip test) and for outliers (modified "
    "z-score above 3.5); their ratios to native for trials that resemble those of the block before (rank version of "
    "von Neumann's ratio), and for a mean trial that parts from the typical one; inferences for a warm-up that lasts "
    "longer than the first. A flag warns; nothing is deleted."
)
_LONGEST = 200
_INFERENCES = 1000  # searched for a warm-up: its cost grows with the square
_CELL_COLUMNS = (
    *CASE_COLUMNS,
    Column("drift", "drift"),
    Column("modes", "modes"),
    Column("outliers", "outliers"),
    Column("dependence", "dependence"),
    Column("parting", "typical and mean"),
    Column("warm_up", "warm-up"),
)


def stability_section(results: Results) -> Section:
    """The cells whose series show something, and the noise of each arm by level."""
    rows = [row for cell in results.cells.values() if cell.n and (row := _row(results, cell))]
    tested = sum(1 for cell in results.cells.values() if cell.n >= 5)
    lead = (
        f"{LEAD} {len(rows)} of {len(results.cells)} cells show something; {tested} have the 5 blocks that drift needs."
    )
    tables = [Table("cells that show something", _CELL_COLUMNS, rows)] if rows else []
    return Section("series", "Stability", lead, [*tables, *_noise_by_level(results), *_noise_of_worlds(results)])


def _row(results: Results, cell: Cell) -> dict[str, object] | None:
    """What the cell shows; None if nothing."""
    by_block = results.by_block(cell, TIME.name)
    blocks, values = np.array(list(by_block), dtype=np.float64), np.log(list(by_block.values()))
    if not len(values):
        return None
    far = int(outliers(values).sum())
    shown: dict[str, str | None] = {
        "drift": _raised(drift(thinned(values), thinned(blocks))),
        "modes": _raised(bimodality(values)),
        "outliers": f"{far} of {len(values)}" if far else None,
        "dependence": None,
        "parting": None,
        "warm_up": _long_warm_up(find_warm_up(np.log(results.inferences_ns(cell)[:, :_INFERENCES]))),
    }
    ratios = _block_ratios(results, cell, TIME.name)
    if len(ratios):
        shown |= {"dependence": _raised(dependence(ratios)), "parting": _raised(parting(ratios))}
    if not any(shown.values()):
        return None
    case = cell.case
    return {"arm": case.arm.id, "model": case.model, "batch": case.batch, "trials": cell.n, **shown}


def _raised(flag: SeriesFlag) -> str | None:
    return flag.text if flag.raised else None


def _long_warm_up(found: WarmUp) -> str | None:
    """What contradicts "steady from the second inference on", as steady inference takes it."""
    if found.steady_from is None:
        return str(found.shape) if found.shape is Shape.NO_STEADY_STATE else None
    return f"{found.shape} up to inference {found.steady_from}" if found.steady_from > 1 else None


def _noise_by_level(results: Results) -> Iterator[Table]:
    """By arm, medians over its cells: how far trials scatter, and steady inferences within one trial."""
    rows = [row for arm in results.arms if (row := _arm_row(results, arm))]
    columns = (
        Column("arm", "arm"),
        Column("cells", "cells"),
        Column("between_trials", "between trials", _percent),
        Column("within_trial", "between inferences of a trial", _percent),
    )
    if rows:
        yield Table("where the noise of steady inference comes from (standard deviations, medians)", columns, rows)


def _arm_row(results: Results, arm: Arm) -> dict[str, object] | None:
    cells = [cell for case, cell in results.cells.items() if case.arm == arm and cell.n]
    found = [part for cell in cells if (part := _components(results, cell)) is not None]
    if not found:
        return None
    between, within = (
        float(np.sqrt(median(getattr(part, level) for part in found))) for level in ("between_trials", "within_trials")
    )
    return {"arm": arm.id, "cells": len(found), "between_trials": between, "within_trial": within}


def _components(results: Results, cell: Cell) -> Components | None:
    return variance_components(np.log(results.inferences_ns(cell)[:, 1:]))


def _noise_of_worlds(results: Results) -> Iterator[Table]:
    """By arm, medians over its cells: how far ratios scatter by level, in a campaign of several worlds."""
    if not results.world_of:
        return
    rows = [row for arm in results.arms if (row := _world_row(results, arm))]
    columns = (
        Column("arm", "arm"),
        Column("cells", "cells"),
        Column("between_worlds", "between worlds", _percent),
        Column("between_blocks", "between blocks of a world", _percent),
        Column("within_trial", "between inferences of a trial", _percent),
        Column("buy", "narrowed most by more"),
    )
    if rows:
        yield Table(
            "where the noise of the ratio to native comes from: steady inference, or the overall time where trials "
            "hold one inference (standard deviations, medians)",
            columns,
            rows,
        )


def _world_row(results: Results, arm: Arm) -> dict[str, object] | None:
    cells = [cell for case, cell in results.cells.items() if case.arm == arm and cell.n]
    found = [levels for cell in cells if (levels := _levels(results, cell)) is not None]
    if not found:
        return None
    within = [levels.within_trials for levels in found if levels.within_trials is not None]
    advice = Counter(levels.buy for levels in found)
    return {
        "arm": arm.id,
        "cells": len(found),
        "between_worlds": float(np.sqrt(median(levels.between_worlds for levels in found))),
        "between_blocks": float(np.sqrt(median(levels.between_blocks for levels in found))),
        "within_trial": float(np.sqrt(median(within))) if within else None,
        "buy": ", ".join(f"{level} ({count})" if len(advice) > 1 else level for level, count in advice.most_common()),
    }


def _levels(results: Results, cell: Cell) -> Levels | None:
    """The levels of a cell's ratio to its baseline; of a baseline's own times, None."""
    baseline = results.cells.get(cell.case.baseline)
    if baseline is None or baseline is cell:
        return None
    parts = [_components(results, side) for side in (cell, baseline)]
    within = None
    if parts[0] is not None and parts[1] is not None:
        # both sides' inferences scatter in the ratio of one trial to the other
        within = Components(0.0, parts[0].within_trials + parts[1].within_trials, parts[0].iterations)
    quantity = TIME.name if within is None else "steady_infer_ns"
    blocks = sorted(results.by_block(cell, quantity).keys() & results.by_block(baseline, quantity).keys())
    worlds = np.array([results.world_of[block] for block in blocks], dtype=np.intp)
    return split_levels(_block_ratios(results, cell, quantity), worlds, within)


def _block_ratios(results: Results, cell: Cell, quantity: str) -> Floats:
    """Log-ratios to the baseline by block, worlds not taken together; empty of a baseline and without one."""
    baseline = results.cells.get(cell.case.baseline)
    if baseline is None or cell.case.arm.is_native:
        return np.empty(0)
    return paired_log_ratios(results.by_block(cell, quantity), results.by_block(baseline, quantity))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2g} %"


def thinned(series: Floats) -> Floats:
    """Means of neighbours where the series is long: Theil and Sen's slope costs the square of its length."""
    if len(series) <= _LONGEST:
        return series
    edges = np.linspace(0, len(series), _LONGEST + 1).astype(np.intp)
    means: Floats = np.add.reduceat(series, edges[:-1]) / np.diff(edges)
    return means
