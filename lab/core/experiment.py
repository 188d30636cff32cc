"""An experiment: a question, the matrix of cases that answers it, and how hard to measure. Written in TOML."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import ExperimentError
from lab.core.names import Edition
from lab.core.near_names import did_you_mean
from lab.core.units import parse_duration_s, parse_fraction, parse_size_bytes

Count = Annotated[int, Meta(ge=1)]
MOST_ITERATIONS, LARGEST_BATCH, LEAST_MEMORY_BYTES, LONGEST_NAME = 10**6, 4096, 64 << 20, 100
# Campaign directories and container labels carry it.
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

# A trial may take at most so many times what it was predicted to take.
TIMEOUT_FACTOR = 3.0

PAPER_MODELS: tuple[str, ...] = (
    "mobilenet_v1_0.25_128",
    "mobilenet_v1_0.5_160",
    "mobilenet_v1_1.0_224",
    "mobilenet_v2_1.0_224",
    "mobilenet_v2_1.4_224",
    "vgg_16",
    "vgg_19",
    "yunet",
)
"""The eight networks of the paper: what ``*`` stands for."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How each trial is run, in numbers: what `Measure` says in the notation of experiment files.

    Attributes:
        iterations: inferences per process, nested in the trial.
        timeout_s: seconds one trial may take.
        compile_timeout_s: seconds one precompilation may take.
        memory_bytes: bytes one container may use, swap off.
        compile_memory_bytes: the same of a precompilation or preparation; None for the same limit.
        cpus: processors a trial is pinned to (the quickest, of the highest numbers); None for all that the lab may use.
        precision_fraction: half-width of each overhead's interval at which blocks stop being added.
        seed: seed of the random order of trials within blocks.
        gate: whether each trial waits for a quiet machine first, and is repeated once if it was disturbed.
        replicates: worlds that blocks run in by turns: other copies of every file, another environment.
        is_sequential: whether blocks stop as soon as the answer is known, with bounds that allow looking so often.
    """

    iterations: int
    timeout_s: float
    compile_timeout_s: float
    memory_bytes: int
    cpus: int | None
    precision_fraction: float
    seed: int
    gate: bool = False
    replicates: int = 1
    is_sequential: bool = False
    compile_memory_bytes: int | None = None

    @property
    def making_memory_bytes(self) -> int:
        """Bytes that a precompilation or preparation may use."""
        return self.memory_bytes if self.compile_memory_bytes is None else self.compile_memory_bytes


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How each trial is run.

    Attributes:
        iterations: inferences per process, nested in the trial.
        timeout: longest duration of one trial.
        compile_timeout: longest duration of one precompilation.
        memory: limit of one container, swap off.
        compile_memory: limit of a precompilation or preparation, which may be made on another machine than it runs on;
            None for that of `memory`.
        cpus: processors a trial is pinned to (the quickest, of the highest numbers); None for all that the lab may use.
        precision: half-width of each overhead's interval at which blocks stop being added.
        seed: seed of the random order of trials within blocks.
        gate: ``on``: each trial waits, within limits, for a quiet machine, and is repeated once if it was disturbed.
        replicates: worlds that blocks run in by turns: other copies of every file, another environment; 1 for as is.
        stop: when blocks stop being added: at ``precision``, or ``sequential``: as soon as the verdict is known.
    """

    iterations: Count = 3
    timeout: str = "120s"
    compile_timeout: str = "900s"
    memory: str = "4GiB"
    cpus: Count | None = None
    precision: str = "2%"
    seed: int = 1
    gate: Literal["off", "on"] = "off"
    replicates: Count = 1
    stop: Literal["precision", "sequential"] = "precision"
    compile_memory: str | None = None

    @property
    def limits(self) -> Limits:
        """The limits as numbers, parsed from these texts."""
        return Limits(
            iterations=self.iterations,
            timeout_s=parse_duration_s(self.timeout),
            compile_timeout_s=parse_duration_s(self.compile_timeout),
            memory_bytes=parse_size_bytes(self.memory),
            cpus=self.cpus,
            precision_fraction=parse_fraction(self.precision),
            seed=self.seed,
            gate=self.gate == "on",
            replicates=self.replicates,
            is_sequential=self.stop == "sequential",
            compile_memory_bytes=None if self.compile_memory is None else parse_size_bytes(self.compile_memory),
        )


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the experiment to do.

    Attributes:
        budget: time for measuring (builds and freezing not counted).
        min_blocks: blocks every affordable case gets before any case gets more.
        max_blocks: blocks no case exceeds.
        cell_budget: a case whose predicted time for one trial exceeds this is recorded as over-budget.
        claims_first: whether the sets of cases that decide most claims come before blocks of every case.
    """

    budget: str
    min_blocks: Count = 3
    max_blocks: Count = 30
    cell_budget: str = "10m"
    claims_first: bool = True

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
        arms: arm ids; ``*`` in one stands for any letters, and takes all arms that run in the edition.
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
        name: name of the experiment, and the prefix of its campaign directories.
        question: the question that it answers, in a sentence.
        matrix: the cases.
        tiers: budgets to choose from, by name.
        measure: how trials are run.
        edition: name of the set of pinned runtimes.
        weights: ``seeded``, ``pretrained`` or ``auto`` (pretrained where a model host answers).
    """

    name: Name
    question: str
    matrix: tuple[Matrix, ...]
    tiers: dict[str, Tier]
    measure: Measure = Measure()
    edition: str = Edition.CURRENT
    weights: Literal["seeded", "pretrained", "auto"] = "seeded"

    def measure_in(self, tier: Tier) -> Limits:
        """How trials are run in a tier: no time-out exceeds `TIMEOUT_FACTOR` times what the tier pays for a cell.

        A prediction that was far too low must not cost a small campaign an hour.
        """
        longest_s = TIMEOUT_FACTOR * tier.cell_budget_s
        limits = self.measure.limits
        return msgspec.structs.replace(
            limits,
            timeout_s=min(limits.timeout_s, longest_s),
            compile_timeout_s=min(limits.compile_timeout_s, longest_s),
        )

    def with_models(self, names: tuple[str, ...] = PAPER_MODELS) -> Experiment:
        """The same experiment with ``*`` written out: what a manifest stores, so that plan and report agree.

        Args:
            names: names that ``*`` stands for.
        """
        matrix = tuple(
            msgspec.structs.replace(
                part,
                models=tuple(
                    dict.fromkeys(name for entry in part.models for name in (names if entry == "*" else (entry,)))
                ),
            )
            for part in self.matrix
        )
        return msgspec.structs.replace(self, matrix=matrix)

    def with_arms(self, known: tuple[str, ...]) -> Experiment:
        """The same experiment with every ``*`` in an arm written out, in the order of the known ones, each arm once.

        Args:
            known: ids of arms that a ``*`` may stand for.

        Raises:
            ExperimentError: a pattern stands for none of them.
        """
        matrix = []
        for part in self.matrix:
            arms = [arm for entry in part.arms for arm in _matching(entry, known)]
            matrix.append(msgspec.structs.replace(part, arms=tuple(dict.fromkeys(arms))))
        return msgspec.structs.replace(self, matrix=tuple(matrix))

    def tier(self, name: str) -> Tier:
        """The tier of that name.

        Raises:
            ExperimentError: there is none.
        """
        if name not in self.tiers:
            known = ", ".join(self.tiers)
            hint = did_you_mean(name, self.tiers)
            raise ExperimentError(f"experiment '{self.name}' has no tier '{name}'", f"{hint}choose one of {known}")
        return self.tiers[name]

    def cases(self, tier: str) -> tuple[Case, ...]:
        """Every case of a tier, each once, in the order of the file; ``*`` stands for the paper's eight models.

        Raises:
            ExperimentError: an arm is malformed.
        """
        cases: dict[Case, None] = {}
        for part in self.with_models().matrix:
            if part.tiers and tier not in part.tiers:
                continue
            for arm in map(Arm.parse, part.arms):
                for model in part.models:
                    for batch in part.batches:
                        cases[Case(arm, model, batch)] = None
        return tuple(cases)

    def check(self) -> None:
        """Accept an experiment whose quantities can be measured with; a stored one is not checked again.

        Raises:
            ExperimentError: a quantity does not parse or is out of range, or a name cannot name a directory.
        """
        for name in (self.name, *self.tiers):
            if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
                raise ExperimentError(
                    f"{name[:40]!r} cannot be the name of an experiment or a tier",
                    f"use at most {LONGEST_NAME} letters, digits, dots, dashes, underscores; a letter or digit first",
                )
        if not self.question.isprintable():
            raise ExperimentError("the question holds control characters", "write it on one line, in plain text")
        for tier in self.tiers.values():
            _positive("budget", tier.budget, tier.budget_s)
            _positive("cell_budget", tier.cell_budget, tier.cell_budget_s)
        measure, limits = self.measure, self.measure.limits
        _positive("timeout", measure.timeout, limits.timeout_s)
        _positive("compile_timeout", measure.compile_timeout, limits.compile_timeout_s)
        _enough("memory", measure.memory, limits.memory_bytes)
        _enough("compile_memory", measure.compile_memory or measure.memory, limits.making_memory_bytes)
        if not 0 < limits.precision_fraction < 1:
            raise ExperimentError(f"precision = '{measure.precision}' cannot be reached", "give a value such as 2%")
        if limits.iterations > MOST_ITERATIONS:
            raise ExperimentError(f"iterations = {limits.iterations} is too many", f"give at most {MOST_ITERATIONS}")
        _one_unit(limits)
        for batch in (batch for part in self.matrix for batch in part.batches):
            if batch > LARGEST_BATCH:
                raise ExperimentError(f"a batch of {batch} is too large", f"give at most {LARGEST_BATCH}")


def _matching(entry: str, known: tuple[str, ...]) -> list[str]:
    if "*" not in entry:
        return [entry]
    pattern = re.compile(".*".join(map(re.escape, entry.split("*"))))
    found = [arm for arm in known if pattern.fullmatch(arm)]
    if not found:
        raise ExperimentError(
            f"no arm that runs in this edition is like '{entry}'",
            "`lab runtimes` lists all arms, and why some cannot run",
        )
    return found


def _one_unit(limits: Limits) -> None:
    if limits.is_sequential and limits.replicates > 1:
        raise ExperimentError(
            "sequential bounds are of blocks, and replicates make the world the unit",
            "give stop = 'precision', or replicates = 1",
        )


def _enough(key: str, text: str, size_bytes: int) -> None:
    if size_bytes < LEAST_MEMORY_BYTES:
        raise ExperimentError(f"no runtime starts within {key} = '{text}'", "give at least 64MiB")


def _positive(key: str, text: str, seconds: float) -> None:
    if not seconds > 0:
        raise ExperimentError(f"nothing can be measured within {key} = '{text}'", "give a duration above zero")
