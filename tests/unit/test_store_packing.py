"""A campaign travels as one archive: the same bytes each time, and nothing that was changed on the way is taken."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.core.errors import DataError, LabError, UsageError
from lab.report.render import render
from lab.report.results import load_results
from lab.store.packing import SUMS, pack, unpack
from tests.command import lab
from tests.synthetic import write_campaign

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_campaign(tmp_path_factory.mktemp("there"), blocks=3)
    render(directory)
    return directory


@pytest.fixture(scope="module")
def archive(campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("archive") / "campaign.tar.gz"
    pack(campaign, target)
    return target


def members(archive: Path) -> Members:
    with tarfile.open(archive) as tar:
        return {member.name: file.read() for member in tar if (file := tar.extractfile(member)) is not None}


def packed(content: Members, target: Path) -> Path:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    target.write_bytes(gzip.compress(raw.getvalue()))
    return target


def tree(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_a_campaign_comes_out_as_it_went_in_and_is_analysed_like_any_other(
    campaign: Path, archive: Path, tmp_path: Path
) -> None:
    arrived = unpack(archive, tmp_path / "results")
    assert arrived.name == campaign.name
    assert tree(arrived) == tree(campaign)
    assert load_results(arrived).table.quantities.keys() == load_results(campaign).table.quantities.keys()
    assert [path.name for path in (tmp_path / "results").iterdir()] == [campaign.name]


def test_the_same_campaign_gives_the_same_bytes_wherever_and_whenever_it_is_packed(
    campaign: Path, archive: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(campaign, copy)
    for path in copy.rglob("*"):
        path.touch()
    (copy / "trials.csv").write_text("an export")
    pack(copy, tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == archive.read_bytes()


def test_its_list_is_the_one_that_sha256sum_checks(campaign: Path, archive: Path) -> None:
    lines = members(archive)[f"{campaign.name}/{SUMS}"].decode().splitlines()
    assert all(len(line.split("  ")[0]) == 64 for line in lines)
    assert {line.split("  ")[1] for line in lines} == set(tree(campaign))


def test_unpacking_twice_changes_nothing_and_another_campaign_of_that_name_is_kept(
    archive: Path, tmp_path: Path
) -> None:
    arrived = unpack(archive, tmp_path)
    before = tree(arrived)
    assert unpack(archive, tmp_path) == arrived
    assert tree(arrived) == before
    (arrived / "trials.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match="another campaign"):
        unpack(archive, tmp_path)
    assert (arrived / "trials.jsonl").read_bytes() == b""


def changed_byte(content: Members) -> Members:
    name = next(name for name in content if name.endswith("trials.jsonl"))
    return content | {name: content[name].replace(b"1", b"2", 1)}


def one_more(content: Members) -> Members:
    return content | {f"{next(iter(content)).split('/')[0]}/planted.toml": b"x"}


def one_less(content: Members) -> Members:
    return {name: data for name, data in content.items() if not name.endswith("trials.jsonl")}


def no_list(content: Members) -> Members:
    return {name: data for name, data in content.items() if not name.endswith(SUMS)}


def outside(content: Members) -> Members:
    return content | {"../planted": b"x"}


def two_campaigns(content: Members) -> Members:
    return content | {"other/manifest.json": b"{}"}


def another_name(content: Members) -> Members:
    return {f"renamed/{name.split('/', 1)[1]}": data for name, data in content.items()}


def nothing(_: Members) -> Members:
    return {}


@pytest.mark.parametrize(
    "change", [changed_byte, one_more, one_less, no_list, outside, two_campaigns, another_name, nothing]
)
def test_an_archive_that_was_changed_is_refused_and_leaves_nothing(
    archive: Path, tmp_path: Path, change: Callable[[Members], Members]
) -> None:
    bad = packed(change(members(archive)), tmp_path / "bad.tar.gz")
    with pytest.raises(DataError):
        unpack(bad, tmp_path / "results")
    assert list((tmp_path / "results").iterdir()) == []
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize("kept", [0, 100, 5000])
def test_a_truncated_archive_is_refused(archive: Path, tmp_path: Path, kept: int) -> None:
    (tmp_path / "cut.tar.gz").write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(LabError):
        unpack(tmp_path / "cut.tar.gz", tmp_path / "results")


def test_a_campaign_whose_journal_was_changed_after_its_end_is_not_packed(campaign: Path, tmp_path: Path) -> None:
    copy = tmp_path / campaign.name
    shutil.copytree(campaign, copy)
    (copy / "finished").write_text('{"trials": 1, "trials_sha256": "0"}')
    with pytest.raises(DataError, match="has changed"):
        pack(copy, tmp_path / "out.tar.gz")
    assert not (tmp_path / "out.tar.gz").exists()


def test_the_commands_pack_here_and_unpack_there(campaign: Path, tmp_path: Path) -> None:
    sent = tmp_path / "sent.tar.gz"
    assert lab("pack", campaign.name, "--results", campaign.parent, "-o", sent).code == 0
    assert lab("unpack", sent, "--results", tmp_path / "there").code == 0
    ran = lab("report", campaign.name, "--results", tmp_path / "there")
    assert ran.code == 0, ran.err
    assert "nothing.tar.gz" in lab("unpack", tmp_path / "nothing.tar.gz").error[0]
