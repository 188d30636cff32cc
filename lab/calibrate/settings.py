"""What a calibration runs: one case under several labels, and once more with a slowdown, in every block."""

from __future__ import annotations

import random
from typing import Literal

import msgspec

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import UsageError
from lab.core.experiment import Experiment, Matrix, Measure, Tier
from lab.core.manifest import GuestFingerprint, Host, ModelFingerprint, RuntimeFingerprint
from lab.core.names import Edition

WARM_UP = "warm-up"
SLOWED = "slowed"
TIER = "calibrate"
_MOST_PERMILLE = 10_000


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for; two calibrations with the same settings and fingerprint are one, interrupted.

    Attributes:
        arm, model: the case, at batch 1.
        blocks: each holds every label once.
        aa_arms: labels under which the very same is run.
        slowdown: by how much each inference of the slowed label is made longer, as a fraction.
        iterations: inferences per trial.
        margin: of the verdicts, as a fraction.
        seed: of the order within blocks, and of the simulations.
        edition, weights: as in an experiment.
        gate: whether trials wait for a quiet machine; ``both`` for A/A arms with and without in the same blocks.
        replicates: worlds that blocks run in by turns.
    """

    arm: str = "wasmtime-aot-cranelift@o3"
    model: str = "mobilenet_v1_0.25_128"
    blocks: int = 20
    aa_arms: int = 4
    slowdown: float = 0.05
    iterations: int = 10
    margin: float = 0.02
    seed: int = 1
    edition: str = Edition.CURRENT
    weights: Literal["seeded", "pretrained", "auto"] = "seeded"
    gate: Literal["off", "on", "both"] = "off"
    replicates: int = 1

    @property
    def case(self) -> Case:
        """The one case."""
        return Case(Arm.parse(self.arm), self.model, 1)

    @property
    def aa_labels(self) -> tuple[str, ...]:
        """``aa-1``, ``aa-2`` and so on."""
        return tuple(f"aa-{number}" for number in range(1, self.aa_arms + 1))

    @property
    def gated_labels(self) -> tuple[str, ...]:
        """A/A arms that wait for a quiet machine, beside as many that do not; none unless both are asked for."""
        return tuple(f"gated-{number}" for number in range(1, self.aa_arms + 1)) if self.gate == "both" else ()

    @property
    def units(self) -> int:
        """How many independent figures a label gives: worlds, or blocks in a calibration of one world."""
        return self.replicates if self.replicates > 1 else self.blocks

    @property
    def unit(self) -> str:
        """What these are."""
        return "world" if self.replicates > 1 else "block"

    @property
    def slowdown_permille(self) -> int:
        """As the guest's option takes it."""
        return round(self.slowdown * 1000)

    @property
    def experiment(self) -> Experiment:
        """The same as an experiment, for the parts of the lab that want one."""
        return Experiment(
            name="calibration",
            question="Which differences can this machine detect?",
            matrix=(Matrix(arms=(self.arm,), models=(self.model,)),),
            tiers={TIER: Tier(budget="24h", min_blocks=self.blocks, max_blocks=self.blocks)},
            measure=Measure(iterations=self.iterations, seed=self.seed, replicates=self.replicates),
            edition=self.edition,
            weights=self.weights,
        )

    def order(self, block: int) -> list[str]:
        """The labels of a block, in its own random order."""
        labels = [*self.aa_labels, *self.gated_labels, SLOWED]
        random.Random(f"{self.seed} {block}").shuffle(labels)  # noqa: S311 - an order, not a secret
        return labels


class Fingerprint(msgspec.Struct, frozen=True):
    """What the figures depend on, as in a campaign's manifest."""

    host: Host
    isolation: str
    runtime: RuntimeFingerprint
    guest: GuestFingerprint
    model: ModelFingerprint
    argv: tuple[str, ...]


def checked(settings: Settings) -> Settings:
    """The settings, if a calibration can be made with them.

    Raises:
        UsageError: they contradict each other.
    """
    permille = settings.slowdown * 1000
    if not 1 <= permille <= _MOST_PERMILLE or abs(permille - round(permille)) > 1e-9:
        raise UsageError(
            f"a slowdown of {settings.slowdown:.3%} cannot be given to the guest",
            "give whole thousandths between 0.1% and 1000%, such as 5%",
        )
    if not settings.margin > 0:
        raise UsageError("nothing can be equivalent within a margin of 0 %", "give a margin such as 2%")
    if settings.slowdown <= settings.margin:
        raise UsageError(
            f"a slowdown of {settings.slowdown:.1%} lies within the margin of {settings.margin:.1%}: no difference",
            "give a larger slowdown or a smaller margin",
        )
    if settings.replicates > 1 and settings.blocks < settings.replicates:
        raise UsageError(
            f"{settings.blocks} blocks do not reach {settings.replicates} worlds", "give at least one block for each"
        )
    if settings.aa_arms < 2 or settings.blocks < 2:
        raise UsageError("noise shows between two trials of the same at least", "give at least 2 A/A arms and 2 blocks")
    if settings.iterations < 2:
        raise UsageError("a steady inference is one after the first", "give at least 2 iterations")
    return settings
