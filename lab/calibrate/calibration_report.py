"""A calibration for people: ``report.md``, and the lines the command line prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from lab.calibrate.findings import CALIBRATED, Calibration, Noise, Power, Slowdown
from lab.core.plain_text import markdown_text
from lab.core.trial import QUANTITIES
from lab.core.units import show_percent
from lab.stats.sentences import show_ratio
from lab.stats.verdicts import State


def summary(found: Calibration) -> list[str]:
    """What was found, a line each: the answer, floors, A/A pairs, the slowdown, then problems and notes."""
    lines = [headline(found), *(f"{QUANTITIES[item.quantity].title}: {_floor(item)}" for item in found.noise)]
    lines.append(
        f"{found.false_positives} of {len(found.aa_pairs)} comparisons of the same with the same find a difference"
    )
    lines += [_slowdown_sentence(item) for item in found.slowdown if item.truth is not None]
    if found.gate:
        lines.append(
            f"the quiet gate waited {found.waited_s:.0f} s and repeated {found.repeats} trials; see the report"
        )
    lines += [f"problem: {problem}" for problem in found.problems]
    return lines + [f"note: {note}" for note in found.notes]


def page(found: Calibration) -> str:
    """``report.md``."""
    parts = (_head, _aa_section, _noise, _slowdown, _power, _gate, _setting)
    return "\n\n".join(text for part in parts for text in part(found)) + "\n"


def headline(found: Calibration) -> str:
    """The answer in a sentence or two."""
    settings = found.begun.settings
    if found.problems:
        chance = "Each alone comes up by chance in about one calibration of twenty; one that comes up again is real."
        return f"Problems: {len(found.problems)}. {chance}"
    inferences = [item for item in found.slowdown if item.truth is not None]
    if all(item.found for item in inferences):
        return "Verdicts hold on this machine: the same was taken for the same, and the slowdown was found."
    size = show_percent(settings.slowdown)
    return (
        f"No false verdict, but a slowdown of {size} could not be made out in {settings.blocks} blocks: see the floor."
    )


def _head(found: Calibration) -> Iterator[str]:
    yield "# Calibration"
    yield f"**{headline(found)}**"
    if found.problems or found.notes:
        yield "\n".join([*(f"- {line}" for line in found.problems), *(f"- Note: {line}." for line in found.notes)])


def _aa_section(found: Calibration) -> Iterator[str]:
    settings = found.begun.settings
    yield "## The same with the same"
    yield (
        f"{settings.case.id} ran under {settings.aa_arms} labels, each once in each of {settings.blocks} blocks, in "
        f"random order. Of {len(found.aa_pairs)} comparisons, Holm-corrected as one family, "
        f"{found.false_positives} found a difference."
    )
    rows = []
    for quantity in CALIBRATED:
        pairs = [pair for pair in found.aa_pairs if pair.quantity == quantity]
        states = [pair.judgement.state for pair in pairs]
        apart = max(pairs, key=lambda pair: abs((pair.judgement.estimate.value or 1) - 1))
        rows.append(
            (
                QUANTITIES[quantity].title,
                *(states.count(state) for state in State),
                show_ratio(apart.judgement.estimate),
            )
        )
    yield _table(rows, ("quantity", *(state.value for state in State), "the pair furthest apart"))


def _noise(found: Calibration) -> Iterator[str]:
    settings = found.begun.settings
    low, high = (f"{100 * rate:.1f} %" for rate in found.band)
    yield "## The noise floor"
    yield "\n".join(f"- {QUANTITIES[item.quantity].title}: {_floor(item)}." for item in found.noise)
    yield (
        "The floor is what a single comparison finds in 80 of 100 tries. False positives come from "
        f"{found.simulated} simulated comparisons of {settings.units} {settings.unit}s with the noise measured here "
        f"and no difference: an honest test at 5 % shows between {low} and {high}; less is cautious (few blocks), more "
        "is wrong."
    )
    rows = [
        (
            QUANTITIES[item.quantity].title,
            show_percent(item.floor.spread),
            show_percent(item.floor.fraction),
            item.blocks_for_1_percent,
            f"{100 * item.tests.differs:.1f} %",
            f"{100 * item.tests.covered:.1f} %",
            f"{100 * item.verdicts.equivalent:.0f} %",
        )
        for item in found.noise
        if item.floor is not None and item.tests is not None and item.verdicts is not None
    ]
    equivalent = f"shown equivalent within {show_percent(settings.margin)}"
    headers = ("quantity", "spread of a ratio", "floor", "blocks for ±1 %", "false positives", "intervals that hold 1")
    yield _table(rows, (*headers, equivalent))


def _slowdown(found: Calibration) -> Iterator[str]:
    settings = found.begun.settings
    yield "## A known slowdown"
    yield (
        f"The guest made each inference {show_percent(settings.slowdown)} longer under one more label, in the same "
        "blocks. Overall time holds loading besides, so it shows less."
    )
    rows = [
        (
            QUANTITIES[item.quantity].title,
            None if item.truth is None else f"{item.truth:.3f}×",
            None if item.judgement.estimate.value is None else show_ratio(item.judgement.estimate),
            {True: "yes", False: "no", None: None}[item.covers],
            item.judgement.state.value,
            None if item.power is None else f"{100 * item.power:.0f} %",
        )
        for item in found.slowdown
    ]
    yield _table(rows, ("quantity", "put in", "found", "interval holds it", "verdict", "chance to find it"))


def _power(found: Calibration) -> Iterator[str]:
    if not found.power:
        return
    sizes = list(dict.fromkeys(cell.slowdown for cell in found.power))
    yield "## What would be found"
    yield (
        f"{found.simulated} comparisons each, drawn from the noise measured here with a slowdown of a known size: how "
        "often the test finds it, and in brackets how many intervals hold it."
    )
    by_place = {(cell.quantity, cell.blocks, cell.slowdown): cell for cell in found.power}
    rows = [
        (
            QUANTITIES[quantity].title,
            blocks,
            *(_found_text(by_place[quantity, blocks, size]) for size in sizes),
        )
        for quantity, blocks in dict.fromkeys((cell.quantity, cell.blocks) for cell in found.power)
    ]
    yield _table(rows, ("quantity", "blocks", *(show_percent(size) for size in sizes)))


def _gate(found: Calibration) -> Iterator[str]:
    if not found.gate:
        return
    yield "## The quiet gate"
    yield (
        f"In the same blocks {found.begun.settings.aa_arms} more labels ran the very same after a wait for a quiet "
        f"machine: {found.waited_s:.0f} s of waiting in all, {found.repeats} trials repeated. The p-value is that of "
        "the test that both scatter alike."
    )
    rows = [
        (
            QUANTITIES[item.quantity].title,
            None if item.ungated is None else show_percent(item.ungated.fraction),
            None if item.gated is None else show_percent(item.gated.fraction),
            None if item.p_same is None else f"{item.p_same:.2g}",
            item.differing,
        )
        for item in found.gate
    ]
    yield _table(rows, ("quantity", "floor without", "floor with", "p", "gated pairs that differ"))


def _found_text(cell: Power) -> str:
    return f"{100 * cell.found:.0f} % ({100 * cell.covered:.0f} %)"


def _setting(found: Calibration) -> Iterator[str]:
    mark, settings = found.begun.fingerprint, found.begun.settings
    yield "## Measured on"
    rows = [
        ("processor", f"{mark.host.cpu_model}, {mark.host.cores} cores"),
        ("kernel, engine", f"{mark.host.kernel}, {mark.host.engine} ({mark.isolation})"),
        ("runtime", f"{settings.case.arm.runtime} {mark.runtime.version}".strip()),
        ("guest", mark.guest.sha256),
        ("model", f"{settings.model} {mark.model.graph_sha256}"),
        ("trials", f"{found.trials} of {settings.iterations} inferences each, {found.failed} failed"),
        ("from, to", f"{found.started_at}, {found.ended_at}"),
    ]
    yield _table(rows, ("", ""))


def _floor(item: Noise) -> str:
    return "no scatter at all: any difference shows" if item.floor is None else item.floor.sentence


def _slowdown_sentence(item: Slowdown) -> str:
    holds = {True: "the interval holds it", False: "the interval misses it", None: "there is no interval"}[item.covers]
    return f"{QUANTITIES[item.quantity].title} with a slowdown of {item.truth:.3f}×: {item.judgement.sentence}; {holds}"


def _table(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
    cells = [[None if cell is None else markdown_text(str(cell)) for cell in row] for row in rows]
    return tabulate(cells, headers, tablefmt="pipe", missingval="–", disable_numparse=True)
