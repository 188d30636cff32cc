"""Made-up models where the catalogue finds them: in the cache, as if a user had imported them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from lab.zoo.counts import GraphStats
from lab.zoo.model_directory import GRAPH_FILE, Built, Meta, Prepared, write_meta
from tests.fakes import MACS, make_models


def import_made_up(home: Path, names: Iterable[str] = MACS) -> None:
    """The models of `tests.fakes.make_models`, with the same files and facts, in the cache at `home`."""
    for name, model in make_models(home / "made-up", names).items():
        directory = home / "models" / f"{name}-imported"
        directory.mkdir(parents=True)
        shutil.copy(model.graph_path, directory / GRAPH_FILE)
        prepared = []
        for given in model.inputs:
            for path in (given.input_path, given.reference_path):
                shutil.copy(path, directory)
            files = given.input_path.name, given.input_sha256, given.reference_path.name, given.reference_sha256
            prepared.append(Prepared(given.batch, given.shape, *files))
        facts = GraphStats(model.parameters, model.parameters, model.conv_layers, model.macs, {"Conv2D": 3})
        nodes = tuple((output.node, output.shape) for output in model.outputs)
        built = Built(model.graph_sha256, model.input_node, (2, 2, 3), nodes, facts)
        meta = Meta(
            name=name, weights="imported", source="made up", tensorflow="none", built=built, inputs=tuple(prepared)
        )
        write_meta(directory, meta)
