"""From YuNet's outputs to faces: boxes, scores, landmarks, non-maximum suppression."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

STRIDES = (8, 16, 32)
SCORE_THRESHOLD = 0.6
OVERLAP_THRESHOLD = 0.3

Floats = NDArray[np.float32]


class Face(msgspec.Struct, frozen=True):
    """One face, in pixels of the network's input.

    Attributes:
        score: √(class × objectness), 0–1.
        box: left, top, right, bottom.
        landmarks: x, y of the eyes, the nose, the corners of the mouth.
    """

    score: float
    box: tuple[float, float, float, float]
    landmarks: tuple[tuple[float, float], ...]


def faces(outputs: Mapping[str, Floats], side: int = 320) -> list[Face]:
    """The faces in one image, best first.

    Args:
        outputs: by node name (``cls_8`` … ``kps_32``), each [positions, numbers].
        side: of the network's input, in pixels.
    """
    scores, boxes, landmarks = (
        np.concatenate(parts)
        for parts in zip(*(_decode(outputs, stride, side // stride) for stride in STRIDES), strict=True)
    )
    sure = np.flatnonzero(scores > SCORE_THRESHOLD)
    best_first = sure[np.argsort(-scores[sure], kind="stable")]
    return [_face(scores[at], boxes[at], landmarks[at]) for at in _distinct(boxes, best_first)]


def _decode(outputs: Mapping[str, Floats], stride: int, columns: int) -> tuple[Floats, Floats, Floats]:
    """Scores [n], boxes [n, 4], landmarks [n, 5, 2] of one stride; positions run along rows."""
    number = np.arange(columns * columns)
    corner = np.stack([number % columns, number // columns], axis=1).astype(np.float32) * stride
    # a guest's sigmoid is an approximation that may fall below 0 by its last bits
    sure = np.clip(outputs[f"cls_{stride}"] * outputs[f"obj_{stride}"], 0, 1)
    scores = np.sqrt(sure.reshape(-1))
    box = outputs[f"bbox_{stride}"].reshape(-1, 4)
    centre, half = box[:, :2] * stride + corner, np.exp(box[:, 2:]) * stride / 2
    points = outputs[f"kps_{stride}"].reshape(-1, 5, 2) * stride + corner[:, None, :]
    return scores, np.concatenate([centre - half, centre + half], axis=1), points


def _distinct(boxes: Floats, best_first: NDArray[np.intp]) -> list[int]:
    """Non-maximum suppression: those that no better one overlaps too much."""
    kept: list[int] = []
    for candidate in best_first.tolist():
        if all(_overlap(boxes[candidate], boxes[better]) <= OVERLAP_THRESHOLD for better in kept):
            kept.append(candidate)
    return kept


def _overlap(one: Floats, other: Floats) -> float:
    """Intersection over union of two boxes."""
    extent = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(extent, 0)))
    union = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])) - shared
    return shared / union if union > 0 else 0.0


def _face(score: np.float32, box: Floats, points: Floats) -> Face:
    left, top, right, bottom = (float(edge) for edge in box)
    return Face(float(score), (left, top, right, bottom), tuple((float(x), float(y)) for x, y in points))
