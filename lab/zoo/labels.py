"""What a classifier says in words: the labels of its largest outputs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from lab.core.errors import ModelError
from lab.core.model import Model

MOST_NAMED = 5


def read_labels(path: Path) -> tuple[str, ...]:
    """A label on each line, the first for class 0.

    Raises:
        ModelError: there is no such file, or it is no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as why:
        raise ModelError(f"no labels in {path}: {why}", "give a text file with a label on each line") from why
    return tuple(line.strip() for line in lines)


def top(model: Model, batch: int, labels: tuple[str, ...]) -> list[list[tuple[str, float]]]:
    """The labels of the largest values, largest first, for each image; from the reference outputs.

    Trials must give these outputs within the tolerance, so that this is every arm's answer.

    Args:
        model: a classifier.
        batch: of which input.
        labels: by class.

    Raises:
        ModelError: no output of the model has as many values as there are labels.
    """
    given = model.input_for(batch)
    reference = np.fromfile(given.reference_path, "<f4")
    ends = np.cumsum([math.prod(tensor.shape) * batch for tensor in model.outputs])[:-1]
    found = [
        values.reshape(batch, -1)
        for tensor, values in zip(model.outputs, np.split(reference, ends), strict=True)
        if math.prod(tensor.shape) == len(labels)
    ]
    if not found:
        sizes = ", ".join(str(math.prod(tensor.shape)) for tensor in model.outputs)
        raise ModelError(
            f"there are {len(labels)} labels, and no output of '{model.name}' has as many values: {sizes}",
            "give the labels that belong to this model, a line for each class",
        )
    # of logits and probabilities, probabilities
    scores = next((each for each in found if each.min() >= 0 and np.allclose(each.sum(axis=1), 1, atol=0.02)), found[0])
    order = np.argsort(-scores, axis=1, kind="stable")[:, :MOST_NAMED]
    return [[(labels[place], float(row[place])) for place in places] for row, places in zip(scores, order, strict=True)]
