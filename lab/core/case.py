"""A case: one arm on one model at one batch size; the cell of every table."""

from __future__ import annotations

import msgspec

from lab.core.arm import Arm


class Case(msgspec.Struct, frozen=True, order=True):
    """What a trial runs once.

    Attributes:
        arm: the runtime, its mode and the guest that run it.
        model: the model's name in the zoo.
        batch: images per inference.
    """

    arm: Arm
    model: str
    batch: int

    @property
    def id(self) -> str:
        """``wasmtime-jit-cranelift@o3 mobilenet_v1_0.25_128 b1``."""
        return f"{self.arm.id} {self.model} b{self.batch}"

    @property
    def baseline(self) -> Case:
        """The native case that this one's overhead is taken over."""
        return Case(self.arm.baseline, self.model, self.batch)
