"""Seeded weights: drawn with integers, scaled by what the layer is known to receive, the same bytes on every CPU.

Nothing here is calibrated by running a kernel. Each layer knows the mean and the mean square that its inputs have when
the layer before it is normal with variance 1 (He et al., "Delving deep into rectifiers", 2015, carries the same
moments); its weights are scaled so that it puts out variance 1 again, and what a batch-norm would have recorded as
moving statistics follows from the weights' own sums. Only + − × ÷ and √ of IEEE numbers are used, each of which has
one correct result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from lab.zoo.random_integers import DRAW_BITS, centred, key_of

SEED = "2023"
_DRAW_VARIANCE = ((1 << (2 * DRAW_BITS)) - 1) / 3
_CHUNK = 1 << 20
_GAMMA_SPREAD = 0.2
_BETA_SPREAD = 0.25
_BIAS_SPREAD = 0.1

Floats = NDArray[np.float32]


class Moments(msgspec.Struct, frozen=True):
    """What a tensor is expected to hold: its mean, and the mean of its squares."""

    mean: float
    square: float

    @property
    def variance(self) -> float:
        """The mean square about the mean."""
        return self.square - self.mean * self.mean


RECTIFIED = Moments(0.3989422804014327, 0.5)
"""max(0, x) of a standard normal x: 1 / √(2π), 1/2. A cap at 6 changes neither visibly."""
RECTIFIED_MAX_OF_4 = Moments(0.7, 0.95)
"""The largest of four neighbours that are alike: between `RECTIFIED` (the same) and 1.03, 1.55 (independent)."""


class LayerPlan(msgspec.Struct, frozen=True):
    """One convolution and what is known about it before it has weights.

    Attributes:
        scope: its variables' common prefix.
        kernel: the kernel's name below the scope: ``weights`` or ``depthwise_weights``.
        shape: height, width, channels in, channels out (of a depthwise one: outputs per channel).
        depthwise: each channel has kernels of its own.
        bias: whether it has ``biases``.
        norm: the scope of the batch-norm behind it, or None.
        receives: moments of its input.
        gain: standard deviation that it is to put out.
    """

    scope: str
    kernel: str
    shape: tuple[int, int, int, int]
    depthwise: bool
    bias: bool
    norm: str | None
    receives: Moments
    gain: float = 1.0

    @property
    def fan_in(self) -> int:
        """Inputs of one output."""
        height, width, channels, _ = self.shape
        return height * width * (1 if self.depthwise else channels)

    @property
    def channels_out(self) -> int:
        """Size of its biases and statistics."""
        return self.shape[2] * self.shape[3] if self.depthwise else self.shape[3]


def seeded_layer(model: str, plan: LayerPlan) -> Iterator[tuple[str, Floats]]:
    """The layer's variables, by name, in the order slim creates them."""
    key = key_of(SEED, model, plan.scope, plan.kernel)
    mean, variance = plan.receives.mean, plan.receives.variance
    scale = math.sqrt(1.0 / (plan.fan_in * variance * _DRAW_VARIANCE)) * plan.gain
    weights, totals, squares = _draw_kernel(key, plan, np.float32(scale))
    yield f"{plan.scope}/{plan.kernel}", weights
    shift = (totals.astype(np.float64) * scale * mean).astype(np.float32)
    if plan.bias:
        noise = _uniform(model, f"{plan.scope}/biases", plan.channels_out, _BIAS_SPREAD * plan.gain)
        yield f"{plan.scope}/biases", noise if plan.norm else noise - shift
        shift = shift + noise
    if plan.norm:
        yield f"{plan.norm}/beta", _uniform(model, f"{plan.norm}/beta", plan.channels_out, _BETA_SPREAD)
        gamma = _uniform(model, f"{plan.norm}/gamma", plan.channels_out, _GAMMA_SPREAD)
        yield f"{plan.norm}/gamma", np.float32(1) + gamma
        yield f"{plan.norm}/moving_mean", shift
        spread = squares.astype(np.float64) * (scale * scale) * variance
        yield f"{plan.norm}/moving_variance", spread.astype(np.float32)


def _draw_kernel(key: int, plan: LayerPlan, scale: np.float32) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """The kernel, and per output the sums of its draws and of their squares; in pieces, since VGG's fc6 is 411 MB."""
    columns = plan.channels_out
    rows = math.prod(plan.shape) // columns
    weights = np.empty((rows, columns), np.float32)
    totals = np.zeros(columns, np.int64)
    squares = np.zeros(columns, np.int64)
    step = max(1, _CHUNK // columns)
    for row in range(0, rows, step):
        count = min(step, rows - row)
        draws = centred(key, row * columns, count * columns).reshape(count, columns)
        weights[row : row + count] = draws.astype(np.float32) * scale
        totals += draws.sum(axis=0)
        squares += (draws * draws).sum(axis=0)
    return weights.reshape(plan.shape), totals, squares


def _uniform(model: str, name: str, count: int, spread: float) -> Floats:
    """Uniform in ± spread."""
    draws = centred(key_of(SEED, model, name), 0, count)
    return draws.astype(np.float32) * np.float32(spread / (1 << DRAW_BITS))
