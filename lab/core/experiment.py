"""An experiment: a question, the matrix of cases that answers it, and how hard to measure. Written in TOML."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import ExperimentError
from lab.core.units import parse_duration_s, parse_fraction, parse_size_bytes

Count = Annotated[int, Meta(ge=1)]
# Campaign directories and container labels carry it.
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


# A trial may take so many times what it was foreseen to take at most.
PATIENCE = 3.0


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How each trial is run.

    Attributes:
        iterations: inferences per process, nested in the trial.
        timeout: of one trial.
        compile_timeout: of one precompilation.
        memory: limit of one container, swap off.
        cpus: processors a trial is pinned to (the highest-numbered ones); None for all that the lab may use.
        precision: half-width of each overhead's interval at which blocks stop being added.
        seed: of the order of trials within blocks.
    """

    iterations: Count = 3
    timeout: str = "120s"
    compile_timeout: str = "900s"
    memory: str = "4GiB"
    cpus: Count | None = None
    precision: str = "2%"
    seed: int = 1

    @property
    def timeout_s(self) -> float:
        """Seconds one trial may take."""
        return parse_duration_s(self.timeout)

    @property
    def compile_timeout_s(self) -> float:
        """Seconds one precompilation may take."""
        return parse_duration_s(self.compile_timeout)

    @property
    def memory_bytes(self) -> int:
        """Bytes one container may use."""
        return parse_size_bytes(self.memory)

    @property
    def precision_fraction(self) -> float:
        """Half-width aimed at, as a fraction."""
        return parse_fraction(self.precision)


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the experiment to do.

    Attributes:
        budget: time for measuring (builds and freezing not counted).
        min_blocks: blocks every affordable case gets before any case gets more.
        max_blocks: blocks no case exceeds.
        cell_budget: a case whose predicted time for one trial exceeds this is recorded as over-budget.
    """

    budget: str
    min_blocks: Count = 3
    max_blocks: Count = 30
    cell_budget: str = "10m"

    @property
    def budget_s(self) -> float:
        """Seconds of measuring."""
        return parse_duration_s(self.budget)

    @property
    def cell_budget_s(self) -> float:
        """Seconds one trial of one case may be predicted to take."""
        return parse_duration_s(self.cell_budget)


class Matrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A block of the experiment's matrix: every arm on every model at every batch size.

    Attributes:
        arms: arm ids.
        models: model names; ``*`` for the eight of the paper.
        batches: batch sizes.
        tiers: names of the tiers that include it; empty for all.
    """

    arms: tuple[str, ...]
    models: tuple[str, ...]
    batches: tuple[Count, ...] = (1,)
    tiers: tuple[str, ...] = ()


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One experiment file.

    Attributes:
        name: also the campaign directory's prefix.
        question: what it answers, in a sentence.
        matrix: the cases.
        tiers: by name.
        measure: how trials are run.
        edition: which set of pinned runtimes.
        weights: ``seeded``, ``pretrained`` or ``auto`` (pretrained where a model host answers).
    """

    name: Name
    question: str
    matrix: tuple[Matrix, ...]
    tiers: dict[str, Tier]
    measure: Measure = Measure()
    edition: str = "current"
    weights: Literal["seeded", "pretrained", "auto"] = "seeded"

    def measure_in(self, tier: Tier) -> Measure:
        """How trials are run in a tier: no time-out exceeds `PATIENCE` times what the tier pays for a cell.

        A prediction that was far too low must not cost a small campaign an hour.
        """
        longest = PATIENCE * tier.cell_budget_s
        measure = self.measure
        return msgspec.structs.replace(
            measure,
            timeout=f"{min(measure.timeout_s, longest):g}s",
            compile_timeout=f"{min(measure.compile_timeout_s, longest):g}s",
        )

    def tier(self, name: str) -> Tier:
        """The tier of that name.

        Raises:
            ExperimentError: there is none.
        """
        if name not in self.tiers:
            known = ", ".join(self.tiers)
            raise ExperimentError(f"experiment '{self.name}' has no tier '{name}'", f"choose one of {known}")
        return self.tiers[name]

    def cases(self, tier: str, all_models: tuple[str, ...]) -> tuple[Case, ...]:
        """Every case of a tier, each once, in the order of the file.

        Raises:
            ExperimentError: an arm is malformed.
        """
        found: dict[Case, None] = {}
        for part in self.matrix:
            if part.tiers and tier not in part.tiers:
                continue
            models = [name for entry in part.models for name in (all_models if entry == "*" else (entry,))]
            for arm in map(Arm.parse, part.arms):
                for model in models:
                    for batch in part.batches:
                        found[Case(arm, model, batch)] = None
        return tuple(found)
