"""Content keys: a model's directory is named after everything its bytes come from, so nothing is made twice."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

GENERATOR = (
    *("entries", "pictures", "preprocess", "random_integers"),
    *(f"tensorflow/{name}" for name in ("canonical", "checkpoint", "folding", "freeze", "graph_stats", "graphdef")),
    *(f"tensorflow/{name}" for name in ("layers", "mobilenet", "networks", "operators", "seeding", "vgg")),
    *(f"tensorflow/{name}" for name in ("yunet", "yunet_onnx")),
)
"""Modules that bytes of graphs and inputs depend on."""


@cache
def generator_key() -> str:
    """Of the code that makes graphs and inputs, comments, docstrings and imports left out: 64 hex digits."""
    digest = hashlib.sha256()
    for module in GENERATOR:
        tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            _drop_docstrings(node)
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()


def model_key(*parts: str) -> str:
    """Of the generator and whatever else the model is made from: 12 hex digits."""
    return hashlib.sha256("\n".join((generator_key(), *parts)).encode()).hexdigest()[:12]


def files_key(files: list[Path]) -> str:
    """Of these files' contents, in this order: 64 hex digits."""
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
