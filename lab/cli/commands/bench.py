"""`lab bench`: one model, every runtime that is here, an answer in minutes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.campaign.experiment_file import check_obtainable
from lab.cli.alone import Wait, alone
from lab.cli.build_progress import build_progress
from lab.cli.commands.run import build_and_measure
from lab.cli.engines import EngineName, EngineOption
from lab.cli.foreign_graphs import InputShape, OutputNodes, import_file, parse_shape
from lab.cli.options import CURRENT, Json, Results
from lab.cli.output import note, say, say_json
from lab.cli.rendering import refresh_report
from lab.cli.wiring import Lab, lab_of
from lab.core.arm import NATIVE_RUNTIME, Arm, GuestProfile
from lab.core.errors import EXIT_NEGATIVE, LabError, ModelError, UsageError
from lab.core.experiment import Experiment, Matrix, Measure, Tier
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.names import GraphFormat, Target
from lab.core.near_names import did_you_mean
from lab.core.units import parse_duration_s
from lab.disk.paths import RESULTS
from lab.runtimes import registry
from lab.zoo.catalog import load as load_imported
from lab.zoo.entries import Preprocessing
from lab.zoo.formats import format_of
from lab.zoo.importing import model_name
from lab.zoo.labels import read_labels, top

TIER = "bench"
_SUFFIXES = {".pb", ".onnx", ".tflite", ".h5", ".keras"}
# Variants that are there to be compared with the others of their runtime.
_SPECIAL = {"cranelift-o0", "winch", "pulley", "classic", "liftoff", "bbq", "lazy", "eager", "gcc-o3"}
_SPECIAL_ENDINGS = ("-cache", "-eager")


def bench(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A graph (.pb, .onnx, .tflite), or a model's name.")],
    input_shape: InputShape = None,
    outputs: OutputNodes = "",
    images: Annotated[
        Path | None,
        typer.Option("--input", "--images", help="An image, a directory of them, or a tensor (.npy), to infer on."),
    ] = None,
    preprocessing: Annotated[
        Preprocessing | None, typer.Option(help="What images go through, if the file does not say it.")
    ] = None,
    crop: Annotated[float, typer.Option(help="Central part of an image that is used.", min=0.01, max=1.0)] = 0.875,
    labels: Annotated[Path | None, typer.Option(help="A label on each line: names the five largest outputs.")] = None,
    batch: Annotated[list[int] | None, typer.Option(help="Images per inference; repeat it. Default: 1.", min=1)] = None,
    runtimes: Annotated[
        list[str] | None, typer.Option("--runtime", help="Repeat it; default: those whose images are here.")
    ] = None,
    budget: Annotated[str, typer.Option(help="Measuring time.")] = "5m",
    engine: EngineOption = EngineName.CONTAINER,
    results: Results = RESULTS,
    wait: Wait = False,
    json: Json = False,
) -> None:
    """Measure a model under every runtime that is here, and say which to use.

    Imports the model, builds what is missing, then writes results/MODEL-bench-TIME/ as `lab run` does. The answer: what
    takes least for one cold run, for each further inference and in memory, over native, and from when on which pays.
    Interrupted, the same command resumes.
    """
    lab = lab_of(context)
    batches = tuple(dict.fromkeys(batch or (1,)))
    chosen = _chosen(lab, runtimes)
    parse_duration_s(budget)
    shape = parse_shape(input_shape)
    with alone(f"bench of {model}", wait=wait) as held:
        pictures = {"images": images, "preprocessing": preprocessing, "crop": crop}
        name = _model(lab, model, shape, outputs, pictures, batches, engine)
        found = load_imported(name, lab.home)
        plan = experiment(name, batches, chosen, budget, guests=_guests(lab, found.format if found else GraphFormat.PB))
        check_obtainable(plan, TIER, lab.home)
        named = _named(found, batches, labels)
        made = build_and_measure(lab, plan, TIER, lab.engine(engine), held, results=results, new=False)
        directory, materials = made.directory, made.materials
        refresh_report(directory, note)
        # imported here: judging takes libraries that measuring does without
        from lab.cli.commands.verify import quick_items  # noqa: PLC0415
        from lab.report.advice import advice, in_short  # noqa: PLC0415
        from lab.report.results import load_results  # noqa: PLC0415
        from lab.verify.items import Match  # noqa: PLC0415

        measured = load_results(directory)
        shorts = {each: in_short(measured, name, each) for each in batches}
        answers = {each: [*advice(measured, name, each), *filter(None, [shorts[each]])] for each in batches}
        wrong = [item for item in quick_items(lab, directory, materials) if item.verdict is Match.DIFFERS]
    if json:
        answer = {"campaign": directory.name, "advice": {str(each): lines for each, lines in answers.items()}}
        say_json(answer | ({"labels": {str(each): images for each, images in named.items()}} if labels else {}))
    else:
        for each, lines in answers.items():
            said = [_said(number, best) for number, best in enumerate(named.get(each, ()), start=1)]
            say("\n".join([f"\n{name}, batch {each}:", *(f"- {line}" for line in (*said, *lines))]))
        say(f"\nreport: {directory / 'report' / 'index.html'}")
    if wrong:
        note(f"error: {wrong[0].name}: {wrong[0].why}")
        raise typer.Exit(EXIT_NEGATIVE)


def experiment(
    name: str, batches: tuple[int, ...], runtimes: Iterable[str], budget: str, guests: Iterable[GuestProfile]
) -> Experiment:
    """What is measured: every ordinary arm of the runtimes with these guests, beside native."""
    wanted, among = {NATIVE_RUNTIME, *runtimes}, set(guests)
    arms = [arm.id for arm in registry.all_arms() if _is_ordinary(arm) and arm.runtime in wanted and arm.guest in among]
    limit = f"{parse_duration_s(budget) / 3:.0f}s"
    return Experiment(
        name=name,
        question=f"Which runtime and which mode should run {name}, and what does it cost over native?",
        matrix=(Matrix(arms=tuple(arms), models=(name,), batches=batches),),
        tiers={TIER: Tier(budget=budget, min_blocks=6, max_blocks=20, cell_budget=limit)},
        measure=Measure(iterations=10, precision="2%", memory="6GiB"),
    )


def _named(
    model: Model | None, batches: tuple[int, ...], labels: Path | None
) -> dict[int, list[list[tuple[str, float]]]]:
    """What the model says of each image, by batch; nothing without labels."""
    if labels is None:
        return {}
    if model is None:
        raise ModelError("only a model that is here already can be given labels", "`lab models prepare` makes it")
    read = read_labels(labels)
    return {each: top(model, each, read) for each in batches}


def _said(number: int, best: list[tuple[str, float]]) -> str:
    return f"Image {number}: {', '.join(f'{label} {score:.3f}' for label, score in best)}."


def _is_ordinary(arm: Arm) -> bool:
    backend = arm.backend or ""
    special = backend in _SPECIAL or backend.endswith(_SPECIAL_ENDINGS)
    return not special and registry.unsupported(arm) is None


def _guests(lab: Lab, graph_format: GraphFormat) -> tuple[GuestProfile, ...]:
    """The format's guest as one ships it; with vectors, too, if that one is built: it takes a compiler ten minutes."""
    ending = "" if graph_format is GraphFormat.PB else f"+{graph_format}"
    plain, vectors = GuestProfile(f"o3{ending}"), GuestProfile(f"o3-simd{ending}")
    try:
        has_vectors = GuestId(Target.WASM, vectors) in lab.find_guests(CURRENT)
    except LabError:
        has_vectors = False
    return (plain, vectors) if has_vectors else (plain,)


def _chosen(lab: Lab, runtimes: list[str] | None) -> tuple[str, ...]:
    """The runtimes asked for, or those whose images are here, or the one that is quickest to build."""
    known = [runtime.name for runtime in registry.RUNTIMES if runtime.name != NATIVE_RUNTIME]
    for name in runtimes or ():
        if name not in known:
            raise UsageError(
                f"there is no runtime '{name}'", f"{did_you_mean(name, known)}choose among {', '.join(known)}"
            )
    if runtimes:
        return tuple(dict.fromkeys(runtimes))
    try:
        here = lab.find_images(CURRENT)
    except LabError as error:
        note(f"images unknown: {error.message}")
        here = {}
    return tuple(name for name in known if name in here) or ("wasmtime",)


def _model(
    lab: Lab,
    model: str,
    shape: tuple[int, ...] | None,
    outputs: str,
    pictures: dict[str, Any],
    batches: tuple[int, ...],
    engine: EngineName,
) -> str:
    """The model's name, once it is imported if it is a file."""
    path = Path(model)
    if not path.exists():
        if path.suffix.lower() in _SUFFIXES:
            raise ModelError(f"there is no file {path}", "check the path")
        return model
    format_of(path)
    name = model_name(path)
    with build_progress() as progress:
        import_file(lab, path, name, shape, outputs, engine, progress, batches=batches, **pictures)
    return name
