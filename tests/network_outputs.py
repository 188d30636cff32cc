"""Reading a model's outputs, TensorFlow's or a guest's: tensors by node, and the best classes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lab.core.errors import ModelError
from lab.core.model import Model

Floats = NDArray[np.float32]


def split(model: Model, content: bytes, batch: int) -> dict[str, Floats]:
    """The tensors by node, batch first, in concatenated raw little-endian float32.

    Raises:
        ModelError: there are more or fewer bytes than the outputs have.
    """
    values = np.frombuffer(content, "<f4")
    sizes = [batch * math.prod(output.shape[1:]) for output in model.outputs]
    if sum(sizes) != values.size:
        raise ModelError(
            f"{values.size} numbers for {model.name}'s outputs, which have {sum(sizes)} at batch {batch}",
            "compare outputs of the same model and batch",
        )
    parts = np.split(values, np.cumsum(sizes)[:-1])
    return {
        output.node: part.reshape(batch, *output.shape[1:]) for output, part in zip(model.outputs, parts, strict=True)
    }


def top(predictions: Floats, count: int = 5) -> list[tuple[int, float]]:
    """The best classes of one image, [classes] → (class, value), best first."""
    best = np.argsort(-predictions, kind="stable")[:count]
    return [(int(index), float(predictions[index])) for index in best]
