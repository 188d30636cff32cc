"""The fixed vocabularies that files and command lines write: editions, targets, weights, flags."""

from __future__ import annotations

from enum import StrEnum


class Edition(StrEnum):
    """A set of pinned runtimes: the releases of today, or those that the paper measured."""

    CURRENT = "current"
    PAPER = "paper"


class Target(StrEnum):
    """What a guest is compiled to."""

    NATIVE = "native"
    WASM = "wasm"


class GraphFormat(StrEnum):
    """The file formats of a model's graph: TensorFlow's, and what is converted from it for other frameworks."""

    PB = "pb"
    TFLITE = "tflite"
    ONNX = "onnx"


class Weights(StrEnum):
    """Where a model's weights come from; `AUTO` is a wish: pretrained where a model host answers, otherwise seeded."""

    SEEDED = "seeded"
    PRETRAINED = "pretrained"
    AUTO = "auto"
    IMPORTED = "imported"


class Flag(StrEnum):
    """What is remarkable about a trial. Flagged trials are kept, and counted in the report.

    Attributes:
        CPU_CONTENDED: the trial had its processors for less than four fifths of its time.
        THROTTLED: the CPU quota of its container kept it from running.
        SHARED_MACHINE: some task of the machine waited for a processor during much of the trial.
        ENGINE_FAILURE: the engine could not bring the trial to a report, twice; that shows nothing of the case.
        FROM_CACHE: a compile trial of an earlier campaign, whose precompiled module is used again.
    """

    CPU_CONTENDED = "cpu-contended"
    THROTTLED = "throttled"
    SHARED_MACHINE = "shared-machine"
    FROM_CACHE = "from-cache"
    ENGINE_FAILURE = "engine-failure"
