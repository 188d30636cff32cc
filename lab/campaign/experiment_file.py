"""Reading experiment files: TOML in, a checked `Experiment` out."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lab.builds.pins import load_pins
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import ExperimentError, ModelError
from lab.core.experiment import Experiment
from lab.core.near_names import did_you_mean
from lab.runtimes import registry
from lab.zoo.checks import check_format, check_names

_KEYS = "docs/experiments.md lists every key with its type"


def load(path: Path) -> Experiment:
    """Read and check an experiment file; ``*`` is written out: the paper's eight models, the arms that can run.

    Raises:
        ExperimentError: it is missing, no TOML, of a wrong shape, or names an arm, edition or tier that does not exist.
    """
    try:
        experiment = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Experiment)
    except OSError as error:
        raise ExperimentError(
            f"cannot read {path}: {error.strerror}", "`ls experiments/` shows what there is"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{path} is not TOML: {error}", "correct that line") from error
    except msgspec.ValidationError as error:
        raise ExperimentError(f"{path}: {error}", _KEYS) from error
    with _named(path):
        experiment = experiment.with_arms(_runnable(experiment.edition))
        _check(experiment)
    return experiment.with_models()


def _runnable(edition: str) -> tuple[str, ...]:
    """Ids of the arms that can run in an edition."""
    return tuple(arm.id for arm in registry.all_arms(edition) if registry.unsupported(arm, edition) is None)


def load_plan(path: Path, tier: str, home: Path, adapt: Callable[[Experiment], Experiment]) -> Experiment:
    """Read an experiment file, apply what the command line changes, and check every name that a tier is built from.

    This takes no second, so that a misspelt name is found before anything is built or started.

    Args:
        path: the experiment file.
        tier: of which the models must be obtainable.
        home: where imported models are kept.
        adapt: applies the options of the command line.

    Raises:
        ExperimentError: as `load`; also for an option's value, and for a runtime or a model that does not exist.
    """
    experiment = load(path)
    adapted = adapt(experiment)
    if adapted != experiment:
        _check(adapted)
    with _named(path):
        check_obtainable(adapted, tier, home)
    return adapted


def check_obtainable(experiment: Experiment, tier: str, home: Path) -> None:
    """Accept a tier whose runtimes are pinned in the edition, and whose models are the paper's or imported here.

    Raises:
        ExperimentError: the edition or one of its runtimes does not exist.
        ModelError: a model does not exist, has no input of such a batch, or has a format that an arm does not read.
    """
    edition = load_pins().edition(experiment.edition)
    wanted: dict[str, set[int]] = {}
    for case in cases_of(experiment, tier):
        registry.check(case.arm)
        edition.runtime(case.arm.runtime)
        wanted.setdefault(case.model, set()).add(case.batch)
    check_names(wanted, home)
    for case in cases_of(experiment, tier):
        check_format(case.model, case.arm.id, registry.graph_format(case.arm), home)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors within the block name the file that they come from; what a file names is an error of the experiment."""
    try:
        yield
    except (ExperimentError, ModelError) as error:
        raise ExperimentError(f"{path}: {error.message}", error.remedy) from error


def cases_of(experiment: Experiment, tier: str) -> tuple[Case, ...]:
    """Every case of a tier.

    Raises:
        ExperimentError: the tier does not exist or holds no case.
    """
    experiment.tier(tier)
    cases = experiment.cases(tier)
    if not cases:
        raise ExperimentError(f"tier '{tier}' of '{experiment.name}' holds no case", "add a [[matrix]] entry for it")
    return cases


def _check(experiment: Experiment) -> None:
    """What types cannot say: names that must exist, quantities that must parse."""
    registry.all_arms(experiment.edition)
    experiment.check()
    for part in experiment.matrix:
        for unknown in sorted(set(part.tiers) - set(experiment.tiers)):
            hint = did_you_mean(unknown, experiment.tiers)
            raise ExperimentError(f"a matrix entry names the tier '{unknown}'", f"{hint}define [tiers.{unknown}]")
        for arm in part.arms:
            registry.check(Arm.parse(arm))
    for name, tier in experiment.tiers.items():
        if tier.max_blocks < tier.min_blocks:
            wrong = f"tier '{name}' allows {tier.max_blocks} blocks and asks for {tier.min_blocks}"
            raise ExperimentError(wrong, "raise max_blocks (30 if left out) or lower min_blocks")
