"""`lab build --timeline`: the last build's steps as a table, and as a figure if a file is named."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lab.cli.output import note, say, say_json, say_table
from lab.core.errors import UsageError
from lab.core.units import show_duration
from lab.disk.whole import write_whole
from lab.store.build_times import BuildTime, build_runs, read_build_times, waited_for

_KINDS = (".svg", ".png")


class Timeline(msgspec.Struct, frozen=True):
    """A build as it went, for scripts.

    Attributes:
        build: name of its file of records.
        seconds: from its first step to its last one's end.
        steps: in the order they started.
        waited_for: names of the steps that the end waited for, first one first.
    """

    build: str
    seconds: float
    steps: list[BuildTime]
    waited_for: list[str]


def show_timeline(home: Path, words: list[str], *, json: bool) -> None:
    """Print where the minutes of the last build went, and draw it into a file if one is named.

    Args:
        home: of the lab.
        words: the figure's file, or nothing.
        json: print JSON instead of the table.

    Raises:
        UsageError: nothing was built yet, or the file is no SVG or PNG.
        DataError: the records are damaged.
    """
    if len(words) > 1 or any(Path(word).suffix not in _KINDS for word in words):
        raise UsageError(f"no figure can be drawn into '{' '.join(words)}'", "name one file that ends in .svg or .png")
    runs = build_runs(home)
    if not runs:
        raise UsageError(f"no build is recorded in {home}", "build something: `lab build`")
    steps = read_build_times(runs[-1])
    begin = steps[0].started_at
    chain = waited_for(steps)
    seconds = max(step.ended_at for step in steps) - begin
    if json:
        say_json(Timeline(runs[-1].stem, seconds, steps, [step.step for step in chain]))
    else:
        rows = [
            (
                show_duration(step.started_at - begin),
                show_duration(step.seconds),
                "" if step.minutes is None else f"{step.minutes:g} min",
                "*" if step in chain else "",
                step.step + ("" if step.ok else " (failed)"),
            )
            for step in steps
        ]
        say_table(rows, ("start", "took", "CPU time planned", "waited for", "step"))
        busy = sum(step.seconds for step in steps)
        say(
            f"\n{runs[-1].stem}: {show_duration(seconds)}; {show_duration(busy)} of steps, "
            f"{busy / seconds if seconds else 0:.1f} at a time; the end waited for those with a star"
        )
    if words:
        # imported here: Matplotlib takes half a second
        from lab.report.figures.build_timeline import draw_timeline  # noqa: PLC0415
        from lab.report.figures.style import save  # noqa: PLC0415

        title = f"Build of {runs[-1].stem}: {show_duration(seconds)}"
        write_whole(Path(words[0]), save(draw_timeline(title, steps))[Path(words[0]).suffix[1:]])
        note(f"written: {words[0]}")
