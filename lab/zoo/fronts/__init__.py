"""Graphs in other formats than TensorFlow's: one module for each, with `inspect` and `run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from lab.core.names import GraphFormat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lab.zoo.fronts.facts import GraphFacts


def inspect(graph_format: GraphFormat, path: Path, shape: tuple[int, ...], outputs: tuple[str, ...]) -> GraphFacts:
    """What a file says of its graph; raises as the format's own `inspect`."""
    facts: GraphFacts = _module(graph_format).inspect(path, shape, outputs)
    return facts


def run(
    graph_format: GraphFormat, path: Path, outputs: Sequence[str], tensors: Sequence[NDArray[np.float32]]
) -> list[list[NDArray[np.float32]]]:
    """The outputs for each input tensor; raises as the format's own `run`."""
    results: list[list[NDArray[np.float32]]] = _module(graph_format).run(path, outputs, tensors)
    return results


def _module(graph_format: GraphFormat) -> ModuleType:
    """Imported when it is asked for: each takes libraries that the other does without."""
    if graph_format is GraphFormat.ONNX:
        from lab.zoo.fronts import onnx_graph  # noqa: PLC0415

        return onnx_graph
    from lab.zoo.fronts import tflite_graph  # noqa: PLC0415

    return tflite_graph
