"""What the lab asks processes with TensorFlow to do; one JSON argument per job, many jobs per process.

Importing TensorFlow takes seconds, so small networks share a process; each VGG has its own, whose memory ends with it.
"""

from __future__ import annotations

import msgspec


class BuildJob(msgspec.Struct, frozen=True):
    """For `lab.zoo.tensorflow.build_worker`: freeze one network into a directory.

    Attributes:
        checkpoint: its weights: slim's checkpoint or YuNet's ONNX file; None: seeded.
    """

    name: str
    directory: str
    checkpoint: str | None = None


class ImportJob(msgspec.Struct, frozen=True):
    """For `lab.zoo.tensorflow.import_worker`: canonicalise a foreign frozen graph into a directory.

    Attributes:
        shape: of its input, NHWC.
        outputs: node names; empty: the nodes that nothing takes anything from.
    """

    name: str
    path: str
    directory: str
    shape: tuple[int, ...]
    outputs: tuple[str, ...] = ()


class ReferenceRun(msgspec.Struct, frozen=True):
    """One input tensor, and the file that the outputs for it go to."""

    input: str
    shape: tuple[int, ...]
    result: str


class ReferenceJob(msgspec.Struct, frozen=True):
    """For `lab.zoo.tensorflow.reference_worker`: run one graph on its inputs."""

    name: str
    graph: str
    input_node: str
    outputs: tuple[str, ...]
    runs: tuple[ReferenceRun, ...]


Job = BuildJob | ImportJob | ReferenceJob
