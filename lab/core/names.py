"""The fixed vocabularies that files and command lines write: editions, targets, weights, flags."""

from __future__ import annotations

from enum import StrEnum


class Edition(StrEnum):
    """A set of pinned runtimes: the newest releases, those of a month whose name it has, or those of the paper."""

    CURRENT = "current"
    NOVEMBER_2026 = "2026-11"
    PAPER = "paper"

    @property
    def extends(self) -> Edition | None:
        """The edition from which it takes whatever it does not pin itself; None if it pins all that it has."""
        return Edition.NOVEMBER_2026 if self is Edition.CURRENT else None


class Target(StrEnum):
    """What a guest is compiled to."""

    NATIVE = "native"
    WASM = "wasm"


class GraphFormat(StrEnum):
    """The file formats of a model's graph: TensorFlow's frozen one, and others that are imported or converted to."""

    PB = "pb"
    TFLITE = "tflite"
    ONNX = "onnx"


class Weights(StrEnum):
    """Where a model's weights come from; `AUTO` is a wish: pretrained where a model host answers, otherwise seeded."""

    SEEDED = "seeded"
    PRETRAINED = "pretrained"
    AUTO = "auto"
    IMPORTED = "imported"


class Gate(StrEnum):
    """Whether trials wait for a quiet machine."""

    OFF = "off"
    ON = "on"


class Stop(StrEnum):
    """When blocks of a case stop being added."""

    PRECISION = "precision"
    SEQUENTIAL = "sequential"


class Flag(StrEnum):
    """What is remarkable about a trial. Flagged trials are kept, and counted in the report.

    Attributes:
        CPU_CONTENDED: the trial had its processors for less than four fifths of its time.
        THROTTLED: the CPU quota of its container kept it from running.
        SHARED_MACHINE: some task of the machine waited for a processor during much of the trial.
        ENGINE_FAILURE: the engine could not bring the trial to a report, twice; that shows nothing of the case.
        DISTURBED: the machine was busy right before the trial, or its hypervisor gave its processors to others.
        REPEAT: the trial stands for a disturbed one of the same case and block.
        HOT: a processor of the machine was slowed down, for heat or for want of current.
        FROM_CACHE: a compile trial or preparation made earlier, of another campaign or arm, whose module is used again.
    """

    CPU_CONTENDED = "cpu-contended"
    THROTTLED = "throttled"
    SHARED_MACHINE = "shared-machine"
    DISTURBED = "disturbed"
    REPEAT = "repeat"
    FROM_CACHE = "from-cache"
    ENGINE_FAILURE = "engine-failure"
    HOT = "hot"
