"""Campaigns made up for tests and benchmarks: plausible sizes, seeded noise, every outcome; no engine, no TensorFlow.

Times follow a toy cost model (start-up per arm, loading per byte, inference per multiply-accumulate), so that orders of
magnitude look like real ones and a known slowdown can be put in and looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case
from lab.core.experiment import Experiment, Matrix, Tier
from lab.core.manifest import GuestFingerprint, Host, Manifest, ModelFingerprint, RuntimeFingerprint
from lab.core.trial import Kind, Outcome, Trial
from lab.store.campaigns import campaign_name, create, mark_finished
from lab.store.journal import JOURNAL_NAME, write_journal

START = datetime(2025, 3, 1, 10, 15, tzinfo=UTC)
MODELS: dict[str, tuple[int, int, int, int]] = {  # parameters, convolutions, multiply-accumulates, image side
    "yunet": (75_856, 53, 12_000_000, 320),
    "mobilenet_v1_0.25_128": (470_072, 28, 14_000_000, 128),
    "mobilenet_v1_0.5_160": (1_331_592, 28, 77_000_000, 160),
    "mobilenet_v2_1.0_224": (3_504_872, 53, 300_000_000, 224),
    "mobilenet_v1_1.0_224": (4_231_976, 28, 569_000_000, 224),
    "mobilenet_v2_1.4_224": (6_108_776, 53, 582_000_000, 224),
    "vgg_16": (138_357_544, 16, 15_470_000_000, 224),
    "vgg_19": (143_667_240, 19, 19_630_000_000, 224),
}


def sizes_of(model: str) -> tuple[int, int, int, int]:
    """As in `MODELS`; a model of any other name is as large as YuNet."""
    return MODELS.get(model, MODELS["yunet"])


SPEED: dict[str, tuple[float, float, float]] = {  # start-up in s, slowdown of inference, memory beside the model in MB
    "native": (0.002, 1.0, 12),
    "native-generic": (0.002, 1.9, 12),
    "litert-framework": (0.18, 0.4, 60),
    "wasmtime-jit-cranelift": (0.9, 2.4, 60),
    "wasmtime-aot-cranelift": (0.012, 2.4, 30),
    "wasmer-jit-cranelift": (1.3, 2.6, 75),
    "wasmer-jit-singlepass": (0.35, 4.5, 80),
    "wavm-jit-llvm": (24.0, 2.0, 420),
    "wasmedge-interpreter": (0.05, 160.0, 70),
    "wasmedge-aot-llvm": (0.03, 2.1, 45),
    "wamr-interpreter-fast": (0.08, 45.0, 30),
}
DECOMPOSED = {"native-generic": "o3", "litert-framework": "python"}
"""What the overhead is taken apart with; in no campaign that is not about it."""
DEFAULT_ARMS = tuple(f"{system}@{guest}" for guest in ("o0", "o3") for system in SPEED if system not in DECOMPOSED)
NATIVE_MACS_PER_S = {
    GuestProfile.O0: 1.2e8,
    GuestProfile.O3: 8e9,
    GuestProfile.O3_SIMD: 1.2e10,
    GuestProfile.PYTHON: 8e9,
}
CELL_BUDGET_NS = 600_000_000_000


def make_manifest(
    arms: tuple[str, ...] = DEFAULT_ARMS,
    models: tuple[str, ...] = tuple(MODELS),
    batches: tuple[int, ...] = (1, 3),
    started: datetime = START,
) -> Manifest:
    """The manifest of a made-up campaign."""
    matrix = (Matrix(arms=arms, models=models, batches=batches),)
    question = "What does WebAssembly cost over native, on made-up numbers?"
    parsed = [Arm.parse(arm) for arm in arms]
    return Manifest(
        campaign=campaign_name("synthetic", "smoke", started),
        created_at=started.isoformat(),
        lab_version="0.1.0",
        experiment=Experiment("synthetic", question, matrix, {"smoke": Tier(budget="10m")}),
        tier="smoke",
        isolation="container",
        host=Host("Toy CPU 3000", "0" * 64, 2, 16 << 30, "6.1.0", "Toy OS 1", 2, "docker 20.10"),
        runtimes={
            arm.runtime: RuntimeFingerprint("1.2.3", "registry", _sha(arm.runtime), "sha256:0") for arm in parsed
        },
        guests={
            f"{arm.target}/{arm.guest}": GuestFingerprint(_sha(arm.id), 1_900_000, "rustc 1.85.1") for arm in parsed
        },
        models={name: _model_fingerprint(name) for name in models},
        argv={arm.id: (arm.runtime, "run", "guest.wasm") for arm in parsed},
    )


def _sha(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _model_fingerprint(name: str) -> ModelFingerprint:
    parameters, conv_layers, macs, side = sizes_of(name)
    return ModelFingerprint(
        _sha(name), {"1": _sha(name + "1")}, "seeded", parameters, conv_layers, macs, (1, side, side, 3)
    )


def failure_of(case: Case) -> tuple[Outcome, str, int | None] | None:
    """Cells that fail in every made-up campaign, with the reason and the predicted ns if any."""
    arm = case.arm
    if arm.runtime == "wamr" and case.model.startswith("vgg"):
        return Outcome.OUT_OF_MEMORY, "killed at the memory limit of 4.0 GiB", None
    if arm.backend == "singlepass" and arm.guest is GuestProfile.O3_SIMD:
        return Outcome.UNSUPPORTED, "singlepass compiles no simd128", None
    if arm.runtime == "wavm" and case.model == "vgg_19" and case.batch > 1:
        return Outcome.TIMEOUT, "killed after 120 s", None
    cost = round(1e9 * sizes_of(case.model)[2] * case.batch * SPEED[arm.system][1] / NATIVE_MACS_PER_S[arm.guest])
    if cost > CELL_BUDGET_NS:
        return Outcome.OVER_BUDGET, "predicted from multiply-accumulates and this arm's measured speed", cost
    return None


def measured(
    case: Case, number: int, block: int, rng: np.random.Generator, noise: float, slowdown: float = 1.0
) -> Trial:
    """One successful trial; `noise` is the standard deviation of log time, `slowdown` multiplies all of it."""
    parameters, _, macs, side = sizes_of(case.model)
    startup_s, factor, extra_mb = SPEED[case.arm.system]
    factor = 1 + (factor - 1) * (1 if case.arm.guest is GuestProfile.O3 else 0.6)
    infer_s = macs * case.batch * factor / NATIVE_MACS_PER_S[case.arm.guest]
    load_s = parameters * 4 / 1e9 * (1 if case.arm.is_native else 2.5)
    parts_s = np.array(
        [
            startup_s,
            load_s * 0.6,
            load_s * 0.5,
            0.004 * factor**0.3,
            0.03 * factor**0.5,
            infer_s * 1.1,
            infer_s,
            infer_s,
        ]
    )
    parts = (
        np.maximum(1, np.round(1e9 * slowdown * parts_s * np.exp(rng.normal(0, noise, parts_s.size))))
        .astype(int)
        .tolist()
    )
    startup, read, decode, build, optimise, *infer = parts
    total = sum(parts) + 3_000_000
    memory = round(
        (parameters * 4 * 2.1 + side * side * 3 * 4 * case.batch * 40 + extra_mb * 1e6)
        * np.exp(rng.normal(0, noise / 4))
    )
    return Trial.of(
        case, number=number, block=block, kind=Kind.RUN, outcome=Outcome.OK, started_at=_clock(number),
        output_sha256=_sha(f"{case.arm.target} {case.arm.guest} {case.model} {case.batch}"),
        total_ns=total, startup_ns=startup, read_ns=read, decode_ns=decode, build_ns=build, optimise_ns=optimise,
        infer_ns=tuple(infer), output_ns=1_000_000, rss_peak_bytes=memory,
        phase_rss_peak_bytes={"read": memory // 2, "infer": memory},
        cgroup_peak_bytes=memory + 5_000_000, cgroup_anon_bytes=memory - 1_000_000, cgroup_file_bytes=parameters * 4,
        linear_memory_bytes=None if case.arm.is_native else memory // 65536 * 65536,
        user_ns=round(total * 0.97), system_ns=round(total * 0.02), minor_faults=memory // 4096, major_faults=0,
        voluntary_switches=12, involuntary_switches=3,
    )  # fmt: skip


def _with_prediction(trial: Trial) -> Trial:
    """A first visit, predicted a quarter too long."""
    return msgspec.structs.replace(trial, predicted_ns=round(1.25 * (trial.total_ns or 0)))


def _clock(number: int) -> str:
    return (START + timedelta(seconds=number)).isoformat()


def _compiled(arm: Arm, number: int, block: int, rng: np.random.Generator) -> Trial:
    seconds = 70.0 if arm.backend == "llvm" else 2.5
    compile_ns = round(1e9 * seconds * np.exp(rng.normal(0, 0.02)))
    return Trial.of(
        Case(arm, "", 0), number=number, block=block, kind=Kind.COMPILE, outcome=Outcome.OK,
        started_at=_clock(number), total_ns=compile_ns,
        compile_ns=compile_ns, rss_peak_bytes=round(9e8), artifact_bytes=5_400_000,
    )  # fmt: skip


def make_trials(
    manifest: Manifest, blocks: int, seed: int = 1, noise: float = 0.02, slowdown: dict[str, float] | None = None
) -> Iterator[Trial]:
    """Blocks of trials in a seeded random order; cells that fail are recorded once, in block 0."""
    rng = np.random.default_rng(seed)
    cases = manifest.experiment.cases(manifest.tier)
    number = 0
    for block in range(blocks):
        if block < 3:
            for arm in dict.fromkeys(case.arm for case in cases if case.arm.mode is Mode.AOT):
                yield _compiled(arm, number, block, rng)
                number += 1
        for index in rng.permutation(len(cases)):
            case = cases[index]
            failure = failure_of(case)
            if failure is None:
                trial = measured(case, number, block, rng, noise, (slowdown or {}).get(case.arm.id, 1.0))
                yield trial if block else _with_prediction(trial)
            elif block == 0:
                outcome, why, predicted = failure
                yield Trial.of(
                    case, number=number, block=block, kind=Kind.RUN, started_at=_clock(number),
                    outcome=outcome, why=why, predicted_ns=predicted,
                )  # fmt: skip
            else:
                continue
            number += 1


def write_campaign(results: Path, blocks: int = 5, manifest: Manifest | None = None, **kwargs: Any) -> Path:
    """A campaign directory with that many blocks, marked finished. Further arguments go to `make_trials`."""
    manifest = manifest or make_manifest()
    directory = create(results, manifest)
    (directory / JOURNAL_NAME).unlink()
    count = write_journal(directory / JOURNAL_NAME, make_trials(manifest, blocks, **kwargs))
    mark_finished(directory, count, manifest.experiment.tier(manifest.tier).budget_s)
    return directory
