"""Which recipe makes which image, for every supply an edition pins; and which of them this machine can follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from lab.builds import stages, supplies
from lab.builds import steps as recipes
from lab.builds.bases import base_recipe
from lab.builds.pins import Pins, Supply, load_pins, stage_args
from lab.builds.steps import Given, Recipe
from lab.core.errors import UnobtainableError, Unreachable
from lab.core.progress import Progress, silent
from lab.disk.paths import ROOT
from lab.engines.docker_sdk import DockerClient
from lab.runtimes.registry import RUNTIMES

GIVE_ANOTHER_SUPPLY = (
    "run where the internet is reachable, or name a directory that holds it with LAB_ARTIFACTS "
    "(docs/images.md says how to make one)"
)


class Candidate(msgspec.Struct, frozen=True):
    """One way to an image.

    Attributes:
        runtime: whose.
        edition: of which pins.
        supply: where the binary comes from; None for native, which has none.
        version: that comes from there.
        recipe: of the image, not yet labelled.
        family: key of the recipe without the checksum of what is given: the same for every artifact of that name.
    """

    runtime: str
    edition: str
    supply: Supply | None
    version: str
    recipe: Recipe
    family: str

    @property
    def tag(self) -> str:
        """Of the labelled image."""
        return f"{recipes.PREFIX}/{self.runtime}:{self.edition}-{self.recipe.key[:16]}"


class Catalogue:
    """All recipes of one edition, on one engine."""

    def __init__(self, edition: str, client: DockerClient, pins: Pins | None = None) -> None:
        self.pins = pins or load_pins()
        self.edition = edition
        self._dockerfile = stages.parse((ROOT / "Dockerfile").read_text())
        self._client = client
        self._bases: dict[str, Recipe] = {}
        self.pins.edition(edition)

    def base(self, name: str) -> Recipe:
        """How this machine gets a base image; asked once."""
        if name not in self._bases:
            self._bases[name] = base_recipe(name, self.pins.bases[name], self._client)
        return self._bases[name]

    def stage(self, name: str, runtime: str = "native", supply: Supply | None = None) -> Recipe:
        """The build of any stage, such as ``toolchain``."""
        return recipes.plan(self._dockerfile, name, stage_args(self.pins, self.edition, runtime, supply), self.base)

    def candidate(self, runtime: str, supply: Supply | None, given: Given | None = None) -> Candidate:
        """The way to a runtime's image through one supply."""
        args = stage_args(self.pins, self.edition, runtime, supply)
        plan = partial(recipes.plan, self._dockerfile, runtime, args, self.base)
        blank = Given(self._nominal(runtime, supply))
        recipe = plan({runtime: given}) if given else plan({runtime: blank})
        family = plan({runtime: blank}).key
        pin = self.pins.edition(self.edition).runtime(runtime)
        version = pin.version if supply is None else pin.version_from(supply)
        return Candidate(runtime, self.edition, supply, version, recipe, family)

    def choose(self, runtime: str, existing: Callable[[Candidate], Candidate | None], progress: Progress) -> Candidate:
        """The first way that is open here: artifact, an image built earlier, upstream, registry.

        Args:
            runtime: whose image.
            existing: the candidate whose image is already here, of this candidate's family; None if there is none.
            progress: told of downloads.

        Raises:
            UnobtainableError: no way is open.
            SupplyError: one is, and what came has the wrong checksum.
        """
        pin = self.pins.edition(self.edition).runtime(runtime)
        if runtime == "native":
            return self.candidate(runtime, None)
        artifact = self.given(runtime, Supply.ARTIFACT)
        if artifact is not None:
            return self.candidate(runtime, Supply.ARTIFACT, artifact)
        for supply in self.pinned_supplies(runtime):
            here = existing(self.candidate(runtime, supply))
            if here is not None:
                return here
        unreachable = ""
        try:
            upstream = self.given(runtime, Supply.UPSTREAM, progress)
            if upstream is not None:
                return self.candidate(runtime, Supply.UPSTREAM, upstream)
        except Unreachable as error:
            unreachable = f": {error.message}"
        if pin.registry is not None:
            return self.candidate(runtime, Supply.REGISTRY)
        missing = f"{runtime} {pin.version} of edition {self.edition} cannot be had here{unreachable}"
        raise UnobtainableError(missing, GIVE_ANOTHER_SUPPLY)

    def given(self, runtime: str, supply: Supply | None, progress: Progress = silent) -> Given | None:
        """The files that a supply from outside lays out for a runtime's image; None where it has none.

        Raises:
            Unreachable: the host of a released tarball does not answer, and the tarball is not here yet.
            SupplyError: what is there is not what the checksum says.
        """
        pin = self.pins.edition(self.edition).runtime(runtime)
        if supply is Supply.UPSTREAM and pin.upstream is not None:
            return supplies.take_upstream(pin.upstream, progress)
        artifacts = supplies.artifacts_directory() if supply is Supply.ARTIFACT else None
        if artifacts is not None and pin.artifact is not None:
            return supplies.take_artifact(artifacts, pin.artifact.file, binary_place(runtime))
        return None

    def _nominal(self, runtime: str, supply: Supply | None) -> str:
        """What the pins alone say of a given binary: a pin that moves makes another family of images."""
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
    module = next(one for one in RUNTIMES if one.name == runtime)
    path = module.executable(module.arms()[0])
    return None if path.startswith("/work/") else path


def binary_place(runtime: str) -> str:
    """The same, as the path of a file in a build context."""
    return (executable(runtime) or "").lstrip("/")
