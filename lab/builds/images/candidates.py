"""Which build steps make which image, for every supply an edition pins; and which of them this machine can take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from lab.builds import supplies
from lab.builds.artifacts import artifacts_directory
from lab.builds.debian.lock import BASE_STAGE, PackageLock, load_lock
from lab.builds.pins import Pins, Supply, load_pins, stage_args
from lab.builds.steps import planner, stages
from lab.builds.steps.bases import BaseStep, base_step
from lab.builds.steps.planner import PrebuiltFiles
from lab.builds.steps.step import PREFIX, StageStep
from lab.core.arm import NATIVE_RUNTIME
from lab.core.errors import UnobtainableError, Unreachable
from lab.core.progress import Progress, silent
from lab.disk.paths import ROOT
from lab.engines.docker_sdk import DockerClient, failures_as_lab_errors
from lab.runtimes.registry import RUNTIMES

GIVE_ANOTHER_SUPPLY = (
    "run where the internet is reachable, or name a directory that holds it with LAB_ARTIFACTS "
    "(docs/images.md says how to make one)"
)


class Candidate(msgspec.Struct, frozen=True):
    """One way to an image.

    Attributes:
        runtime: name of the runtime.
        edition: name of the edition whose pins are used.
        supply: where the binary comes from; None for native, which has none.
        version: version of the runtime that this supply has.
        step: the build step that makes the image, not yet labelled.
        family: key of the step without the checksum of what is prebuilt: the same for every artifact of that name.
    """

    runtime: str
    edition: str
    supply: Supply | None
    version: str
    step: StageStep
    family: str

    @property
    def tag(self) -> str:
        """The tag of the labelled image."""
        return f"{PREFIX}/{self.runtime}:{self.edition}-{self.step.key[:16]}"


class Catalogue:
    """All build steps of one edition, on one engine."""

    def __init__(self, edition: str, client: DockerClient, pins: Pins | None = None) -> None:
        self.pins = pins or load_pins()
        self.edition = edition
        self._dockerfile = stages.parse((ROOT / "Dockerfile").read_text())
        self._client = client
        self._bases: dict[str, BaseStep] = {}
        self._lock = load_lock()
        self.pins.edition(edition)

    def base(self, name: str) -> BaseStep:
        """How this machine obtains a base image; determined once."""
        if name not in self._bases:
            base = self.pins.bases[name]
            self._bases[name] = base_step(name, base, self._client, self._lock.of(base.suite, BASE_STAGE))
        return self._bases[name]

    def _locked(self, base: str, stage: str) -> PackageLock:
        """What a stage may install: its own packages, and the base's, which a pulled image may lack."""
        return self._lock.of(self.pins.bases[base].suite, BASE_STAGE, stage)

    def stage(self, name: str, runtime: str = NATIVE_RUNTIME, supply: Supply | None = None) -> StageStep:
        """The build of any stage, such as ``toolchain``."""
        args = stage_args(self.pins, self.edition, runtime, supply)
        return planner.plan(self._dockerfile, name, args, self.base, edition=self.edition, locked=self._locked)

    def candidate(self, runtime: str, supply: Supply | None, prebuilt: PrebuiltFiles | None = None) -> Candidate:
        """The way to a runtime's image through one supply."""
        args = stage_args(self.pins, self.edition, runtime, supply)
        pin = self.pins.edition(self.edition).runtime(runtime)
        minutes = {f"{runtime}-registry": pin.registry.cpu_minutes} if pin.registry else {}
        plan = partial(
            planner.plan,
            self._dockerfile,
            runtime,
            args,
            self.base,
            minutes=minutes,
            edition=self.edition,
            locked=self._locked,
        )
        nominal = plan({runtime: PrebuiltFiles(self._nominal(runtime, supply))})
        step = plan({runtime: prebuilt}) if prebuilt else nominal
        family = nominal.key
        version = pin.version if supply is None else pin.version_from(supply)
        return Candidate(runtime, self.edition, supply, version, step, family)

    def find(self, candidate: Candidate) -> Candidate | None:
        """The candidate of the same family whose image is here: for an artifact, whatever its checksum was."""
        with failures_as_lab_errors():
            labels = [f"lab.family={candidate.family}", f"lab.edition={candidate.edition}"]
            images = self._client.images.list(filters={"label": labels})
        for image in images:
            if image.tags:
                step = msgspec.structs.replace(candidate.step, key=image.labels["lab.inputs"])
                match = msgspec.structs.replace(candidate, step=step)
                if match.tag in image.tags:
                    return match
        return None

    def choose(self, runtime: str, existing: Callable[[Candidate], Candidate | None], progress: Progress) -> Candidate:
        """The first way that is open here: artifact, an image built earlier, upstream, registry.

        Args:
            runtime: name of the runtime.
            existing: the candidate whose image is already here, of this candidate's family; None if there is none.
            progress: called with each download.

        Raises:
            UnobtainableError: no way is open.
            SupplyError: one is, and what came has the wrong checksum.
        """
        pin = self.pins.edition(self.edition).runtime(runtime)
        if runtime == NATIVE_RUNTIME:
            return self.candidate(runtime, None)
        artifact = self.prebuilt(runtime, Supply.ARTIFACT)
        if artifact is not None:
            return self.candidate(runtime, Supply.ARTIFACT, artifact)
        for supply in self.pinned_supplies(runtime):
            here = existing(self.candidate(runtime, supply))
            if here is not None:
                return here
        unreachable = ""
        try:
            upstream = self.prebuilt(runtime, Supply.UPSTREAM, progress)
            if upstream is not None:
                return self.candidate(runtime, Supply.UPSTREAM, upstream)
        except Unreachable as error:
            unreachable = f": {error.message}"
        if pin.registry is not None:
            return self.candidate(runtime, Supply.REGISTRY)
        missing = f"{runtime} {pin.version} of edition {self.edition} is not obtainable here{unreachable}"
        raise UnobtainableError(missing, GIVE_ANOTHER_SUPPLY)

    def prebuilt(self, runtime: str, supply: Supply | None, progress: Progress = silent) -> PrebuiltFiles | None:
        """The files that a supply from outside lays out for a runtime's image; None where it has none.

        Raises:
            Unreachable: the host of a released tarball does not answer, and the tarball is not here yet.
            SupplyError: what is there is not what the checksum says.
        """
        pin = self.pins.edition(self.edition).runtime(runtime)
        if supply is Supply.UPSTREAM and pin.upstream is not None:
            return supplies.take_upstream(pin.upstream, progress)
        artifacts = artifacts_directory() if supply is Supply.ARTIFACT else None
        if artifacts is not None and pin.artifact is not None:
            return supplies.take_artifact(artifacts, pin.artifact, binary_place(runtime))
        return None

    def _nominal(self, runtime: str, supply: Supply | None) -> str:
        """What the pins alone say of a prebuilt binary: a pin that moves makes another family of images."""
        pin = self.pins.edition(self.edition).runtime(runtime)
        if supply is Supply.ARTIFACT and pin.artifact is not None:
            return f"artifact {pin.artifact.file}"
        if supply is Supply.UPSTREAM and pin.upstream is not None:
            return f"upstream {pin.upstream.sha256}"
        return "none"

    def pinned_supplies(self, runtime: str) -> Iterator[Supply]:
        """The supplies that the edition pins for a runtime, in the order they are tried; none for native."""
        pin = self.pins.edition(self.edition).runtime(runtime)
        for supply in Supply:
            if getattr(pin, supply.value) is not None:
                yield supply


def executable(runtime: str) -> str | None:
    """Path of a runtime's binary in its image; None for native, whose binary is the guest."""
    module = next(module for module in RUNTIMES if module.name == runtime)
    path = module.binary
    return None if path.startswith("/work/") else path


def binary_place(runtime: str) -> str:
    """Path of a runtime's binary in a build context: that in its image, without the leading slash."""
    return (executable(runtime) or "").lstrip("/")
