"""Before the first trial: building or finding the materials of a campaign, and writing down what they are."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import __version__
from lab.builds.confined_workers import ConfinedWorkers
from lab.builds.images.labels import ImageInfo
from lab.builds.together import build_together
from lab.campaign.materials import Materials
from lab.core.case import Case
from lab.core.errors import UnobtainableError
from lab.core.experiment import Experiment
from lab.core.guest import GuestId
from lab.core.manifest import GuestFingerprint, Manifest, ModelFingerprint, RuntimeFingerprint
from lab.core.model import Model
from lab.core.names import GraphFormat, Weights
from lab.core.progress import Progress, silent
from lab.engines.engine import Engine
from lab.engines.host import describe_host
from lab.runtimes import registry
from lab.runtimes.preparation import preparer_of
from lab.store.build_times import BuildTime, write_build_time
from lab.zoo import catalog
from lab.zoo.checks import check_intact
from lab.zoo.conversion import converted
from lab.zoo.staging import Progress as Stages
from lab.zoo.worker import on_host


def gather(cases: Iterable[Case], experiment: Experiment, home: Path, progress: Progress = silent) -> Materials:
    """Build or find everything the cases need: images, guests and models side by side.

    A runtime that has no open supply here is left out, and the materials say so; whatever fails is an error.

    Args:
        cases: whose needs to meet.
        experiment: its edition and weights.
        home: where caches live.
        progress: called with each step.

    Raises:
        DataError: a model's files are not what was made.
        BuildFailed, SupplyError, ModelError, NoSpace, EngineMissing, EngineForbidden: from the part that failed; the
            other parts are finished first, so that nothing is built twice.
    """
    wanted = list(cases)
    prepared = {preparer_of(case.arm) for case in wanted if case.arm.guest.is_prepared}
    runtimes = sorted(prepared | {case.arm.runtime for case in wanted})
    runs = {GuestId.of(case.arm) for case in wanted}
    # a prepared guest's output is compared with that of the plain one, by whose sha256 it is known
    builds = sorted(runs | {guest.plain for guest in runs})
    names = list(dict.fromkeys(case.model for case in wanted))
    batches = tuple(sorted({case.batch for case in wanted}))

    begun: dict[str, float] = {}

    def freezing(name: str, stage: str) -> None:
        begun.setdefault(name, time.time())
        if stage == "ready":
            write_build_time(BuildTime(f"model {name}", (), begun[name], max(begun[name], time.time()), ok=True))
        progress(f"model {name}", stage, 1.0 if stage == "ready" else None)

    edition = experiment.edition
    with ThreadPoolExecutor(max_workers=2) as pool:
        building = pool.submit(build_together, {edition: runtimes}, {edition: builds}, progress)
        models = pool.submit(catalog.prepare, names, home, experiment.weights, batches, freezing)
    made = building.result()[edition]
    made.images.raise_for_problems(ignore=UnobtainableError)
    absent = {name: problem.message for name, problem in made.images.problems.items()}
    found = models.result()
    progress("models", "checking that they are what was made")
    check_intact(found.values())
    found |= with_conversions(wanted, found, made.images.images, home, freezing)
    return Materials(made.images.images, made.guests, found, absent)


def with_conversions(
    cases: Iterable[Case], models: Mapping[str, Model], images: Mapping[str, ImageInfo], home: Path, progress: Stages
) -> dict[str, Model]:
    """The models that are run from other formats than their own, with their graphs in those.

    A graph that was imported is somebody else's: it is converted in a container.
    """
    formats: dict[str, set[GraphFormat]] = {}
    for case in cases:
        wanted = registry.graph_format(case.arm)
        if wanted is not models[case.model].format and case.arm.runtime in images:
            formats.setdefault(case.model, set()).add(wanted)
    found: dict[str, Model] = {}
    for name, missing in formats.items():
        is_foreign = models[name].weights == Weights.IMPORTED
        launch = ConfinedWorkers(next(iter(images.values())).image_id) if is_foreign else on_host
        found |= converted([models[name]], missing, home, progress, launch)
    return found


def manifest_of(
    materials: Materials,
    experiment: Experiment,
    tier: str,
    cases: Iterable[Case],
    engine: Engine,
    *,
    name: str,
    created_at: str,
) -> Manifest:
    """Everything that the campaign's numbers depend on."""
    measured = {case.arm for case in cases if case.arm.runtime not in materials.absent}
    arms = sorted(measured, key=lambda arm: arm.id)
    return Manifest(
        campaign=name,
        created_at=created_at,
        lab_version=__version__,
        experiment=experiment,
        tier=tier,
        isolation=engine.isolation,
        host=describe_host(engine.describe()),
        runtimes={
            runtime: RuntimeFingerprint(
                image.version, image.supply, image.binary_sha256, image.image_id, image.base or None
            )
            for runtime, image in materials.images.items()
        },
        guests={
            guest_id.id: GuestFingerprint(guest.sha256, guest.size_bytes, guest.toolchain)
            for guest_id, guest in materials.guests.items()
        },
        models={name: _model_fingerprint(model) for name, model in materials.models.items()},
        argv={arm.id: materials.runtime(arm).run_argv(()) for arm in arms},
    )


def _model_fingerprint(model: Model) -> ModelFingerprint:
    return ModelFingerprint(
        graph_sha256=model.graph_sha256,
        input_sha256={str(given.batch): given.input_sha256 for given in model.inputs},
        weights=model.weights,
        parameters=model.parameters,
        conv_layers=model.conv_layers,
        macs=model.macs,
        input_shape=model.inputs[0].shape,
        published_parameters=model.published_parameters,
        converted={graph.format.value: graph.sha256 for graph in model.converted},
    )
