"""What is asked of models before anything is built or measured with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from lab.core.errors import DataError, ModelError
from lab.core.experiment import PAPER_MODELS
from lab.core.model import Model
from lab.core.names import GraphFormat, Weights
from lab.core.near_names import did_you_mean
from lab.disk.content import file_sha256
from lab.zoo.entries import CONVERTERS, ENTRIES
from lab.zoo.model_directory import find_model


def check_names(wanted: Mapping[str, Collection[int]], home: Path) -> None:
    """Accept obtainable models: the paper's at any batch, imported ones at the batches they were imported with.

    Args:
        wanted: batch sizes by the model's name.
        home: the lab's cache directory.

    Raises:
        ModelError: a model is neither the paper's nor imported, or has no input of such a batch.
        DataError: an imported model's ``meta.json`` is damaged.
    """
    imported = {
        path.name.removesuffix(f"-{Weights.IMPORTED}"): path for path in (home / "models").glob(f"*-{Weights.IMPORTED}")
    }
    known = (*PAPER_MODELS, *sorted(imported))
    for name, batches in wanted.items():
        if name in ENTRIES:
            continue
        model = find_model(imported[name]) if name in imported else None
        if model is None:
            remedy = f"{did_you_mean(name, known)}choose among {', '.join(known)}, or `lab models import FILE`"
            raise ModelError(f"there is no model {name[:100]!r}", remedy)
        have = [given.batch for given in model.inputs]
        for batch in batches:
            if batch not in have:
                raise ModelError(
                    f"the imported model '{name}' has no input of batch {batch}",
                    f"choose among {', '.join(map(str, have))}",
                )


def check_format(name: str, reader: str, wanted: GraphFormat, home: Path) -> None:
    """Accept an arm for a model whose graph its guest reads, or that can be converted for it.

    Args:
        name: of a model that `check_names` accepts.
        reader: the arm's id.
        wanted: format of the graphs that the arm's guest reads.
        home: the lab's cache directory.

    Raises:
        ModelError: the guest does not read the graph.
    """
    model = None if name in ENTRIES else find_model(home / "models" / f"{name}-{Weights.IMPORTED}")
    own = GraphFormat.PB if model is None else model.format
    if wanted is own or (own is GraphFormat.PB and wanted in CONVERTERS):
        return
    ending = "" if own is GraphFormat.PB else f"+{own}"
    raise ModelError(
        f"the model '{name}' is in the format {own}, the guest of {reader} reads {wanted}",
        f"choose arms whose guest is o3{ending}, or `lab bench {name}`",
    )


def check_intact(models: Iterable[Model]) -> None:
    """Accept models whose graphs, inputs and references are, byte for byte, what was made.

    VGG's half a gigabyte takes a second.

    Raises:
        DataError: a file is missing, cut short or changed: trials would be judged by it.
    """
    for model in models:
        files = {model.graph_path: model.graph_sha256}
        files |= {given.input_path: given.input_sha256 for given in model.inputs}
        references = {given.reference_path: given.reference_sha256 for given in model.inputs}
        files |= {path: sha256 for path, sha256 in references.items() if sha256 is not None}
        for path, sha256 in files.items():
            try:
                found = file_sha256(path)
            except OSError as error:
                found = str(error.strerror)
            if found != sha256:
                again = "import it again" if model.weights == Weights.IMPORTED else "it is made again when it is needed"
                raise DataError(
                    f"{path} is not what was made: sha256 {sha256[:12]}… then, {found[:12]}… now",
                    f"delete {path.parent}; {again}",
                )
