"""The noises that estimators are tried on: logarithms of the times of two arms, by block, whose typical trial is 0.

Sizes are those of a machine that runs more than one thing: 1 to 2 % of even noise, and what is named on top of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from lab.stats.estimate import Floats

ITERATIONS = 5
Shape = tuple[int, int]


class Arms(NamedTuple):
    """Of one noise: log times of two arms, and of the least of five iterations in each trial, all (campaigns, blocks).

    A burst of interference strikes about every second iteration of a trial, so the least is often spared; what belongs
    to the process (its mode, its layout) is in all of its iterations.
    """

    a: Floats
    b: Floats
    least_a: Floats
    least_b: Floats

    @property
    def log_ratios(self) -> Floats:
        """Of a to b."""
        return self.a - self.b

    @property
    def least_log_ratios(self) -> Floats:
        """Of a to b, by the least iteration of each trial."""
        return self.least_a - self.least_b


class _Arm(NamedTuple):
    own: Floats
    burst: Floats


class Noise(NamedTuple):
    """A kind of noise.

    Attributes:
        name: for tables.
        draw: log times of both arms.
        even: both arms scatter alike, so that log-ratios are symmetric and their typical value is 0.
        promised: whether the lab promises false verdicts of 5 % at most under it; else 9 % (dependent trials).
    """

    name: str
    draw: Callable[[np.random.Generator, Shape], Arms]
    even: bool = True
    promised: bool = True


def _normal(rng: np.random.Generator, shape: Shape, scale: float) -> Floats:
    return rng.normal(0, scale, shape)


def _bursts(rng: np.random.Generator, shape: Shape) -> Floats:
    """8 % of trials are slowed, by 30 % on average."""
    return np.where(rng.random(shape) < 0.08, np.log1p(rng.exponential(0.3, shape)), 0.0)


def _mode(rng: np.random.Generator, shape: Shape, share: float, slower: float) -> Floats:
    return np.where(rng.random(shape) < share, np.log1p(slower), 0.0)


def _autoregressive(rng: np.random.Generator, shape: Shape, scale: float, correlation: float) -> Floats:
    values = rng.normal(0, scale, shape)
    for block in range(1, shape[1]):
        fresh = np.sqrt(1 - correlation**2) * values[:, block]
        values[:, block] = correlation * values[:, block - 1] + fresh
    return values


def _drift(rng: np.random.Generator, shape: Shape) -> tuple[Floats, Floats]:
    """Half a percent a block; the two trials of a block, in random order, sit a third of a block apart."""
    later = rng.integers(2, size=shape)
    a, b = (0.005 * (np.arange(shape[1]) + place / 3) for place in (later, 1 - later))
    return a + _normal(rng, shape, 0.015), b + _normal(rng, shape, 0.015)


def _uneven(rng: np.random.Generator, shape: Shape) -> tuple[Floats, Floats]:
    """Some blocks are noisier than others, and one arm is twice as noisy as the other."""
    scale = 0.01 * np.exp(rng.normal(0, 0.7, shape))
    return 2 * scale * rng.normal(0, 1, shape), scale * rng.normal(0, 1, shape)


def _arms(rng: np.random.Generator, a: _Arm, b: _Arm) -> Arms:
    shape = a.own.shape

    def least(arm: _Arm) -> Floats:
        iterations = rng.normal(0, 0.0025, (ITERATIONS, *shape))
        struck = rng.random((ITERATIONS, *shape)) < 0.5
        return np.asarray(arm.own + (iterations + struck * arm.burst).min(axis=0))

    return Arms(a.own + a.burst, b.own + b.burst, least(a), least(b))


def _of(
    own: Callable[[np.random.Generator, Shape], tuple[Floats, Floats]], bursts: tuple[bool, bool] = (False, False)
) -> Callable[[np.random.Generator, Shape], Arms]:
    def draw(rng: np.random.Generator, shape: Shape) -> Arms:
        nothing = np.zeros(shape)
        parts = own(rng, shape)
        a, b = (
            _Arm(part, _bursts(rng, shape) if burst else nothing) for part, burst in zip(parts, bursts, strict=True)
        )
        return _arms(rng, a, b)

    return draw


def _alike(one: Callable[[np.random.Generator, Shape], Floats]) -> Callable[..., tuple[Floats, Floats]]:
    return lambda rng, shape: (one(rng, shape), one(rng, shape))


def _quiet(rng: np.random.Generator, shape: Shape) -> Floats:
    return _normal(rng, shape, 0.01)


def _slow_in_a(share: float, slower: float) -> Callable[..., tuple[Floats, Floats]]:
    return lambda rng, shape: (_quiet(rng, shape) + _mode(rng, shape, share, slower), _quiet(rng, shape))


SLOW_MODE = Noise("slow by 30 % in one process of five, one arm", _of(_slow_in_a(0.2, 0.3)), even=False)
DEPENDENT = Noise(
    "dependent: rho 0.5 from block to block, each arm, 2 %",
    _of(_alike(lambda rng, shape: _autoregressive(rng, shape, 0.02, 0.5))),
    promised=False,
)
BURSTS = Noise("bursts in both arms, 1 %", _of(_alike(_quiet), (True, True)))
NOISES: tuple[Noise, ...] = (
    Noise("normal, 2 %", _of(_alike(lambda rng, shape: _normal(rng, shape, 0.02)))),
    Noise("heavy tails: t with 3 degrees, 1.5 %", _of(_alike(lambda rng, shape: 0.015 * rng.standard_t(3, shape)))),
    BURSTS,
    Noise("bursts in one arm, 1 %", _of(_alike(_quiet), (True, False)), even=False),
    Noise(
        "two modes: every fifth trial 5 % slower",
        _of(_alike(lambda rng, shape: _quiet(rng, shape) + _mode(rng, shape, 0.2, 0.05))),
    ),
    Noise(
        "two modes: every second trial 5 % slower",
        _of(_alike(lambda rng, shape: _quiet(rng, shape) + _mode(rng, shape, 0.5, 0.05))),
    ),
    SLOW_MODE,
    Noise("slow by 5 % in one process of five, one arm", _of(_slow_in_a(0.2, 0.05)), even=False),
    Noise(
        "long tail in one arm: exponential, 3 %",
        _of(lambda rng, shape: (rng.exponential(0.03, shape), _normal(rng, shape, 0.007))),
        even=False,
    ),
    Noise("drift of 0.5 % a block, 1.5 %", _of(_drift)),
    Noise("uneven: blocks and arms differ in scale", _of(_uneven)),
    DEPENDENT,
)
