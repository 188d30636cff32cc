"""`lab models`: the networks on this machine; freezing the paper's, importing the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.alone import Wait, alone
from lab.cli.build_progress import build_progress
from lab.cli.engines import EngineName
from lab.cli.foreign_graphs import BATCHES, InputShape, OutputNodes, import_file, parse_shape
from lab.cli.options import Json
from lab.cli.output import note, say_json, say_table
from lab.cli.wiring import lab_of
from lab.core.experiment import PAPER_MODELS
from lab.core.model import Model
from lab.core.units import show_bytes
from lab.zoo.catalog import available, prepare
from lab.zoo.entries import Preprocessing
from lab.zoo.importing import import_yunet_onnx, is_published_yunet, model_name

Pictures = Annotated[Path | None, typer.Option(help="Directory of images to use instead of the lab's pictures.")]


models = typer.Typer(help="List, freeze and import models.", invoke_without_command=True)


@models.callback()
def list_models(context: typer.Context, json: Json = False) -> None:
    """List the models that are ready: parameters, operations, size, and what their weights are. Writes nothing."""
    if context.invoked_subcommand is not None:
        return
    found = available(lab_of(context).home)
    if json:
        say_json(found)
        return
    say_table((_row(model) for model in found), _HEADERS)
    missing = sorted(set(PAPER_MODELS) - {model.name for model in found})
    if missing:
        note(f"not frozen yet: {', '.join(missing)}; `lab models prepare` does it, as does any run that needs them")


@models.command("prepare")
def prepare_models(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Models to freeze; default: the paper's eight.")] = None,
    weights: Annotated[
        str, typer.Option(help="seeded, pretrained, or auto: pretrained where a host answers.")
    ] = "seeded",
    images: Pictures = None,
    wait: Wait = False,
    json: Json = False,
) -> None:
    """Freeze models that are not here yet.

    Writes below LAB_HOME: each one's graph, inputs at batch 1 and 3, and TensorFlow's outputs for them.
    """
    with alone("freezing models", wait=wait), build_progress() as progress:
        made = prepare(names or PAPER_MODELS, lab_of(context).home, weights, BATCHES, progress, images)
    if json:
        say_json(tuple(made.values()))
    else:
        say_table((_row(model) for model in made.values()), _HEADERS)


@models.command("import")
def import_model(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A graph: .pb, .onnx or .tflite.")],
    name: Annotated[
        str | None, typer.Option("--as", help="What experiments call it; default: the file's name.")
    ] = None,
    input_shape: InputShape = None,
    outputs: OutputNodes = "",
    preprocessing: Annotated[
        Preprocessing | None, typer.Option(help="What images go through, if the file does not say it.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Images, or a tensor (.npy), instead of the lab's pictures."),
    ] = None,
    crop: Annotated[float, typer.Option(help="Central part of an image that is used.", min=0.01, max=1.0)] = 0.875,
    engine: Annotated[
        EngineName, typer.Option(help="Read the graph in a container; or in a process, if it is trusted.")
    ] = EngineName.CONTAINER,
    wait: Wait = False,
    json: Json = False,
) -> None:
    """Make a foreign graph a model; experiments then name it like any other.

    A container without network reads the graph; its only writable files are in memory. YuNet's published ONNX file
    becomes the weights of `yunet`, unless --as gives it another name.
    Writes below LAB_HOME: the graph, inputs at batch 1 and 3, and the outputs of the format's own runtime for them.
    """
    lab = lab_of(context)
    home = lab.home
    with alone("importing a model", wait=wait), build_progress() as progress:
        if name is None and is_published_yunet(file):
            model = import_yunet_onnx(file, home, BATCHES, progress, images)
        else:
            model = import_file(
                lab,
                file,
                name or model_name(file),
                parse_shape(input_shape),
                outputs,
                engine,
                progress,
                preprocessing=preprocessing,
                images=images,
                crop=crop,
            )
    if json:
        say_json(model)
    else:
        say_table([_row(model)], _HEADERS)


_HEADERS = ("model", "weights", "parameters", "conv layers", "M mult-adds", "graph", "sha256")


def _row(model: Model) -> tuple[str, ...]:
    size = show_bytes(model.graph_path.stat().st_size)
    sizes = (f"{model.parameters:,}", str(model.conv_layers), f"{model.macs / 1e6:,.0f}", size)
    return model.name, model.weights, *sizes, model.graph_sha256[:16]
