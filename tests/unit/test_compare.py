"""`lab compare` on campaigns made up with a known truth."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import NothingToReport, UsageError
from lab.core.manifest import Manifest
from lab.core.trial import Outcome, Trial
from lab.report.compare.case_changes import Change, collect, compare_cases
from lab.report.compare.changed_files import Presence
from lab.report.compare.comparison import Comparison, compare
from lab.report.compare.comparison_page import headline, markdown, text
from lab.report.compare.fingerprints import Basis, machine_differences
from lab.report.results import Results
from lab.store.campaigns import create
from lab.store.columns import table_of
from lab.store.journal import JOURNAL_NAME, write_journal
from tests.synthetic import START, make_manifest, make_trials

ARMS = ("native@o3", "wasmtime-jit-cranelift@o3", "wamr-interpreter-fast@o3")
MODELS = ("yunet", "mobilenet_v1_0.25_128")
JIT = "wasmtime-jit-cranelift@o3"


def manifest_of(day: int, arms: tuple[str, ...] = ARMS) -> Manifest:
    return make_manifest(arms, MODELS, (1,), started=START + timedelta(days=day))


def write(results: Path, manifest: Manifest, trials: Iterable[Trial]) -> Path:
    directory = create(results, manifest)
    (directory / JOURNAL_NAME).unlink()
    write_journal(directory / JOURNAL_NAME, trials)
    return directory


def campaign(results: Path, day: int, blocks: int = 10, slowdown: dict[str, float] | None = None) -> Path:
    manifest = manifest_of(day)
    return write(results, manifest, make_trials(manifest, blocks, seed=day + 1, slowdown=slowdown))


def elsewhere(manifest: Manifest) -> Manifest:
    host = msgspec.structs.replace(manifest.host, cpu_model="Other CPU", cpu_flags_sha256="1" * 64)
    return msgspec.structs.replace(manifest, host=host)


def changes(found: Comparison, arm: str, quantity: str) -> list[Change]:
    return [line.change for line in found.cases if line.case.id.startswith(arm) and line.quantity == quantity]


def test_a_campaign_compared_with_itself_is_identical(tmp_path: Path) -> None:
    one = campaign(tmp_path, 0)
    found = compare(one, one, 0.02)
    assert found.identical
    assert set(found.tally) == {Change.IDENTICAL}
    assert not found.worse
    assert headline(found).startswith("Identical")


def test_a_copy_of_a_campaign_is_identical_to_it_and_a_longer_run_is_not(tmp_path: Path) -> None:
    manifest = manifest_of(0)
    one = write(tmp_path / "here", manifest, make_trials(manifest, 5))
    copy = write(tmp_path / "there", manifest, make_trials(manifest, 5))
    longer = write(tmp_path / "longer", manifest, make_trials(manifest, 6))
    assert compare(one, copy, 0.02).identical
    assert not compare(one, longer, 0.02).identical


def test_a_slowdown_above_the_margin_is_worse_and_what_did_not_change_is_not(tmp_path: Path) -> None:
    found = compare(campaign(tmp_path, 0), campaign(tmp_path, 1, slowdown={JIT: 1.10}), 0.02)
    assert found.basis is Basis.VALUES
    assert changes(found, JIT, "single_total_ns") == [Change.WORSE, Change.WORSE]
    assert changes(found, JIT, "rss_peak_bytes") == [Change.EQUIVALENT, Change.EQUIVALENT]
    assert not {Change.WORSE, Change.BETTER} & set(changes(found, "native@o3", "single_total_ns"))
    assert all(sentence.startswith(JIT) for sentence in found.worse)
    mean = next(line for line in found.means if line.arm.id == JIT and line.quantity == "single_total_ns")
    assert mean.estimate.low is not None
    assert mean.estimate.high is not None
    assert mean.estimate.low <= 1.10 <= mean.estimate.high


def test_the_same_change_seen_from_the_other_side_is_better(tmp_path: Path) -> None:
    before, after = campaign(tmp_path, 0), campaign(tmp_path, 1, slowdown={JIT: 1.10})
    found = compare(after, before, 0.02)
    assert changes(found, JIT, "single_total_ns") == [Change.BETTER, Change.BETTER]
    assert not found.worse


def test_a_slowdown_within_the_margin_does_not_fail(tmp_path: Path) -> None:
    found = compare(campaign(tmp_path, 0), campaign(tmp_path, 1, slowdown={JIT: 1.10}), 0.25)
    assert not found.worse
    assert changes(found, JIT, "single_total_ns") == [Change.EQUIVALENT, Change.EQUIVALENT]


def test_all_cases_of_all_quantities_are_one_family(tmp_path: Path) -> None:
    found = compare(campaign(tmp_path, 0), campaign(tmp_path, 1), 0.02)
    assert {line.judgement.family_size for line in found.cases} == {len(ARMS) * len(MODELS) * 3}


def test_between_machines_overheads_are_compared_and_a_faster_machine_is_no_change(tmp_path: Path) -> None:
    twice_as_slow = dict.fromkeys(ARMS, 2.0)
    manifest = elsewhere(manifest_of(1))
    there = write(tmp_path, manifest, make_trials(manifest, 10, seed=2, slowdown=twice_as_slow))
    found = compare(campaign(tmp_path, 0), there, 0.1, quantities=("single_total_ns",))
    assert found.basis is Basis.OVERHEADS
    assert "cpu_model" in found.basis_reason
    assert "the machines differ" in text(found)
    assert not changes(found, "native", "single_total_ns")
    assert not found.worse
    assert compare(campaign(tmp_path, 2), there, 0.1, Basis.VALUES).worse


def test_overheads_can_be_asked_for_on_one_machine(tmp_path: Path) -> None:
    found = compare(campaign(tmp_path, 0), campaign(tmp_path, 1, slowdown={JIT: 1.3}), 0.02, Basis.OVERHEADS)
    assert found.basis is Basis.OVERHEADS
    assert changes(found, JIT, "single_total_ns") == [Change.WORSE, Change.WORSE]


def test_native_cases_that_move_with_unchanged_bytes_accuse_the_machine(tmp_path: Path) -> None:
    found = compare(campaign(tmp_path, 0), campaign(tmp_path, 1, slowdown={"native@o3": 1.2}), 0.02)
    assert any("the machine did" in note for note in found.notes)


def test_a_case_that_starts_to_crash_is_worse_and_says_why(tmp_path: Path) -> None:
    manifest = manifest_of(1)
    crashed = [
        msgspec.structs.replace(trial, outcome=Outcome.CRASHED, why="killed by SIGSEGV")
        if trial.arm.id == JIT and trial.model == "yunet"
        else trial
        for trial in make_trials(manifest, 10)
    ]
    before, after = campaign(tmp_path, 0), write(tmp_path, manifest, crashed)
    found = compare(before, after, 0.5)
    assert found.worse == (f"{JIT} yunet b1: ok before, now crashed (killed by SIGSEGV)",)
    assert not compare(after, before, 0.5).worse
    assert "SIGSEGV" in text(found)


def test_a_case_that_was_not_measured_the_second_time_is_listed_but_is_not_worse(tmp_path: Path) -> None:
    smaller = manifest_of(1, ARMS[:2])
    found = compare(campaign(tmp_path, 0), write(tmp_path, smaller, make_trials(smaller, 10, seed=2)), 0.5)
    assert {line.b for line in found.outcomes} == {"absent"}
    assert not found.worse


def test_changed_bytes_and_facts_are_listed_before_times(tmp_path: Path) -> None:
    manifest = manifest_of(1)
    runtime = msgspec.structs.replace(manifest.runtimes["wasmtime"], version="2.0.0", binary_sha256="f" * 64)
    manifest = msgspec.structs.replace(manifest, runtimes={**manifest.runtimes, "wasmtime": runtime})
    found = compare(campaign(tmp_path, 0), write(tmp_path, manifest, make_trials(manifest, 10, seed=2)), 0.5)
    apart = [(line.kind, line.name) for line in found.contents if line.state is Presence.DIFFERS]
    assert apart == [("runtime", "wasmtime")]
    assert [(difference.name, difference.a, difference.b) for difference in found.differences] == [
        ("runtime.wasmtime.version", "1.2.3", "2.0.0")
    ]
    page = text(found)
    assert page.index("Bytes") < page.index("Fingerprints") < page.index("Case by case")


def test_outputs_that_changed_are_a_note(tmp_path: Path) -> None:
    manifest = manifest_of(1)
    other = [
        msgspec.structs.replace(trial, output_sha256="e" * 64) if trial.model == "yunet" else trial
        for trial in make_trials(manifest, 5)
    ]
    found = compare(campaign(tmp_path, 0), write(tmp_path, manifest, other), 0.5)
    assert any("not the same to the bit in 3 cases" in note for note in found.notes)


def test_too_few_blocks_are_undetermined_and_do_not_fail(tmp_path: Path) -> None:
    found = compare(campaign(tmp_path, 0, blocks=2), campaign(tmp_path, 1, blocks=2, slowdown={JIT: 1.5}), 0.02)
    assert set(found.tally) == {Change.UNDETERMINED}
    assert not found.worse
    assert any("undetermined" in note for note in found.notes)
    assert "can never reach 0.05" in text(found)


def test_markdown_shows_what_changed_and_folds_the_rest(tmp_path: Path) -> None:
    page = markdown(compare(campaign(tmp_path, 0), campaign(tmp_path, 1, slowdown={JIT: 1.10}), 0.02))
    shown, folded = page.split("<details>", 1)
    assert f"| {JIT} yunet b1" in shown
    assert "wamr-interpreter-fast@o3 yunet b1" not in shown
    assert "wamr-interpreter-fast@o3 yunet b1" in folded
    assert page.count("<details>") == page.count("</details>")


def test_the_comparison_is_json(tmp_path: Path) -> None:
    found = compare(campaign(tmp_path, 0), campaign(tmp_path, 1), 0.02)
    decoded = msgspec.json.decode(msgspec.json.encode(found.entry()))
    assert list(decoded) == list(Comparison.__struct_fields__)
    assert [Case.parse(line["case"]) for line in decoded["cases"]] == [line.case for line in found.cases]
    assert [Arm.parse(line["arm"]) for line in decoded["means"]] == [line.arm for line in found.means]
    assert decoded["cases"][0]["judgement"]["estimate"]["value"] == found.cases[0].judgement.estimate.value


def test_unknown_quantities_and_campaigns_without_common_cases_are_refused(tmp_path: Path) -> None:
    one, bare = campaign(tmp_path, 0), manifest_of(1, ARMS[1:])
    other = write(tmp_path, bare, make_trials(bare, 3))
    with pytest.raises(UsageError, match="no quantity 'speed'"):
        compare(one, one, 0.02, quantities=("speed",))
    with pytest.raises(NothingToReport, match="no measured case in common"):
        compare(one, other, 0.02, Basis.OVERHEADS)


def test_false_alarms_stay_below_alpha_when_nothing_changed() -> None:
    manifest = manifest_of(0)
    alarms = 0
    for seed in range(20):
        a, b = (Results(manifest, table_of([list(make_trials(manifest, 10, seed=seed + n))])) for n in (0, 1000))
        # a margin this small leaves the whole decision to the tests
        lines = compare_cases(collect(a, b, Basis.VALUES, ["single_total_ns"]), 1e-6)
        alarms += any(line.change is not Change.UNDETERMINED for line in lines)
    assert alarms <= 4  # of 20 at 0.05, 5 or more come up in 1 of 400 runs of an honest test


@pytest.mark.parametrize("fact", ["kernel", "governor", "cores"])
def test_another_kernel_governor_or_core_count_is_another_machine(fact: str) -> None:
    host = manifest_of(0).host
    other = msgspec.structs.replace(host, **{fact: 7 if fact == "cores" else "7"})
    assert machine_differences(host, other) == (fact,)


def test_a_new_engine_version_or_a_few_bytes_of_memory_are_the_same_machine() -> None:
    host = manifest_of(0).host
    assert not machine_differences(host, msgspec.structs.replace(host, engine="docker 99"))
    assert not machine_differences(host, msgspec.structs.replace(host, memory_bytes=host.memory_bytes - 4096))
    assert machine_differences(host, msgspec.structs.replace(host, memory_bytes=host.memory_bytes // 2))
