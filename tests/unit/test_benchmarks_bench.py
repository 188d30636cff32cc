"""The figures of `just bench` are those of the campaign that it reads."""

from __future__ import annotations

import numpy as np
import pytest

import lab
from benchmarks.bench import Bench, main, summarise, tables
from tests.synthetic import make_manifest, write_campaign

JIT, AOT = "wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3"
MODELS = ("yunet", "mobilenet_v1_0.25_128")
BASELINES = {"native tuned": "native@o3", "LiteRT": "litert-framework@python"}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> lab.Campaign:
    manifest = make_manifest(("native@o3", JIT, AOT), MODELS, (1,))
    return lab.open(write_campaign(tmp_path_factory.mktemp("results"), blocks=6, manifest=manifest))


@pytest.fixture(scope="module")
def output(campaign: lab.Campaign) -> Bench:
    return summarise(campaign, 0.01, BASELINES)


def test_every_measured_case_has_a_row_with_the_typical_trial(campaign: lab.Campaign, output: Bench) -> None:
    assert {(row.model, row.arm) for row in output.infer} == {(m, a) for m in MODELS for a in ("native@o3", JIT, AOT)}
    for row in output.memory:
        values = campaign.values(f"{row.arm} {row.model} b1", "rss_peak_bytes")
        assert values.min() <= row.value <= values.max()


def test_ratios_are_those_of_the_campaigns_overheads(campaign: lab.Campaign, output: Bench) -> None:
    expected = campaign.overheads("steady_infer_ns", baseline="native@o3")
    for row in output.infer:
        (case,) = (case for case in expected if (case.arm.id, case.model) == (row.arm, row.model))
        overhead = expected[case].overhead
        if overhead is None:
            assert row.arm == "native@o3"
            assert not row.over
        else:
            ratio = row.over["native tuned"]
            assert (ratio.value, ratio.low, ratio.high, ratio.blocks) == (
                overhead.value, overhead.low, overhead.high, overhead.n
            )  # fmt: skip


def test_a_baseline_that_was_not_measured_is_left_out(output: Bench) -> None:
    assert all("LiteRT" not in row.over for row in output.cold)


def test_only_what_compiles_just_in_time_has_a_start_up_beside_its_guest(campaign: lab.Campaign, output: Bench) -> None:
    startups = {guest.name: guest.startup_s for guest in output.guests}
    values = np.concatenate([campaign.values(f"{JIT} {model} b1", "startup_ns") for model in MODELS])
    assert set(startups["wasm/o3"]) == {JIT}
    assert values.min() / 1e9 <= startups["wasm/o3"][JIT] <= values.max() / 1e9
    assert startups["native/o3"] == {}


def test_the_tables_hold_every_section_and_row(output: Bench) -> None:
    text = "\n".join(tables(output))
    for section in ("guests", "infer", "cold", "load", "memory", "lab"):
        assert f"### {section}\n" in text
    assert text.count(f"| {AOT}") == 4 * len(MODELS)


def test_a_campaign_that_is_not_there_is_named_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--campaign", "bench-of-another-day"]) == 2
    assert "bench-of-another-day" in capsys.readouterr().err
