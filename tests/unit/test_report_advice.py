"""Answers for whoever asks how to run a model: what takes least, by how much over native, and from when on."""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pytest

from lab.core.trial import Kind, Outcome, Trial
from lab.report.advice import advice, in_short
from lab.report.results import Results
from lab.store.columns import table_of
from tests.claims_support import failed, ran
from tests.synthetic import make_manifest

MODEL = "yunet"
BLOCKS = 12
NATIVE, JIT, AOT = "native@o3", "wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3"
WASMER, WAMR = "wasmer-jit-cranelift@o3", "wamr-interpreter-fast@o3"


def series(arm: str, cold_s: float, steady_s: float, gb: float, seed: int, noise: float = 1e-4) -> list[Trial]:
    """Trials of an arm: a cold run, two further inferences, memory."""
    rng = np.random.default_rng(seed)
    found = []
    for block in range(BLOCKS):
        factor = float(np.exp(rng.normal(0, noise)))
        trial = ran(f"{arm} {MODEL} b1", block, cold_s * factor, gb=gb * factor)
        further = (round(steady_s * factor * 1e9),) * 2
        total = (trial.total_ns or 0) + sum(further)
        found.append(msgspec.structs.replace(trial, infer_ns=(*trial.infer_ns, *further), total_ns=total))
    return found


def compiled(arm: str, seconds: float) -> Trial:
    trial = ran(f"{arm} {MODEL} b1", 0, seconds)
    return msgspec.structs.replace(
        trial, kind=Kind.COMPILE, model="", batch=0, compile_ns=round(seconds * 1e9), infer_ns=(), artifact_bytes=10
    )


def campaign(*parts: list[Trial]) -> Results:
    trials = sorted((trial for part in parts for trial in part), key=lambda trial: trial.block)
    numbered = [msgspec.structs.replace(trial, number=number) for number, trial in enumerate(trials)]
    arms = tuple(dict.fromkeys(trial.arm.id for trial in trials))
    return Results(make_manifest(arms, (MODEL,), (1,)), table_of([numbered]))


def test_each_question_is_answered_by_the_arm_that_takes_least() -> None:
    lines = advice(
        campaign(
            series(NATIVE, 0.03, 0.004, 0.02, 1),
            series(JIT, 2.0, 0.008, 0.16, 2),
            series(AOT, 0.06, 0.008, 0.03, 3),
            series(WAMR, 1.0, 0.3, 0.021, 4),
        ),
        MODEL,
    )
    assert lines[0].startswith("One cold run: least with Wasmtime AOT cranelift (o3), 60.0 ms, 2.00× native [")
    assert lines[1].startswith("Each further inference: least with Wasmtime")
    assert lines[2].startswith("Peak memory: least with WAMR interpreter fast (o3), 21")
    assert "native [" in lines[2]


def test_the_answer_in_one_sentence_names_what_to_use_and_from_when_on_another_pays() -> None:
    measured = campaign(
        series(NATIVE, 0.03, 0.004, 0.02, 1),
        series(AOT, 0.06, 0.1, 0.03, 2),
        series(JIT, 0.6, 0.01, 0.16, 3),
        series(WAMR, 1.0, 0.3, 0.021, 4),
    )
    # 0.6 + 0.01 (n - 1) < 0.06 + 0.1 (n - 1) from n - 1 = 6 on
    assert re.fullmatch(
        r"Use Wasmtime AOT cranelift \(o3\): 2\.00× native \[.*\] for one cold run, 30(\.0)? MB; "
        r"from [78] inferences per start on, Wasmtime JIT cranelift \(o3\); "
        r"WAMR interpreter fast \(o3\) needs the least memory, 21(\.0)? MB\.",
        str(in_short(measured, MODEL)),
    )
    assert in_short(campaign(series(NATIVE, 0.03, 0.004, 0.02, 1)), MODEL) is None


def test_arms_that_noise_hides_from_each_other_are_named_together() -> None:
    lines = advice(
        campaign(
            series(NATIVE, 0.03, 0.004, 0.02, 1),
            series(JIT, 2.0, 0.008, 0.16, 2, noise=0.05),
            series(WASMER, 2.01, 0.02, 0.3, 3, noise=0.05),
        ),
        MODEL,
    )
    assert "within the noise of it: Wasm" in lines[0]
    assert all(name in lines[0] for name in ("Wasmtime JIT cranelift (o3)", "Wasmer JIT cranelift (o3)"))
    assert "within the noise" not in lines[1]


def test_few_blocks_do_not_make_a_factor_of_thirty_look_alike() -> None:
    few = [trial for trial in series(JIT, 2.0, 0.008, 0.16, 2, noise=0.05) if trial.block < 3]
    lines = advice(campaign(series(NATIVE, 0.03, 0.004, 0.02, 1), series(AOT, 0.06, 0.008, 0.03, 3), few), MODEL)
    assert "within the noise" not in lines[0]


def test_a_slow_start_with_quick_inferences_pays_from_a_number_of_inferences_on() -> None:
    lines = advice(
        campaign(
            series(NATIVE, 0.03, 0.004, 0.02, 1),
            series(WAMR, 0.5, 0.3, 0.02, 2),
            series(JIT, 2.0, 0.1, 0.16, 3),
        ),
        MODEL,
    )
    # 2.0 + 0.1 (n - 1) < 0.5 + 0.3 (n - 1) from n - 1 = 7.5 on
    crossing = (
        "From 9 inferences per start on, Wasmtime JIT cranelift (o3) takes less in all than WAMR interpreter fast (o3)."
    )
    assert crossing in lines


def test_noise_around_the_crossing_is_said_in_inferences() -> None:
    lines = advice(
        campaign(
            series(NATIVE, 0.03, 0.004, 0.02, 1),
            series(WAMR, 0.5, 0.3, 0.02, 2, noise=0.08),
            series(JIT, 2.0, 0.1, 0.16, 3, noise=0.08),
        ),
        MODEL,
    )
    (crossing,) = [line for line in lines if "inferences per start on" in line]
    assert re.search(r"; between [5-8] and (9|1\d) noise hides which\.$", crossing)


def test_a_precompiled_arm_is_said_to_pay_from_a_start_on() -> None:
    lines = advice(
        campaign(
            series(NATIVE, 0.03, 0.004, 0.02, 1),
            series(JIT, 2.0, 0.008, 0.16, 2),
            [compiled(AOT, 5.0)],
            series(AOT, 0.06, 0.008, 0.03, 3),
        ),
        MODEL,
    )
    (pays,) = [line for line in lines if "precompiled once" in line]
    assert "5.00 s: start 3 has paid for it, against Wasmtime JIT cranelift." in pays


def test_what_has_no_number_is_said_with_its_reason() -> None:
    broken = failed(f"{WAMR} {MODEL} b1", Outcome.OUT_OF_MEMORY)
    lines = advice(campaign(series(NATIVE, 0.03, 0.004, 0.02, 1), series(JIT, 2.0, 0.008, 0.16, 2), [broken]), MODEL)
    assert lines[-1].startswith(f"No number for WAMR interpreter fast (o3): {Outcome.OUT_OF_MEMORY}")


@pytest.mark.parametrize("model", ["vgg_16", MODEL])
def test_without_trials_of_wasm_there_is_nothing_to_advise(model: str) -> None:
    assert advice(campaign(series(NATIVE, 0.03, 0.004, 0.02, 1)), model) == []
