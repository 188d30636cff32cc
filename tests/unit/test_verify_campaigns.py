"""A campaign verified from its files: one changed byte in any of them is caught and named."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from lab.core.trial import Outcome, Trial
from lab.report.render import render
from lab.store.campaigns import FINISHED_NAME, MANIFEST_NAME
from lab.store.journal import JOURNAL_NAME, read_trials, write_journal
from lab.verify.campaign_checks import check_campaign, check_outputs
from lab.verify.items import Item, Match, first_difference
from lab.verify.lockfile import Lock, LockedEdition, LockedModel
from tests.damage import change_a_byte
from tests.synthetic import make_manifest, make_trials, write_campaign

MANIFEST = make_manifest(
    arms=("native@o3", "wasmtime-jit-cranelift@o3", "wamr-interpreter-fast@o3"), models=("yunet",), batches=(1,)
)
TRIALS = list(make_trials(MANIFEST, 2))
WASM_OUTPUT = next(trial.output_sha256 for trial in TRIALS if not trial.arm.is_native) or ""
LOCK = Lock(
    models={"yunet": LockedModel(MANIFEST.models["yunet"].graph_sha256, {})},
    editions={
        "current": LockedEdition(
            {name: guest.sha256 for name, guest in MANIFEST.guests.items()}, {"wasm/o3": {"yunet b1": WASM_OUTPUT}}
        )
    },
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_campaign(tmp_path_factory.mktemp("results"), blocks=2, manifest=MANIFEST)
    render(directory)
    return directory


@pytest.fixture
def campaign(whole: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / whole.name))


def differing(directory: Path) -> list[Item]:
    return [item for item in check_campaign(directory, LOCK) if item.verdict is Match.DIFFERS]


def test_an_untouched_campaign_has_no_difference(whole: Path) -> None:
    items = list(check_campaign(whole, LOCK))
    assert [(item.name, item.verdict.value) for item in items] == [
        (f"trials of {whole.name}", "identical"),
        ("output wasm/o3 yunet b1", "identical"),
        ("output native@o3 yunet b1", "equivalent"),
        (f"report of {whole.name}", "identical"),
    ]
    assert items[1].why.startswith("the same in the lock and ")


@pytest.mark.parametrize("place", [b'"total_ns":', b'"model":"', b'"output_sha256":"', b'"crc32":'])
def test_one_changed_byte_in_a_stored_trial_is_caught_and_named(campaign: Path, place: bytes) -> None:
    journal = campaign / JOURNAL_NAME
    change_a_byte(journal, journal.read_bytes().rindex(place) + len(place))
    items = list(check_campaign(campaign, LOCK))
    assert [item.verdict for item in items] == [Match.DIFFERS], "nothing is made from damaged trials"
    assert items[0].name == f"trials of {campaign.name}"
    assert f"{JOURNAL_NAME}" in items[0].why
    assert str(len(TRIALS)) in items[0].why, "the line's number"


def test_a_trial_that_was_rewritten_with_its_checksum_is_caught_by_the_marker(campaign: Path) -> None:
    journal = campaign / JOURNAL_NAME
    trials = list(read_trials(journal))
    faster = msgspec.structs.replace(trials[0], total_ns=(trials[0].total_ns or 0) - 1)
    journal.unlink()
    write_journal(journal, [faster, *trials[1:]])
    assert [item.name for item in differing(campaign)] == [f"trials of {campaign.name}"]
    assert "the finished marker has" in differing(campaign)[0].why


def test_a_trial_taken_away_is_caught(campaign: Path) -> None:
    journal = campaign / JOURNAL_NAME
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    assert [item.name for item in differing(campaign)] == [f"trials of {campaign.name}"]


@pytest.mark.parametrize("file", ["index.html", "report.md", "tables/figure-1a-time.csv", "figures/figure-1a-time.png"])
def test_one_changed_byte_in_the_report_is_caught_and_its_file_named(campaign: Path, file: str) -> None:
    change_a_byte(campaign / "report" / file)
    found = differing(campaign)
    assert [item.name for item in found] == [f"report of {campaign.name}"]
    assert found[0].why == f"{file} is not what the trials give"


def test_a_missing_file_of_the_report_is_named(campaign: Path) -> None:
    (campaign / "report" / "report.md").unlink()
    assert [item.why for item in differing(campaign)] == ["report.md is not there"]


def test_one_changed_byte_in_the_manifest_shows_in_the_report(campaign: Path) -> None:
    manifest = campaign / MANIFEST_NAME
    change_a_byte(manifest, manifest.read_bytes().index(b"Toy CPU 3000"))
    assert [item.name for item in differing(campaign)] == [f"report of {campaign.name}"]


def test_an_unfinished_campaign_is_compared_with_its_checksums_alone(campaign: Path) -> None:
    (campaign / FINISHED_NAME).unlink()
    change_a_byte(campaign / "report" / "report.md")
    items = list(check_campaign(campaign, LOCK))
    assert items[0].why == f"{len(TRIALS)} lines match their checksums; the campaign is not finished"
    assert items[-1].verdict is Match.EQUIVALENT
    assert first_difference(items) is None


def with_output(trials: list[Trial], runtime: str, sha256: str) -> list[Trial]:
    return [
        msgspec.structs.replace(trial, output_sha256=sha256) if trial.runtime == runtime else trial for trial in trials
    ]


def test_a_runtime_whose_output_is_another_is_named_with_both_sides() -> None:
    found = first_difference(check_outputs(MANIFEST, with_output(TRIALS, "wamr", "f" * 64), LOCK))
    assert found is not None
    assert found.name == "output wasm/o3 yunet b1"
    assert "wamr-interpreter-fast has ffffffffffff…" in found.why
    assert f"wasmtime-jit-cranelift has {WASM_OUTPUT[:12]}…" in found.why


def test_outputs_that_agree_but_not_with_the_lock_differ() -> None:
    trials = with_output(with_output(TRIALS, "wamr", "f" * 64), "wasmtime", "f" * 64)
    found = first_difference(check_outputs(MANIFEST, trials, LOCK))
    assert found is not None
    assert found.why.startswith(f"the lock has {WASM_OUTPUT[:12]}…")


def test_outputs_of_another_guest_or_graph_are_not_compared_with_the_lock() -> None:
    trials = with_output(with_output(TRIALS, "wamr", "f" * 64), "wasmtime", "f" * 64)
    edition = LOCK.edition("current")
    others = [
        msgspec.structs.replace(LOCK, models={"yunet": LockedModel("0" * 64, {})}),
        msgspec.structs.replace(LOCK, editions={"current": LockedEdition({"wasm/o3": "0" * 64}, edition.outputs)}),
        Lock(),
    ]
    for lock in others:
        assert first_difference(check_outputs(MANIFEST, trials, lock)) is None


def test_native_outputs_may_differ_between_machines_and_are_never_called_identical() -> None:
    items = list(check_outputs(MANIFEST, with_output(TRIALS, "native", "f" * 64), LOCK))
    assert {item.name: item.verdict for item in items} == {
        "output wasm/o3 yunet b1": Match.IDENTICAL,
        "output native@o3 yunet b1": Match.EQUIVALENT,
    }


def test_a_wrong_output_is_a_difference_with_its_reason() -> None:
    wrong = msgspec.structs.replace(TRIALS[0], outcome=Outcome.WRONG_OUTPUT, why="off by 3")
    found = first_difference(check_outputs(MANIFEST, [*TRIALS[1:], wrong], LOCK))
    assert found is not None
    assert found.name == f"output {wrong.case.id}, trial {wrong.number}"
    assert found.why == "off by 3"
