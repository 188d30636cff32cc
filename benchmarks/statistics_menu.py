"""Which estimator sees through which noise: the tables of docs/statistics.md, from seeded simulations.

    python -m benchmarks.statistics_menu                  # 2000 campaigns a cell; a few minutes
    python -m benchmarks.statistics_menu 200              # a quick look

Prints Markdown, and writes results/statistics.json. Exit code 1 if the lab's rule breaks a promise of
docs/statistics.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.statistics.cells import CAMPAIGNS, Cell, all_paired, all_unpaired
from benchmarks.statistics.estimators import FORMER, LAB, MENU
from benchmarks.statistics.noises import BURSTS, DEPENDENT, NOISES
from benchmarks.statistics.stopping import RULES, Stopped, stop
from lab.disk.paths import RESULTS
from lab.stats.simulate import binomial_band

BLOCKS = (6, 10, 20, 40)
BETWEEN = (10, 20)
GOALS = (0.02, 0.01)
STOPPED_UNDER = (NOISES[0], NOISES[1], BURSTS, NOISES[8], DEPENDENT)


def broken_promises(cells: Iterable[Cell], campaigns: int) -> Iterator[str]:
    """What docs/statistics.md promises of the lab's rule, and these cells do not keep."""
    dependent = DEPENDENT.name
    for cell in cells:
        if cell.estimator != LAB.name or cell.blocks < 10:
            continue
        name = f"{cell.noise}, {cell.blocks} blocks"
        rate = 0.09 if cell.noise == dependent else 0.05
        if cell.false > binomial_band(rate, campaigns)[1]:
            yield f"{name}: {cell.false:.1%} false verdicts"
        if cell.noise != dependent and cell.covered < binomial_band(0.93, campaigns)[0]:
            yield f"{name}: {cell.covered:.1%} covered"
        wanted = {10: 0.5, 20: 0.8}.get(cell.blocks)
        if cell.noise == BURSTS.name and wanted is not None and cell.found < binomial_band(wanted, campaigns)[0]:
            yield f"{name}: {cell.found:.1%} found"


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rates(cell: Cell) -> str:
    return f"{100 * cell.false:.1f} / {100 * cell.covered:.1f} / {100 * cell.found:.0f}"


def two_rules(cells: Sequence[Cell], blocks: tuple[int, ...], former: str) -> str:
    """False / covered / found under every noise, the rule before and the lab's side by side."""
    by_key = {(cell.noise, cell.estimator, cell.blocks): cell for cell in cells}
    heads = ["noise", *(f"{n} blocks, {which}" for n in blocks for which in ("before", "now"))]
    rows = [
        [noise.name, *(_rates(by_key[noise.name, name, n]) for n in blocks for name in (former, LAB.name))]
        for noise in NOISES
    ]
    return markdown(heads, rows)


def menu_table(cells: Sequence[Cell], blocks: int) -> str:
    """False / found of the whole menu under every noise."""
    by_key = {(cell.noise, cell.estimator): cell for cell in cells if cell.blocks == blocks}
    rows = []
    for noise in NOISES:
        mine = [by_key[noise.name, one.name] for one in MENU]
        rows.append([noise.name, *(f"{100 * cell.false:.1f} / {100 * cell.found:.0f}" for cell in mine)])
    return markdown([f"{blocks} blocks", *(one.name for one in MENU)], rows)


def stop_table(stopped: Sequence[Stopped]) -> str:
    """Covered / blocks of every rule, by noise and goal."""
    by_key = {(one.noise, one.half_width, one.rule): one for one in stopped}
    keys = dict.fromkeys((one.noise, one.half_width) for one in stopped)
    rows = []
    for noise, goal in keys:
        mine = [by_key[noise, goal, rule.name] for rule in RULES]
        rows.append([f"{noise}; ±{100 * goal:.0f} %", *(f"{100 * one.covered:.1f} / {one.blocks:.1f}" for one in mine)])
    return markdown(["noise; goal", *(rule.name for rule in RULES)], rows)


def main(campaigns: int) -> int:
    """Simulate, print, write; 1 if a promise is broken."""
    paired, between = all_paired(BLOCKS, campaigns), all_unpaired(BETWEEN, campaigns)
    stopped = [one for noise in STOPPED_UNDER for goal in GOALS for one in stop(noise, goal, campaigns)]
    parts = [
        f"{campaigns} campaigns a cell.",
        f"Paired, in %: false / covered / found\n\n{two_rules(paired, BLOCKS, FORMER.name)}",
        *(f"The menu, in %: false / found\n\n{menu_table(paired, n)}" for n in (10, 20)),
        f"Between campaigns, in %: false / covered / found\n\n{two_rules(between, BETWEEN, between[0].estimator)}",
        f"Stop rules: covered in % / mean blocks\n\n{stop_table(stopped)}",
    ]
    print("\n\n".join(parts))  # noqa: T201 - the answer
    file = Path(RESULTS) / "statistics.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"campaigns": campaigns, "paired": paired, "between": between, "stopped": stopped}
    plain = {
        name: value if isinstance(value, int) else [one._asdict() for one in value] for name, value in content.items()
    }
    file.write_bytes(msgspec.json.format(msgspec.json.encode(plain), indent=2))
    broken = list(broken_promises([*paired, *between], campaigns))
    for promise in broken:
        print(f"broken: {promise}", file=sys.stderr)  # noqa: T201 - the answer
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else CAMPAIGNS))
