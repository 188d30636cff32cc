"""What an earlier campaign ran with is found by content, or named as missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from lab.builds.images.labels import ImageInfo
from lab.campaign.materials import Materials
from lab.campaign.prepare import manifest_of
from lab.campaign.recorded import recorded
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import UsageError
from lab.core.experiment import Experiment, Matrix, Tier
from lab.core.guest import GuestId
from lab.core.manifest import Manifest, RuntimeFingerprint
from lab.core.progress import silent
from lab.disk.content import file_sha256
from tests.fakes import FakeEngine, make_materials
from tests.imported import import_made_up

CASES = (Case.parse("wasmtime-aot-cranelift@o3 tiny b1"), Case.parse("native@o3 tiny b1"))


@pytest.fixture
def materials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Materials:
    """Those of a campaign, in the cache as they were built."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    import_made_up(tmp_path / "home", ("tiny",))
    found = make_materials(tmp_path / "materials", ("tiny",))
    for case in CASES:
        guest = GuestId.of(case.arm)
        directory = tmp_path / "home" / "guests" / f"{guest.target}-{guest.profile}"
        directory.mkdir(parents=True)
        path = directory / guest.file_name
        shutil.copy(found.guests[guest].path, path)
        checksum, size = file_sha256(path), path.stat().st_size
        found.guests[guest] = msgspec.structs.replace(found.guests[guest], sha256=checksum)
        record = {"file": path.name, "sha256": checksum, "size_bytes": size, "toolchain": "rustc 1.85.1"}
        (directory / "build.json").write_bytes(msgspec.json.encode(record))
    return found


def manifest(materials: Materials) -> Manifest:
    plan = Experiment("toy", "?", (Matrix(("native@o3",), ("tiny",)),), {"t": Tier("1h")})
    engine = FakeEngine(materials)
    return manifest_of(materials, plan, "t", CASES, engine, name="toy-t-1", created_at="2025-03-01T10:15:00+00:00")


def find(known: Manifest, materials: Materials, cases: Iterable[Case] = CASES) -> Materials:
    def image(runtime: str, wanted: RuntimeFingerprint) -> ImageInfo | None:
        here = materials.images[runtime]
        return here if here.image_id == wanted.image_id else None

    from lab.disk.paths import home  # noqa: PLC0415 - after LAB_HOME is set

    return recorded(known, cases, home(), image, silent)


def test_images_guests_and_models_are_those_of_the_manifest(materials: Materials) -> None:
    known = manifest(materials)
    found = find(known, materials)
    assert {name: image.image_id for name, image in found.images.items()} == {
        name: known.runtimes[name].image_id for name in ("native", "wasmtime")
    }
    assert {guest.id: build.sha256 for guest, build in found.guests.items()} == {
        guest: known.guests[guest].sha256 for guest in ("native/o3", "wasm/o3")
    }
    assert found.models["tiny"].graph_sha256 == known.models["tiny"].graph_sha256


@pytest.mark.parametrize("what", ["guest wasm/o3", "model tiny", "the image of wasmtime"])
def test_what_is_no_longer_the_same_is_named(materials: Materials, tmp_path: Path, what: str) -> None:
    known = manifest(materials)
    if what.startswith("guest"):
        (tmp_path / "home" / "guests" / "wasm-o3" / "guest.wasm").write_bytes(b"rebuilt otherwise")
    elif what.startswith("model"):
        models = {"tiny": msgspec.structs.replace(known.models["tiny"], input_sha256={"1": "0" * 64})}
        known = msgspec.structs.replace(known, models=models)
    else:
        image = msgspec.structs.replace(materials.images["wasmtime"], image_id="sha256:other")
        materials = msgspec.structs.replace(materials, images={**materials.images, "wasmtime": image})
    with pytest.raises(UsageError, match=f"^{what} that toy-t-1 measured is not on this machine"):
        find(known, materials)


def test_an_arm_that_is_started_otherwise_now_is_refused(materials: Materials) -> None:
    known = manifest(materials)
    known = msgspec.structs.replace(known, argv={**known.argv, CASES[0].arm.id: ("wasmtime", "run")})
    with pytest.raises(UsageError, match="started wasmtime-aot-cranelift@o3 by another command line"):
        find(known, materials)


def test_a_manifest_holds_native_arms_with_and_without_a_restriction_to_kernels(materials: Materials) -> None:
    plan = Experiment("toy", "?", (Matrix(("native@o3",), ("tiny",)),), {"t": Tier("1h")})
    ids = ("native-generic@o3+tract-0.23", "native@o3+tract-0.23")
    cases = [msgspec.structs.replace(CASES[0], arm=Arm.parse(arm)) for arm in ids]
    for case in cases:
        materials.guests[GuestId.of(case.arm)] = next(iter(materials.guests.values()))
    made = manifest_of(materials, plan, "t", cases, FakeEngine(materials), name="toy-t-1", created_at="2025-03-01")
    assert tuple(made.argv) == ids
