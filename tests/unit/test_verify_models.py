"""Models and guests compared with the lock: a single changed byte is detected and named."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from lab.builds.guests import GuestBuild
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.core.progress import silent
from lab.disk.content import file_sha256
from lab.verify import differences, model_checks
from lab.verify.items import Item, Match, first_difference
from lab.verify.lockfile import Lock, LockedEdition, LockedModel
from lab.verify.model_checks import check_guests, check_models, file_hashes
from tests.damage import change_a_byte
from tests.fakes import make_models

Guests = dict[GuestId, GuestBuild]


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Model]:
    return make_models(tmp_path / "models", ("tiny", "small"))


@pytest.fixture
def guests(tmp_path: Path) -> Guests:
    found: Guests = {}
    for target, profile in (("wasm", "o3"), ("native", "o3")):
        path = tmp_path / f"{target}-{profile}"
        path.write_bytes(path.name.encode())
        found[GuestId.parse(f"{target}/{profile}")] = GuestBuild(path, file_sha256(path), path.stat().st_size, "rustc")
    return found


def locked(models: dict[str, Model], guests: Guests) -> Lock:
    by_name = {}
    for name, model in models.items():
        inputs = {str(prebuilt.batch): prebuilt.input_sha256 for prebuilt in model.inputs}
        by_name[name] = LockedModel(model.graph_sha256, inputs)
    builds = {name.id: guest.sha256 for name, guest in guests.items()}
    return Lock(models=by_name, editions={"current": LockedEdition(builds)})


def of_models(models: dict[str, Model], lock: Lock) -> list[Item]:
    return list(check_models(models, lock, silent, rebuild=False))


def of_guests(guests: Guests, lock: Lock, edition: str = "current") -> list[Item]:
    return list(check_guests(guests, edition, lock, silent, rebuild=False))


def test_untouched_files_are_identical_part_by_part(models: dict[str, Model], guests: Guests) -> None:
    lock = locked(models, guests)
    items = [*of_models(models, lock), *of_guests(guests, lock)]
    assert [item.name for item in items] == [
        *(f"model {name} {part}" for name in ("small", "tiny") for part in ("graph", "input b1", "input b3")),
        "guest native/o3",
        "guest wasm/o3",
    ]
    assert {item.verdict for item in items} == {Match.IDENTICAL}
    assert all(item.why.startswith("the same in the lock and ") for item in items)


@pytest.mark.parametrize("at", [0, 1000, -1])
@pytest.mark.parametrize("is_locked", [True, False])
def test_one_changed_byte_in_a_graph_is_caught_and_named(models: dict[str, Model], at: int, is_locked: bool) -> None:
    lock = locked(models, {}) if is_locked else Lock()
    change_a_byte(models["tiny"].graph_path, at)
    differing = [item for item in of_models(models, lock) if item.verdict is Match.DIFFERS]
    assert [item.name for item in differing] == ["model tiny graph"]
    assert models["tiny"].graph_sha256[:12] in differing[0].why
    assert file_sha256(models["tiny"].graph_path)[:12] in differing[0].why


def test_one_changed_byte_in_an_input_is_caught_and_named(models: dict[str, Model]) -> None:
    change_a_byte(models["small"].input_for(3).input_path)
    found = first_difference(of_models(models, locked(models, {})))
    assert found is not None
    assert found.name == "model small input b3"


def test_one_changed_byte_in_an_imported_model_is_caught_too(models: dict[str, Model]) -> None:
    mine = msgspec.structs.replace(models["tiny"], weights="imported")
    assert first_difference(of_models({"tiny": mine}, Lock())) is None
    change_a_byte(mine.graph_path)
    found = first_difference(of_models({"tiny": mine}, Lock()))
    assert found is not None
    assert found.name == "model tiny graph"


def test_an_imported_model_is_not_compared_with_the_lock_of_a_seeded_one(models: dict[str, Model]) -> None:
    mine = msgspec.structs.replace(models["tiny"], weights="imported")
    assert first_difference(of_models({"tiny": mine}, Lock(models={"tiny": LockedModel("0" * 64, {})}))) is None


def test_a_model_that_agrees_with_its_record_but_not_with_the_lock_differs(models: dict[str, Model]) -> None:
    lock = Lock(models={"tiny": LockedModel("0" * 64, {})})
    found = first_difference(of_models({"tiny": models["tiny"]}, lock))
    assert found is not None
    assert found.why.startswith("the lock has 000000000000…, its record has ")


def test_one_changed_byte_in_a_guest_is_caught_and_named(guests: Guests) -> None:
    lock = locked({}, guests)
    change_a_byte(guests[GuestId.parse("wasm/o3")].path, at=0)
    differing = [item for item in of_guests(guests, lock) if item.verdict is Match.DIFFERS]
    assert [item.name for item in differing] == ["guest wasm/o3"]
    assert guests[GuestId.parse("wasm/o3")].sha256[:12] in differing[0].why


def test_a_guest_is_compared_with_its_own_edition(guests: Guests) -> None:
    lock = Lock(editions={"paper": LockedEdition({"wasm/o3": "0" * 64})})
    assert first_difference(of_guests(guests, lock)) is None
    assert first_difference(of_guests(guests, lock, "paper")) is not None


def test_hashes_are_of_the_files_as_they_are_now(models: dict[str, Model]) -> None:
    model = models["tiny"]
    before = file_hashes(model)
    assert before["graph"] == model.graph_sha256
    change_a_byte(model.graph_path)
    after = file_hashes(model)
    assert after["graph"] != before["graph"]
    assert {part for part in before if before[part] == after[part]} == {"input b1", "input b3"}


def rebuilt_as(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every guest that is built again has this content."""

    def build(guest: GuestId, directory: Path, *_: object) -> Path:
        path = directory / guest.file_name
        path.write_bytes(content)
        return path

    monkeypatch.setattr(model_checks, "build_guest_fresh", build)


def test_a_guest_that_is_built_otherwise_again_differs_and_a_page_shows_where(
    guests: Guests, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if shutil.which(differences.TOOL) is None:
        pytest.skip("LEFT OUT: diffoscope is not installed")
    monkeypatch.setattr(differences, "LOGS", tmp_path / "logs")
    rebuilt_as(b"wasm-o3", monkeypatch)
    items = list(check_guests(guests, "current", Lock(), silent, rebuild=True))
    assert [(item.name, item.verdict) for item in items] == [
        ("guest native/o3", Match.DIFFERS),
        ("guest wasm/o3", Match.IDENTICAL),
    ]
    page = tmp_path / "logs" / "differences-native-o3-the-first-rebuild.html"
    assert f"where they differ: {page}" in items[0].why
    assert "native-o3" in page.read_text()
    assert "where they differ" not in items[1].why


def test_without_diffoscope_the_line_says_how_to_get_the_page(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    rebuilt_as(b"other", monkeypatch)
    items = list(check_guests(guests, "current", Lock(), silent, rebuild=True))
    assert {item.why.count("install diffoscope") for item in items} == {1}
