"""Campaign directories: made whole, found again, resumed when the fingerprint is the same."""

from __future__ import annotations

import json
import resource
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from lab.core.errors import DataError, UsageError
from lab.core.experiment import Tier
from lab.core.manifest import Manifest
from lab.store import campaigns as store
from tests.synthetic import START, make_manifest, write_campaign


def later(manifest: Manifest, seconds: int) -> Manifest:
    started: datetime = START + timedelta(seconds=seconds)
    name = store.campaign_name("synthetic", "smoke", started)
    return msgspec.structs.replace(manifest, campaign=name, created_at=started.isoformat())


def test_a_campaign_is_named_by_experiment_tier_and_utc_time() -> None:
    assert store.campaign_name("paper", "smoke", START) == "paper-smoke-20250301T101500Z"


def test_a_created_campaign_has_its_manifest_and_an_empty_journal_and_is_the_latest(tmp_path: Path) -> None:
    manifest = make_manifest()
    directory = store.create(tmp_path, manifest)
    assert store.read_manifest(directory) == manifest
    assert (directory / "trials.jsonl").read_bytes() == b""
    assert (tmp_path / "latest").readlink() == Path(directory.name)
    assert [path.name for path in directory.iterdir() if path.name.startswith(".")] == []


@pytest.mark.fault("the disk full when a campaign is begun")
def test_a_campaign_that_cannot_be_written_leaves_no_directory(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            store.create(tmp_path, make_manifest())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_the_latest_link_moves_on(tmp_path: Path) -> None:
    store.create(tmp_path, make_manifest())
    second = store.create(tmp_path, later(make_manifest(), 1))
    assert store.resolve(tmp_path, "latest") == second


def test_two_campaigns_in_one_second_are_refused(tmp_path: Path) -> None:
    store.create(tmp_path, make_manifest())
    with pytest.raises(UsageError, match="exists already"):
        store.create(tmp_path, make_manifest())


def test_the_newest_unfinished_campaign_of_the_same_fingerprint_is_resumed(tmp_path: Path) -> None:
    manifest = make_manifest()
    store.create(tmp_path, manifest)
    newest = store.create(tmp_path, later(manifest, 5))
    assert store.find_resumable(tmp_path, later(manifest, 9)) == newest


def test_a_finished_campaign_is_not_resumed(tmp_path: Path) -> None:
    manifest = make_manifest()
    directory = store.create(tmp_path, manifest)
    budget_s = manifest.experiment.tier(manifest.tier).budget_s
    store.mark_finished(directory, 0, budget_s)
    assert store.find_resumable(tmp_path, manifest) is None
    assert store.finished(directory) == store.Finished(0, store.journal_sha256(directory), budget_s)


def test_a_finished_campaign_goes_on_with_a_larger_budget_than_it_had(tmp_path: Path) -> None:
    manifest = make_manifest()
    directory = store.create(tmp_path, manifest)
    store.mark_finished(directory, 0, 3600.0)

    def budget(text: str) -> Manifest:
        plan = msgspec.structs.replace(manifest.experiment, tiers={"smoke": Tier(budget=text)})
        return msgspec.structs.replace(manifest, experiment=plan)

    assert store.find_resumable(tmp_path, budget("60m")) is None
    assert store.find_resumable(tmp_path, budget("61m")) == directory
    store.reopen(directory)
    assert store.finished(directory) is None
    assert store.find_resumable(tmp_path, budget("1m")) == directory, "killed before it ended, it is unfinished"


def test_a_finished_campaign_of_unknown_budget_is_not_resumed(tmp_path: Path) -> None:
    manifest = make_manifest()
    directory = store.create(tmp_path, manifest)
    (directory / "finished").write_text(f'{{"trials": 0, "trials_sha256": "{store.journal_sha256(directory)}"}}')
    assert store.find_resumable(tmp_path, manifest) is None


def test_another_host_or_guest_is_another_campaign(tmp_path: Path) -> None:
    manifest = make_manifest()
    store.create(tmp_path, manifest)
    host = msgspec.structs.replace(manifest.host, kernel="6.2.0")
    full = msgspec.structs.replace(manifest.experiment, tiers={"full": Tier(budget="2h")})
    guest = msgspec.structs.replace(manifest.guests["wasm/o3"], sha256="f" * 64)
    for changed in (
        msgspec.structs.replace(manifest, host=host),
        msgspec.structs.replace(manifest, guests={**manifest.guests, "wasm/o3": guest}),
        msgspec.structs.replace(manifest, tier="full", experiment=full),
    ):
        assert store.find_resumable(tmp_path, changed) is None


def test_a_larger_budget_resumes_the_same_campaign(tmp_path: Path) -> None:
    manifest = make_manifest()
    directory = store.create(tmp_path, manifest)
    longer = msgspec.structs.replace(manifest.experiment, tiers={"smoke": Tier(budget="2h")})
    assert store.find_resumable(tmp_path, msgspec.structs.replace(manifest, experiment=longer)) == directory


def test_an_unreadable_neighbour_does_not_stop_resuming(tmp_path: Path) -> None:
    directory = store.create(tmp_path, make_manifest())
    broken = tmp_path / "broken-smoke-20300101T000000Z"
    broken.mkdir()
    (broken / "manifest.json").write_text("{")
    assert store.find_resumable(tmp_path, make_manifest()) == directory


@pytest.mark.parametrize(
    ("content", "said"), [("{", "damaged"), ('{"schema": 9}', "schema version 9"), ('{"schema": 1}', "damaged")]
)
def test_a_bad_manifest_is_a_data_error_with_a_remedy(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=said) as caught:
        store.read_manifest(tmp_path)
    assert caught.value.remedy


def test_a_campaign_is_resolved_by_path_name_or_latest(tmp_path: Path) -> None:
    directory = write_campaign(tmp_path, blocks=1)
    assert store.resolve(tmp_path, directory.name) == directory
    assert store.resolve(tmp_path, str(directory)) == directory
    assert store.resolve(tmp_path).samefile(directory)


def test_an_unknown_campaign_is_refused_with_those_there_are(tmp_path: Path) -> None:
    directory = write_campaign(tmp_path, blocks=1)
    with pytest.raises(UsageError) as caught:
        store.resolve(tmp_path, "nothing")
    assert directory.name in caught.value.remedy


def test_the_manifest_is_readable_json_with_its_schema(tmp_path: Path) -> None:
    directory = store.create(tmp_path, make_manifest())
    assert json.loads((directory / "manifest.json").read_text())["schema"] == 1


def test_a_copy_of_a_campaign_under_another_name_is_not_resumed(tmp_path: Path) -> None:
    manifest = make_manifest()
    directory = store.create(tmp_path, manifest)
    directory.rename(directory.with_name(f"{directory.name}.bak"))
    assert store.find_resumable(tmp_path, manifest) is None


def test_a_directory_in_the_place_of_latest_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(UsageError, match="latest is a directory"):
        store.create(tmp_path, make_manifest())
    assert [path.name for path in tmp_path.iterdir()] == ["latest"]


@pytest.mark.parametrize("name", ["manifest.json", "finished"])
def test_a_file_nested_too_deeply_is_damaged(tmp_path: Path, name: str) -> None:
    directory = store.create(tmp_path, make_manifest())
    (directory / name).write_bytes(b'{"schema":' + b"[" * 100_000)
    with pytest.raises(DataError, match=name):
        (store.read_manifest if name == "manifest.json" else store.finished)(directory)


def test_a_journal_that_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"trials\.jsonl cannot be read"):
        store.journal_sha256(tmp_path)


def test_what_a_killed_lab_had_half_made_is_no_campaign_and_goes_with_the_next_one(tmp_path: Path) -> None:
    half = tmp_path / ".paper-smoke-20250301T101500Z.killed.part"
    half.mkdir()
    (half / "manifest.json").write_text("{}")
    assert list(store.campaigns(tmp_path)) == []
    directory = store.create(tmp_path, make_manifest())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", directory.name]
