"""What a model is made from, and the directory named after it: the same recipe, the same directory.

A directory's name holds a key over everything that its bytes come from, the code that makes them included: nothing is
made twice, and nothing outdated is used.

Preprocessing, with numpy and Pillow behind it, is imported when an input is made: finding a model does without.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lab.core.errors import UsageError
from lab.core.names import Weights
from lab.core.near_names import did_you_mean
from lab.zoo.entries import ENTRIES, Entry, Preprocessing
from lab.zoo.published_weights import SUPPLIES

if TYPE_CHECKING:
    from lab.zoo.preprocess import Floats

WEIGHTS = (Weights.AUTO, Weights.SEEDED, Weights.PRETRAINED)

GENERATOR = (
    *("entries", "pictures", "preprocess", "random_integers"),
    *(f"tensorflow/{name}" for name in ("canonical", "checkpoint", "graph_stats", "graphdef", "layers", "mobilenet")),
    *(f"tensorflow/{name}" for name in ("networks", "operators", "seeding", "vgg", "yunet")),
)
"""Modules that determine the bytes of graphs and inputs; a change of one changes every model's key."""


class Pictures(msgspec.Struct, frozen=True):
    """Where input tensors come from.

    Attributes:
        path: the user's directory of images, or one image; None: pictures made by the lab.
        crop: central part of a photograph that a MobileNet sees; None for slim's, `lab.zoo.preprocess.CROP`.
    """

    path: Path | None = None
    crop: float | None = None

    def tensor(self, how: Preprocessing, side: int, batch: int) -> Floats:
        """float32 [batch, side, side, 3].

        Raises:
            ModelError: there are no readable images.
        """
        from lab.zoo.preprocess import made_input, users_input  # noqa: PLC0415 - as above

        if self.path is None:
            return made_input(how, side, batch)
        return users_input(self.path, how, side, batch, self._seen)

    def key(self) -> str:
        """A key over the images' content, or ``made`` for the lab's own pictures."""
        if self.path is None:
            return "made"
        from lab.zoo.preprocess import image_files  # noqa: PLC0415 - as above

        return f"{files_key(image_files(self.path))} {self._seen}"

    def describe(self) -> str:
        """Describe where the inputs come from, for ``meta.json``."""
        return "pictures made by the lab" if self.path is None else f"images in {self.path}"

    @property
    def _seen(self) -> float:
        from lab.zoo.preprocess import CROP  # noqa: PLC0415 - as above

        return CROP if self.crop is None else self.crop


class ModelRecipe(msgspec.Struct, frozen=True):
    """One of the eight networks with weights of one kind."""

    name: str
    weights: str
    images: Pictures

    @property
    def entry(self) -> Entry:
        """The network's entry in the catalogue."""
        return ENTRIES[self.name]

    def directory(self, home: Path) -> Path:
        """Path of the model's directory, whether it exists yet or not."""
        supply = SUPPLIES[self.name] if self.weights == Weights.PRETRAINED else None
        origin = f"{supply.url} {supply.known_hash}" if supply else "seeded"
        key = model_key(self.name, self.weights, origin, self.images.key())
        return home / "models" / f"{self.name}-{self.weights}-{key}"

    def describe(self) -> str:
        """Describe where the weights and the inputs come from, for ``meta.json``."""
        weights = f"weights of {SUPPLIES[self.name].url}" if self.weights == Weights.PRETRAINED else "seeded weights"
        return f"{weights}; {self.images.describe()}"


def check_weights(weights: str) -> str:
    """Return a kind of weights that was asked for, if there is such a kind.

    Raises:
        UsageError: there is no such kind.
    """
    if weights not in WEIGHTS:
        hint = did_you_mean(weights, WEIGHTS)
        raise UsageError(f"'{weights}' are no weights", f"{hint}choose among {', '.join(WEIGHTS)}")
    return weights


@cache
def generator_key() -> str:
    """A key over the code that makes graphs and inputs, comments, docstrings and imports left out: 64 hex digits."""
    digest = hashlib.sha256()
    for module in GENERATOR:
        tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            _drop_docstrings(node)
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def model_key(*parts: str) -> str:
    """A key over the generator and whatever else the model is made from: 12 hex digits."""
    return hashlib.sha256("\n".join((generator_key(), *parts)).encode()).hexdigest()[:12]


def files_key(files: list[Path]) -> str:
    """A key over these files' contents, in this order: 64 hex digits."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _drop_docstrings(node: ast.AST) -> None:
    body = getattr(node, "body", None)
    if isinstance(body, list):
        # strings on their own document what is around them; they do nothing
        # imports say where a module is, which may change without what it does
        imports = (ast.Import, ast.ImportFrom)
        kept = [line for line in body if not isinstance(line, imports)]
        kept = [line for line in kept if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
        node.body = kept  # type: ignore[attr-defined]
