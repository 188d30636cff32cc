"""The Python interface: the examples of docs/python.md run, and it answers what the command line answers."""

from __future__ import annotations

import contextlib
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lab
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import ExperimentError, UsageError
from lab.runtimes.registry import all_arms
from tests.command import lab as command
from tests.synthetic import write_campaign

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a campaign in its results."""
    monkeypatch.chdir(tmp_path)
    return write_campaign(tmp_path / "results", blocks=6)


def test_every_example_of_the_page_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(examples) >= 8
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert place.name in printed
    assert "peak memory bytes" in printed
    assert "there is no quantity 'speed'" in printed


def test_a_campaign_is_opened_by_directory_name_or_latest(place: Path) -> None:
    opened = [lab.open(place), lab.open(place.name), lab.open(), lab.open("latest", place.parent)]
    assert {campaign.manifest.campaign for campaign in opened} == {place.name}
    with pytest.raises(UsageError, match="there is no campaign"):
        lab.open("nowhere")


def test_overheads_and_claims_are_those_of_the_command_line(place: Path) -> None:
    campaign = lab.open(place)
    printed = json.loads(command("claims", place, "--json").out)
    assert [result.claim.id for result in campaign.claims] == [claim["id"] for claim in printed]
    assert [result.first.verdict for result in campaign.claims] == [claim["verdict"] for claim in printed]
    for case, cost in campaign.overheads().items():
        mine, native = campaign.by_block(case), campaign.by_block(case.baseline)
        if cost.log_ratios is not None:
            ratios = [mine[block] / native[block] for block in sorted(mine.keys() & native.keys())]
            assert np.exp(np.sort(cost.log_ratios)) == pytest.approx(np.sort(ratios))


def test_overheads_over_another_arm_pair_the_same_model_batch_and_block(place: Path) -> None:
    campaign, jit = lab.open(place), Arm.parse("wasmtime-jit-cranelift@o3")
    found = campaign.overheads("rss_peak_bytes", baseline=jit.id)
    assert found.keys() == campaign.overheads("rss_peak_bytes").keys()
    compared = {case: cost.log_ratios for case, cost in found.items() if cost.log_ratios is not None}
    assert {case.arm for case in found} - {case.arm for case in compared} == {jit}
    for case, ratios in compared.items():
        mine, other = (campaign.by_block(each, "rss_peak_bytes") for each in (case, Case(jit, case.model, case.batch)))
        common = sorted(mine.keys() & other.keys())
        assert ratios == pytest.approx([math.log(mine[block] / other[block]) for block in common])


def test_the_native_arm_given_by_name_is_the_baseline_that_its_level_has_anyway(place: Path) -> None:
    campaign = lab.open(place)
    named, usual = campaign.overheads(baseline="native@o3"), campaign.overheads()
    of_level = [case for case, cost in usual.items() if case.arm.guest == "o3" and cost.log_ratios is not None]
    assert of_level
    assert all(named[case].log_ratios == pytest.approx(usual[case].log_ratios) for case in of_level)


def test_scripts_that_use_the_lab_are_checked_strictly(tmp_path: Path) -> None:
    lines = ("import lab", "campaign = lab.open()", "reveal_type(campaign)", "reveal_type(campaign.overheads())")
    (tmp_path / "script.py").write_text("\n".join((*lines, "campaign.nothing\n")))
    words = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "script.py"]
    found = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert 'Revealed type is "lab.api.Campaign"' in found
    assert 'dict[lab.core.case.Case, lab.report.overheads.Cost]"' in found
    assert "script.py:5: error" in found
    assert found.count(" error: ") == 1, found


def test_a_frame_holds_every_trial_with_the_columns_of_an_export(place: Path) -> None:
    campaign = lab.open(place)
    command("export", place, "--format", "json", "--output", "all.json")
    exported = json.loads(Path("all.json").read_text())
    frame = campaign.frame()
    assert list(frame.columns) == list(exported[0])
    assert len(frame) == len(campaign.trials) == len(exported)


def test_what_does_not_exist_is_refused_with_what_does(place: Path) -> None:
    campaign = lab.open(place)
    with pytest.raises(UsageError, match="has no case 'native@o3 vgg_99 b1'"):
        campaign.values("native@o3 vgg_99 b1")
    with pytest.raises(UsageError, match="there is no quantity") as caught:
        campaign.overheads("speed")
    assert "rss_peak_bytes" in caught.value.remedy
    with pytest.raises(UsageError, match="has no arm 'wasmtime-jit-winch@o3'") as caught:
        campaign.overheads(baseline="wasmtime-jit-winch@o3")
    assert "native@o3" in caught.value.remedy


def test_importing_the_lab_imports_no_library() -> None:
    code = "import sys, lab; print([name for name in ('numpy', 'msgspec', 'typer') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@given(arm=st.sampled_from(all_arms()), model=st.from_regex(r"[a-z0-9_.]+", fullmatch=True), batch=st.integers(1, 999))
def test_a_case_reads_back_from_its_id(arm: object, model: str, batch: int) -> None:
    case = Case(arm, model, batch)  # type: ignore[arg-type]
    assert Case.parse(case.id) == case


@given(st.text() | st.from_regex(r"native@o[03] [a-z ]*b[0-9\u0660]*", fullmatch=True))
def test_any_text_is_a_case_whose_id_it_is_or_is_refused(text: str) -> None:
    with contextlib.suppress(ExperimentError):
        assert Case.parse(text).id == text


@pytest.mark.parametrize("text", ["", "native@o3", "native@o3 yunet", "native@o3 yunet 1", "native@o3 yunet bx"])
def test_what_is_no_case_is_refused(text: str) -> None:
    with pytest.raises(ExperimentError, match="is not a case"):
        Case.parse(text)
