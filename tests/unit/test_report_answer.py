"""What the terminal ends with: three sentences, a small table of ratios, and how many claims have an answer."""

from __future__ import annotations

from lab.core.trial import Outcome, Trial
from lab.report.answer import answer
from lab.report.cost_figures import cost_figures
from lab.report.results import Results
from lab.store.columns import table_of
from tests.claims_support import failed, ran
from tests.synthetic import make_manifest

NATIVE, JIT, WAMR = "native@o3", "wasmtime-jit-cranelift@o3", "wamr-interpreter-fast@o3"


def trials(arm: str, model: str, seconds: float, blocks: int) -> list[Trial]:
    drift = 1e-4 if arm == NATIVE else 2e-4
    return [ran(f"{arm} {model} b1", block, seconds * (1 + block * drift)) for block in range(blocks)]


def text_of(*parts: list[Trial], models: tuple[str, ...]) -> str:
    every = sorted((trial for part in parts for trial in part), key=lambda trial: trial.block)
    results = Results(make_manifest((NATIVE, JIT, WAMR), models, (1,)), table_of([every]))
    return answer(results, cost_figures(results), ())


def test_the_network_that_most_is_known_of_is_spoken_of_and_each_cell_has_its_ratio() -> None:
    text = text_of(
        trials(NATIVE, "yunet", 1.0, 6),
        trials(JIT, "yunet", 2.0, 6),
        trials(WAMR, "yunet", 3.0, 6),
        trials(NATIVE, "vgg_16", 10.0, 6),
        trials(JIT, "vgg_16", 50.0, 6),
        [failed(f"{WAMR} vgg_16 b1", Outcome.TIMEOUT)],
        models=("yunet", "vgg_16"),
    )
    assert text.startswith("YuNet, one image at a time:\n- One cold run: least with Wasmtime JIT cranelift (o3), 2.0")
    (wasmtime,) = [line for line in text.splitlines() if line.startswith("Wasmtime JIT cranelift")]
    (wamr,) = [line for line in text.splitlines() if line.startswith("WAMR interpreter fast")]
    assert "2.00× [" in wasmtime
    assert "5.00× [" in wasmtime
    assert "?" not in wasmtime, "six blocks are enough for a verdict"
    assert "timeout" in wamr


def test_one_block_gives_ratios_that_nothing_can_be_said_of_and_the_reason() -> None:
    text = text_of(trials(NATIVE, "yunet", 1.0, 1), trials(JIT, "yunet", 2.0, 1), models=("yunet",))
    (wasmtime,) = [line for line in text.splitlines() if line.startswith("Wasmtime JIT cranelift")]
    assert "2.00× ?" in wasmtime
    assert "not yet run" in text, "the arm that has not joined yet"
    assert "No ratio can be shown to differ yet" in text


def test_more_networks_than_fit_a_terminal_are_shown_by_their_mean() -> None:
    models = ("yunet", "vgg_16", "vgg_19", "mobilenet_v1_0.25_128", "mobilenet_v1_1.0_224")
    parts = [trials(arm, model, seconds, 6) for model in models for arm, seconds in ((NATIVE, 1.0), (JIT, 3.0))]
    text = text_of(*parts, models=models)
    (header,) = [line for line in text.splitlines() if line.startswith("arm")]
    assert header.split() == ["arm", "all", "models"]
    assert "3.00× [" in text


def test_without_webassembly_nothing_is_claimed() -> None:
    assert text_of(trials(NATIVE, "yunet", 1.0, 6), models=("yunet",)) == "Nothing of WebAssembly is measured yet."
