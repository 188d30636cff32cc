"""Reading experiment files: TOML in, a checked `Experiment` out."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import ExperimentError
from lab.core.experiment import Experiment
from lab.runtimes import registry

_KEYS = "docs/experiments.md lists every key with its type"


def load(path: Path) -> Experiment:
    """Read and check an experiment file; ``*`` is written out as the paper's eight models.

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
    try:
        _check(experiment)
    except ExperimentError as error:
        raise ExperimentError(f"{path}: {error.message}", error.remedy) from error
    return experiment.with_models()


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
            raise ExperimentError(f"a matrix entry names the tier '{unknown}'", f"define [tiers.{unknown}]")
        for arm in part.arms:
            registry.check(Arm.parse(arm))
    for name, tier in experiment.tiers.items():
        if tier.max_blocks < tier.min_blocks:
            wrong = f"tier '{name}' allows {tier.max_blocks} blocks and asks for {tier.min_blocks}"
            raise ExperimentError(wrong, "raise max_blocks (30 if left out) or lower min_blocks")
