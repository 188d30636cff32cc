"""What a graph's file says, whatever its format."""

from __future__ import annotations

import msgspec

from lab.core.errors import ModelError
from lab.zoo.counts import GraphStats


class InputFacts(msgspec.Struct, frozen=True):
    """The one input.

    Attributes:
        name: of the tensor.
        shape: behind the batch.
        fixed_batch: the batch that the file fixes; None if it takes any.
        is_float: whether it takes any float32, so that the file does not say how pixels become its values.
        bounds: of an input of single bytes, the least and the largest value that it takes; None if any.
    """

    name: str
    shape: tuple[int, ...]
    fixed_batch: int | None
    is_float: bool = True
    bounds: tuple[float, float] | None = None


class OutputFacts(msgspec.Struct, frozen=True):
    """One output: its name, and its shape at the fixed batch or 1."""

    name: str
    shape: tuple[int, ...]


class GraphFacts(msgspec.Struct, frozen=True):
    """Inputs, outputs, counts."""

    input: InputFacts
    outputs: tuple[OutputFacts, ...]
    stats: GraphStats


def missing_runtime(package: str) -> ModelError:
    """The error of a reference that cannot be made."""
    return ModelError(
        f"{package} is not installed, which says what outputs must be",
        "pip install 'wasm-edge-lab[formats]', or `just setup` in a checkout",
    )
