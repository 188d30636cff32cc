"""The materials of a campaign: every image, guest and model that a campaign runs with."""

from __future__ import annotations

import msgspec

from lab.builds.guests import GuestBuild
from lab.builds.images.labels import ImageInfo
from lab.core.arm import Arm
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.runtimes import registry
from lab.runtimes.base import Runtime
from lab.runtimes.preparation import preparer_of, unpreparable_because


class Materials(msgspec.Struct, frozen=True):
    """What a campaign runs with.

    Attributes:
        images: by runtime name.
        guests: those that are built.
        models: by name.
        absent: why there is no image, by the runtime that none could be had of on this machine.
    """

    images: dict[str, ImageInfo]
    guests: dict[GuestId, GuestBuild]
    models: dict[str, Model]
    absent: dict[str, str] = {}

    def image(self, arm: Arm) -> ImageInfo:
        """The image an arm runs in."""
        return self.images[arm.runtime]

    def guest(self, arm: Arm) -> GuestBuild:
        """The guest build an arm runs, or is prepared from."""
        return self.guests[GuestId.of(arm)]

    def plain_guest(self, arm: Arm) -> GuestBuild:
        """The guest build that gives the arm's output bits and loads its model itself."""
        return self.guests[GuestId.of(arm).plain]

    def preparer(self, arm: Arm) -> ImageInfo:
        """The image that the arm's guest is prepared in."""
        return self.images[preparer_of(arm)]

    def runtime(self, arm: Arm) -> Runtime:
        """The arm at the version that its image holds.

        Raises:
            ExperimentError: the lab has no such arm.
        """
        return registry.pinned(arm, self.image(arm).version)

    def unsupported(self, arm: Arm) -> str | None:
        """Why the arm cannot run here: its runtime, or what prepares its guest, could not be had or is too old."""
        preparer = preparer_of(arm) if arm.guest.is_prepared else arm.runtime
        for needed in (arm.runtime, preparer):
            if needed in self.absent:
                return self.absent[needed]
        image = self.images.get(preparer)
        wasmtime = None if image is None else image.version
        return self.runtime(arm).unsupported_because or unpreparable_because(arm, wasmtime)
