"""What a calibration found, as it is written to ``calibration.json``.

Version history of `CALIBRATION_SCHEMA`:
    1  first
    2  A/A arms and the injected slowdown under these names
"""

from __future__ import annotations

import msgspec

from lab.calibrate.calibrator import Begun
from lab.stats.simulate import NoiseFloor, Rates
from lab.stats.verdicts import Judgement, State

CALIBRATION_SCHEMA = 2
CALIBRATED = ("single_total_ns", "first_infer_ns", "steady_infer_ns", "cpu_ns", "rss_peak_bytes")
SIMULATIONS = 1000
POWER_SLOWDOWNS = (0.01, 0.02, 0.05, 0.10)
POWER_BLOCKS = (6, 10, 20, 40)


class AAPair(msgspec.Struct, frozen=True):
    """Two labels of the very same: anything but a difference is right."""

    quantity: str
    pair: str
    judgement: Judgement


class Noise(msgspec.Struct, frozen=True):
    """How one quantity scatters here.

    Attributes:
        quantity: its name.
        floor: the smallest difference that can be seen; None if the quantity does not scatter at all.
        blocks_for_1_percent: blocks at which a ratio is known to ±1 %; None if unknown.
        tests: single comparisons simulated with this noise and no difference, by the tests alone; None as `floor`.
        verdicts: the same with the margin: what a user gets to see.
        flags: drift and two modes, where they show.
    """

    quantity: str
    floor: NoiseFloor | None
    blocks_for_1_percent: int | None
    tests: Rates | None
    verdicts: Rates | None
    flags: tuple[str, ...]


class Slowdown(msgspec.Struct, frozen=True):
    """The slowed label over the first A/A arm.

    Attributes:
        quantity: its name.
        truth: the ratio that was put in; None where it is diluted by what is not inference.
        judgement: what was found.
        covers: whether the interval holds the truth; None without truth or interval.
        power: chance of finding it with this noise, simulated; None without truth, or without noise.
    """

    quantity: str
    truth: float | None
    judgement: Judgement
    covers: bool | None
    power: float | None

    @property
    def found(self) -> bool:
        """Whether the slowdown was seen as one."""
        value = self.judgement.estimate.value
        return self.judgement.state is State.DIFFERS and value is not None and value > 1


class Power(msgspec.Struct, frozen=True):
    """What single comparisons of so many blocks would do here with a slowdown of one size: simulated.

    Attributes:
        quantity: its name.
        slowdown: as a fraction.
        blocks: of each comparison.
        found: fraction of comparisons whose test calls it a difference; a verdict also asks for its margin.
        covered: fraction of intervals that hold it.
    """

    quantity: str
    slowdown: float
    blocks: int
    found: float
    covered: float


class GateEffect(msgspec.Struct, frozen=True):
    """How one quantity scatters between A/A arms that wait for a quiet machine, and between those that do not.

    Attributes:
        quantity: its name.
        gated, ungated: floors; None without scatter.
        p_same: of the test that both scatter alike (Brown & Forsythe 1974); None without scatter.
        differing: pairs of gated A/A arms that were found to differ, of all of them.
    """

    quantity: str
    gated: NoiseFloor | None
    ungated: NoiseFloor | None
    p_same: float | None
    differing: int


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """``calibration.json``.

    Attributes:
        begun: settings and fingerprint.
        started_at, ended_at: of the first and the last trial, UTC.
        trials, failed: measured ones, and how many of them did not end ok.
        aa_pairs: every pair of A/A arms, one family over all quantities.
        noise: by quantity.
        simulated: comparisons per quantity and simulation.
        band: between which rates an honest 5 % shows itself in that many, in 99 of 100 calibrations.
        slowdown: by quantity.
        power: by quantity, blocks and slowdown; none of a quantity without scatter.
        gate: by quantity, where trials ran with and without the quiet gate.
        waited_s, repeats: what the gate waited for, in seconds, and how many trials were repeated.
        problems: what speaks against trusting verdicts from here; empty if nothing does.
        notes: what to know besides.
    """

    schema: int = CALIBRATION_SCHEMA
    begun: Begun
    started_at: str
    ended_at: str
    trials: int
    failed: int
    aa_pairs: tuple[AAPair, ...]
    noise: tuple[Noise, ...]
    simulated: int
    band: tuple[float, float]
    slowdown: tuple[Slowdown, ...]
    power: tuple[Power, ...] = ()
    gate: tuple[GateEffect, ...] = ()
    waited_s: float = 0.0
    repeats: int = 0
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def false_positives(self) -> int:
        """A/A pairs that were found to differ."""
        return sum(pair.judgement.state is State.DIFFERS for pair in self.aa_pairs)
