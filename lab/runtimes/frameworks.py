"""What an engineer would run natively, tract and WebAssembly aside: LiteRT, ONNX Runtime and TensorFlow.

Each has an image with Python and its wheel, of exact version and checksum (``python-guest/requirements``), and runs
`python-guest/infer.py` on one thread. LiteRT and ONNX Runtime read graphs that `lab.zoo.conversion` makes of the frozen
one.
"""

from __future__ import annotations

from typing import ClassVar

from lab.core.arm import GuestProfile, Mode
from lab.core.names import Edition, GraphFormat
from lab.runtimes.base import GUEST_PYTHON, Runtime

_PYTHON = "/usr/bin/python3"
_PACKAGES = "/usr/local/lib/python3.13/dist-packages"


class Framework(Runtime):
    """A framework in Python.

    Attributes:
        distribution: name of its wheel.
        reads: format of the graphs that it takes.
    """

    distribution: ClassVar[str]
    reads: ClassVar[GraphFormat] = GraphFormat.PB
    systems = ((Mode.FRAMEWORK, None),)
    guests = (GuestProfile.PYTHON,)

    @property
    def executable(self) -> str:
        """Python; the library that infers is `binary`."""
        return _PYTHON

    @property
    def guest_file(self) -> str:
        """The program in Python."""
        return GUEST_PYTHON

    @property
    def graph_format(self) -> GraphFormat:
        """That of the framework."""
        return self.reads

    @property
    def environment(self) -> dict[str, str]:
        """One thread for numpy too, which otherwise starts one per processor when it is imported; no chatter."""
        return {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run_argv(self, guest_args: tuple[str, ...]) -> tuple[str, ...]:
        """Python on the program; the model's suffix decides which framework the program takes."""
        return (self.executable, self.guest_file, *guest_args)

    @classmethod
    def version_argv(cls) -> tuple[str, ...]:
        """What the installed wheel says of itself."""
        return (_PYTHON, "-c", f"from importlib.metadata import version; print(version('{cls.distribution}'))")


class LiteRt(Framework):
    """TensorFlow Lite of today, with its XNNPACK delegate, which it takes by default."""

    name = "litert"
    title = "LiteRT"
    colour = "#BB55FF"
    image = "litert"
    distribution = "ai-edge-litert"
    binary = f"{_PACKAGES}/ai_edge_litert/libpywrap_litert_common.so"
    reads = GraphFormat.TFLITE
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "2.3.0"}


class OnnxRuntime(Framework):
    """Its CPU execution provider, with the graph optimisations that it does by default."""

    name = "onnxruntime"
    title = "ONNX Runtime"
    colour = "#554455"
    image = "onnxruntime"
    distribution = "onnxruntime"
    binary = f"{_PACKAGES}/onnxruntime/capi/onnxruntime_pybind11_state.cpython-313-x86_64-linux-gnu.so"
    reads = GraphFormat.ONNX
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "1.32.0"}


class TensorFlow(Framework):
    """The frozen graph as it is, with Grappler and oneDNN as they come: 1.6 GB, so only what asks for it builds it."""

    name = "tensorflow"
    title = "TensorFlow"
    colour = "#330044"
    image = "tensorflow"
    distribution = "tensorflow-cpu"
    binary = f"{_PACKAGES}/tensorflow/libtensorflow_cc.so.2"
    versions: ClassVar[dict[str, str]] = {Edition.NOVEMBER_2026: "2.21.0"}
