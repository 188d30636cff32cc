"""What a calibration's trials say: false positives, the slowdown, the noise floor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np
from scipy.stats import levene

from lab.calibrate.calibrator import Begun, label_of
from lab.calibrate.findings import (
    CALIBRATED,
    POWER_BLOCKS,
    POWER_SLOWDOWNS,
    SIMULATIONS,
    AAPair,
    Calibration,
    GateEffect,
    Noise,
    Power,
    Slowdown,
)
from lab.calibrate.settings import SLOWED, Settings
from lab.campaign.outcome import UNDISTURBED_CPU_SHARE
from lab.core.errors import NothingToReport
from lab.core.names import Flag
from lab.core.trial import QUANTITIES, Outcome, Trial, counted
from lab.core.units import show_percent
from lab.stats.diagnostics import bimodality, drift
from lab.stats.estimate import has_no_spread
from lab.stats.levels import by_world
from lab.stats.planning import blocks_needed
from lab.stats.ratios import Floats, by_block, paired_log_ratios
from lab.stats.simulate import binomial_band, noise_floor, resampled, verdict_rates
from lab.stats.verdicts import State, judge_family

ALPHA = 0.05
# The guest prolongs inferences, so these must show the slowdown in full.
SLOWED_QUANTITIES = ("first_infer_ns", "steady_infer_ns")
# Leaves the decision to the tests alone: nothing is equivalent within it.
_NO_MARGIN = 1e-9
# More contended trials than this share are reported.
_BUSY_SHARE = 0.1
# From this chance on, a slowdown that is not found is put down to the lab and not to the machine's noise.
_EXPECTED_POWER = 0.95


Series = dict[str, dict[int, float]]
Worlds = Mapping[int, int]
"""The world of each block; empty for a calibration of one world."""


def judge_calibration(begun: Begun, trials: Iterable[Trial], simulations: int = SIMULATIONS) -> Calibration:
    """All verdicts of a calibration.

    Args:
        begun: its settings.
        trials: all of its journal; the warm-up is left out.
        simulations: comparisons to simulate per quantity and question.

    Raises:
        NothingToReport: a label has no trial that ended ok.
    """
    settings, journal = begun.settings, [trial for trial in trials if trial.block > 0]
    measured = counted(journal)
    worlds = {trial.block: trial.replicate for trial in measured if trial.replicate is not None}
    series = {quantity: _series(measured, quantity) for quantity in CALIBRATED}
    for quantity, of_quantity in series.items():
        absent = [label for label in settings.order(1) if not of_quantity.get(label)]
        if absent:
            whys = [trial.why for trial in measured if trial.why]
            raise NothingToReport(
                f"no trial of {', '.join(absent)} gave its {QUANTITIES[quantity].title}"
                f"{f': {whys[-1]}' if whys else ''}",
                "choose another --arm or --model, or calibrate with more blocks",
            )
    scatter = {quantity: _scatter(series[quantity], settings.aa_labels, worlds) for quantity in CALIBRATED}
    aa_pairs = tuple(_aa_pairs(series, settings, settings.aa_labels, worlds))
    noise = tuple(_noise(name, scatter[name], series[name], settings, simulations) for name in CALIBRATED)
    slowed = {name: _ratios(series[name], SLOWED, settings.aa_labels[0], worlds) for name in CALIBRATED}
    slowdown = tuple(_slowdown(name, scatter[name], slowed[name], settings, simulations) for name in CALIBRATED)
    power = tuple(cell for name in CALIBRATED for cell in _power(name, scatter[name], settings, simulations))
    band = binomial_band(ALPHA, simulations)
    busy = tuple(_busy(measured))
    times = sorted(trial.started_at for trial in measured)
    return Calibration(
        begun=begun,
        started_at=times[0],
        ended_at=times[-1],
        trials=len(measured),
        failed=sum(trial.outcome is not Outcome.OK for trial in measured),
        aa_pairs=aa_pairs,
        noise=noise,
        simulated=simulations,
        band=band,
        slowdown=slowdown,
        power=power,
        gate=tuple(_gate_effects(series, scatter, settings, worlds)),
        waited_s=sum(trial.gate_wait_ns or 0 for trial in journal) / 1e9,
        repeats=sum(Flag.REPEAT in trial.flags for trial in journal),
        problems=tuple(_problems(aa_pairs, noise, slowdown, band, busy=bool(busy))),
        notes=(*busy, *_notes(noise, slowdown)),
    )


def _series(trials: Iterable[Trial], quantity: str) -> Series:
    """By label, then by block."""
    values: dict[str, list[tuple[int, float]]] = {}
    for trial in trials:
        value = getattr(trial, quantity)
        if trial.outcome is Outcome.OK and value is not None:
            values.setdefault(label_of(trial), []).append((trial.block, float(value)))
    return {label: by_block(pairs) for label, pairs in values.items()}


def _ratios(series: Series, label: str, other: str, worlds: Worlds) -> Floats:
    """Log-ratios of two labels by block, or by world where there are several."""
    mine, to = series[label], series[other]
    blocks = sorted(mine.keys() & to.keys())
    ratios = paired_log_ratios(mine, to)
    return by_world(ratios, np.array([worlds[block] for block in blocks], dtype=np.intp)) if worlds else ratios


def _scatter(series: Series, labels: Sequence[str], worlds: Worlds) -> Floats:
    """Log-ratios of A/A arms that share no trial with each other: independent samples of the machine's noise."""
    pairs = zip(labels[::2], labels[1::2], strict=False)
    return np.concatenate([_ratios(series, item, other, worlds) for item, other in pairs])


def _aa_pairs(
    series: Mapping[str, Series], settings: Settings, labels: Sequence[str], worlds: Worlds
) -> Iterator[AAPair]:
    ratios = {
        (quantity, f"{item} over {other}"): _ratios(of_quantity, item, other, worlds)
        for quantity, of_quantity in series.items()
        for item, other in combinations(labels, 2)
    }
    judged = judge_family(ratios, settings.margin, ALPHA, "all A/A pairs", settings.unit)
    for (quantity, pair), judgement in judged.items():
        yield AAPair(quantity, pair, judgement)


def _gate_effects(
    series: Mapping[str, Series], scatter: Mapping[str, Floats], settings: Settings, worlds: Worlds
) -> Iterator[GateEffect]:
    labels = settings.gated_labels
    pairs = list(_aa_pairs(series, settings, labels, worlds)) if labels else []
    for quantity in CALIBRATED if labels else ():
        gated, ungated = _scatter(series[quantity], labels, worlds), scatter[quantity]
        flat = _is_flat(gated) or _is_flat(ungated)
        yield GateEffect(
            quantity,
            None if _is_flat(gated) else noise_floor(gated, settings.units, ALPHA),
            None if _is_flat(ungated) else noise_floor(ungated, settings.units, ALPHA),
            None if flat else float(levene(gated, ungated, center="median").pvalue),
            sum(pair.quantity == quantity and pair.judgement.state is State.DIFFERS for pair in pairs),
        )


def _noise(quantity: str, scatter: Floats, series: Series, settings: Settings, simulations: int) -> Noise:
    flags = tuple(_flags(series, settings))
    if _is_flat(scatter):
        return Noise(quantity, None, None, None, None, flags)
    drawn = resampled(scatter, simulations, settings.units, seed=settings.seed)
    return Noise(
        quantity=quantity,
        floor=noise_floor(scatter, settings.units, ALPHA),
        blocks_for_1_percent=blocks_needed(scatter, 0.01),
        tests=verdict_rates(drawn, 1.0, _NO_MARGIN, ALPHA),
        verdicts=verdict_rates(drawn, 1.0, settings.margin, ALPHA),
        flags=flags,
    )


def _flags(series: Series, settings: Settings) -> Iterator[str]:
    for label in settings.aa_labels:
        values = np.log(np.array(list(series[label].values()), dtype=np.float64))
        blocks = np.array(list(series[label]), dtype=np.float64)
        for flag in (drift(values, blocks), bimodality(values)):
            if flag.raised:
                yield f"{label}: {flag.text}"


def _slowdown(quantity: str, scatter: Floats, ratios: Floats, settings: Settings, simulations: int) -> Slowdown:
    judgement = judge_family({None: ratios}, settings.margin, ALPHA, unit=settings.unit)[None]
    if quantity not in SLOWED_QUANTITIES:
        return Slowdown(quantity, None, judgement, None, None)
    truth, estimate, power = 1 + settings.slowdown_permille / 1000, judgement.estimate, None
    covers = None if estimate.low is None or estimate.high is None else estimate.low <= truth <= estimate.high
    if not _is_flat(scatter):
        drawn = resampled(scatter, simulations, settings.units, slowdown=truth - 1, seed=settings.seed + 1)
        power = verdict_rates(drawn, truth, settings.margin, ALPHA).differs
    return Slowdown(quantity, truth, judgement, covers, power)


def _power(quantity: str, scatter: Floats, settings: Settings, simulations: int) -> Iterator[Power]:
    """What the tests alone would make of slowdowns of several sizes, in several numbers of blocks, with this noise."""
    if _is_flat(scatter):
        return
    for blocks, slowdown in product(POWER_BLOCKS, POWER_SLOWDOWNS):
        drawn = resampled(scatter, simulations, blocks, slowdown=slowdown, seed=settings.seed + 2)
        rates = verdict_rates(drawn, 1 + slowdown, _NO_MARGIN, ALPHA)
        yield Power(quantity, slowdown, blocks, rates.differs, rates.covered)


def _is_flat(scatter: Floats) -> bool:
    return len(scatter) < 2 or bool(has_no_spread(scatter))


def _problems(
    aa_pairs: Iterable[AAPair],
    noise: Iterable[Noise],
    slowdown: Iterable[Slowdown],
    band: tuple[float, float],
    *,
    busy: bool,
) -> Iterator[str]:
    for pair in aa_pairs:
        if pair.judgement.state is State.DIFFERS:
            name = QUANTITIES[pair.quantity].title
            yield f"{pair.pair} is the same with the same, yet {name} is {pair.judgement.sentence}"
    for item in noise:
        if item.tests is not None and item.tests.differs > band[1]:
            rate = f"{100 * item.tests.differs:.1f} % of simulated comparisons find a difference that is not there"
            yield f"{QUANTITIES[item.quantity].title}: {rate}, more than {100 * band[1]:.1f} %"
    for found in slowdown:
        name = QUANTITIES[found.quantity].title
        # the guest ends its slowdown by the clock: where others hold the processor it comes back late, and the truth is
        # more than was asked for
        if found.covers is False and not busy:
            yield f"{name}: the interval misses the slowdown of {found.truth:.3g}×: {found.judgement.sentence}"
        if not found.found and found.power is not None and found.power >= _EXPECTED_POWER:
            yield f"{name}: the slowdown of {found.truth:.3g}× was not found: {found.judgement.sentence}"


def _busy(trials: Sequence[Trial]) -> Iterator[str]:
    busy = sum(Flag.CPU_CONTENDED in trial.flags for trial in trials)
    if busy > _BUSY_SHARE * len(trials):
        least = show_percent(UNDISTURBED_CPU_SHARE)
        share = f"{busy} of {len(trials)} trials had the processor for less than {least} of their time"
        yield (
            f"{share}: these figures are of a busy machine, on which a slowdown comes out longer than asked for; "
            "stop what else runs and calibrate again"
        )


def _notes(noise: Iterable[Noise], slowdown: Iterable[Slowdown]) -> Iterator[str]:
    for item in noise:
        if item.flags:
            yield f"{QUANTITIES[item.quantity].title} does not scatter evenly: {'; '.join(item.flags)}"
    for found in slowdown:
        if found.power is not None and found.power < _EXPECTED_POWER:
            chance = f"a slowdown of {found.truth:.3g}× in {QUANTITIES[found.quantity].title}"
            yield f"{chance} is found in {100 * found.power:.0f} % of calibrations like this one: more blocks find more"
