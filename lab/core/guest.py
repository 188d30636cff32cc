"""Which guest build: target and profile; and where a trial's container has its files."""

from __future__ import annotations

from pathlib import PurePosixPath

import msgspec

from lab.core.arm import Arm, GuestProfile
from lab.core.errors import UsageError
from lab.core.names import Target

WORK_DIR = PurePosixPath("/work")
"""Working directory of a trial's container: the guest, the model and the input are in it, read-only."""

OUT_DIR = "out"
"""The only writable directory below `WORK_DIR`."""

GUEST_WASM = "guest.wasm"
GUEST_NATIVE = "guest"
GUEST_PYTHON = "guest.py"


class GuestId(msgspec.Struct, frozen=True, order=True):
    """One guest build, written ``wasm/o3``.

    Attributes:
        target: ``wasm`` or ``native``.
        profile: optimisation level and target features.
    """

    target: Target
    profile: GuestProfile

    @property
    def id(self) -> str:
        """``wasm/o3``: as manifests, the lock file and options write it."""
        return f"{self.target}/{self.profile}"

    @property
    def file_name(self) -> str:
        """Name of the module, of the native binary, or of the program in Python."""
        if self.profile is GuestProfile.PYTHON:
            return GUEST_PYTHON
        return GUEST_WASM if self.target is Target.WASM else GUEST_NATIVE

    @classmethod
    def of(cls, arm: Arm) -> GuestId:
        """The guest build that an arm runs: of a prepared module, the one that it is prepared from."""
        target = Target(arm.target)
        return cls(target, arm.guest.plain if target is Target.WASM else arm.guest)

    @property
    def plain(self) -> GuestId:
        """The build that loads its model itself, and gives the same output bits."""
        return GuestId(self.target, self.profile.plain)

    @classmethod
    def parse(cls, text: str) -> GuestId:
        """Read ``target/profile``.

        Raises:
            UsageError: the text has another form, or names a target or profile that does not exist.
        """
        target, _, profile = text.partition("/")
        if target not in list(Target) or profile not in list(GuestProfile):
            raise UsageError(
                f"'{text}' is not a guest build",
                f"write target/profile, with {' or '.join(Target)} and one of {', '.join(GuestProfile)}",
            )
        return cls(Target(target), GuestProfile(profile))


ALL_GUESTS = tuple(
    GuestId(target, profile)
    for target in Target
    for profile in GuestProfile
    # native kernels use the processor's vectors in any build, and a module is prepared after it is built
    if not (profile.has_vectors if target is Target.NATIVE else profile.is_prepared)
    and profile is not GuestProfile.PYTHON
)
"""What is compiled; the program in Python is not."""
