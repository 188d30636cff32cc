"""A case: one arm on one model at one batch size; the cell of every table."""

from __future__ import annotations

import re

import msgspec

from lab.core.arm import Arm
from lab.core.errors import ExperimentError

_CASE_ID = re.compile(r"(?P<arm>\S+) (?P<model>\S+) b(?P<batch>[1-9][0-9]*)")


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

    @property
    def module(self) -> Case:
        """The case as its modules are kept: of a prepared arm itself, otherwise the arm's, model ``""`` and batch 0."""
        return self if self.arm.guest.is_prepared else Case(self.arm, "", 0)

    @classmethod
    def parse(cls, text: str) -> Case:
        """Read an `id`.

        Raises:
            ExperimentError: the text is none.
        """
        match = _CASE_ID.fullmatch(text)
        if match is None:
            raise ExperimentError(f"'{text}' is not a case", "write it like wasmtime-jit-cranelift@o3 yunet b1")
        return cls(Arm.parse(match["arm"]), match["model"], int(match["batch"]))
