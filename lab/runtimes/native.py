"""The baseline: the guest compiled to machine code, with tract's hand-written kernels."""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import NATIVE_RUNTIME, Arm, GuestProfile, Mode
from lab.runtimes.base import GUEST_NATIVE, WORK, Runtime


class Native(Runtime):
    """No runtime at all. There is no build of it for wasm's vectors: native kernels use the CPU's own in any build."""

    name = NATIVE_RUNTIME
    title = "native"
    image = NATIVE_RUNTIME
    systems = ((Mode.NATIVE, None),)
    guests = (GuestProfile.O0, GuestProfile.O3)
    # the guest is what runs: its toolchain is the guest fingerprint's business
    versions: ClassVar[dict[str, str]] = {"current": "", "paper": ""}

    def guest_file(self, arm: Arm) -> str:  # noqa: ARG002
        """The native binary."""
        return GUEST_NATIVE

    def executable(self, arm: Arm) -> str:  # noqa: ARG002
        """The guest itself, mounted into the container."""
        return f"{WORK}/{GUEST_NATIVE}"

    def run_argv(self, arm: Arm, version: str, guest_args: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG002
        """The guest, called directly."""
        return (self.executable(arm), *guest_args)

    def version_argv(self) -> tuple[str, ...]:
        """What tells the image is alive: the guest is not in it."""
        return ("/usr/local/bin/probe", "--version")
