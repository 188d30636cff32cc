"""Every kind of file that is kept under the lab's home, damaged: made again or refused by name, never used."""

from __future__ import annotations

import hashlib
import lzma
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from lab.builds import supplies
from lab.builds.guests import intact_build
from lab.builds.pins import Artifact
from lab.campaign.goldens import Goldens
from lab.campaign.modules.precompiled import PrecompiledModules
from lab.campaign.modules.prepared import PreparedGuests
from lab.core.arm import Arm
from lab.core.case import Case
from lab.core.errors import LabError
from lab.core.experiment import Measure
from lab.core.names import GraphFormat
from lab.zoo.checks import check_intact
from lab.zoo.conversion import converted
from lab.zoo.model_directory import find_model
from lab.zoo.worker import ConvertJob, Ended, Job
from tests.damage import change_a_byte
from tests.fakes import FakeEngine, make_materials, make_models
from tests.imported import import_made_up

Use = Callable[[], bytes | None]
LIMITS = Measure().limits
PLACE = "usr/local/bin/tool"


class Kept(NamedTuple):
    """A file in a cache.

    Attributes:
        file: the one to damage.
        use: what a campaign would then run with, or judge by; None: it would make it again first.
    """

    file: Path
    use: Use


def guest(home: Path, file: str = "guest.wasm") -> Kept:
    content = b"\0asm and more"
    directory = home / "guests" / "wasm-o3"
    directory.mkdir(parents=True)
    (directory / "guest.wasm").write_bytes(content)
    record = {"file": "guest.wasm", "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    (directory / "build.json").write_bytes(msgspec.json.encode({**record, "toolchain": "rustc 1.85.1"}))

    def use() -> bytes | None:
        kept = intact_build(directory)
        return None if kept is None else kept.path.read_bytes()

    return Kept(directory / file, use)


def model(home: Path, part: str) -> Kept:
    import_made_up(home, ("tiny",))
    directory = home / "models" / "tiny-imported"
    found = find_model(directory)
    assert found is not None
    given = found.inputs[0]
    files = {
        "graph": found.graph_path,
        "input": given.input_path,
        "reference": given.reference_path,
        "meta": directory / "meta.json",
    }

    def use() -> bytes | None:
        again = find_model(directory)
        if again is None:
            return None
        check_intact([again])
        given = again.inputs[0]
        files = (again.graph_path, given.input_path, given.reference_path)
        return b"".join(path.read_bytes() for path in files) + str(again).encode()

    return Kept(files[part], use)


def golden(home: Path) -> Kept:
    tiny = make_models(home / "models", ("tiny",))["tiny"]
    goldens = Goldens(home / "goldens", "this cpu")
    goldens.admit("wasm", "guest", tiny, 1, tiny.input_for(1).reference_path.read_bytes())
    (file,) = (home / "goldens").iterdir()

    def use() -> bytes | None:
        known = goldens.known("wasm", "guest", tiny, 1)
        return None if known is None else msgspec.json.encode(known)

    return Kept(file, use)


def converted_graph(home: Path, suffix: str = "") -> Kept:
    tiny = msgspec.structs.replace(make_models(home / "models", ("tiny",))["tiny"], converted=())

    def convert(module: str, jobs: Sequence[Job], done: Callable[[str], None]) -> Ended:
        for job in jobs:
            assert isinstance(job, ConvertJob)
            Path(job.result).write_text(f"{job.name} as {job.format}")
            done(job.name)
        return Ended(0, [])

    def path() -> Path:
        found = converted([tiny], [GraphFormat.TFLITE], home, lambda name, what: None, convert)
        return found["tiny"].graph(GraphFormat.TFLITE)

    return Kept(path().with_name(path().name + suffix), lambda: path().read_bytes())


def precompiled(home: Path, arm: str, file: str | None = None) -> Kept:
    materials, case = make_materials(home), Case(Arm.parse(arm), "", 0)
    PrecompiledModules(home / "artifacts", materials).make(
        case, FakeEngine(materials), LIMITS, campaign="c", started_at="now"
    )

    def use() -> bytes | None:
        # as the next session finds it
        found = PrecompiledModules(home / "artifacts", materials).find(case)
        if found is None:
            return None
        made = found[0] / "entry" if found[0].is_dir() else found[0]
        return made.read_bytes() + str(found[1]).encode()

    (directory,) = (home / "artifacts").iterdir()
    return Kept(directory / (file or materials.runtime(case.arm).module_name), use)


def prepared(home: Path, arm: str) -> Kept:
    materials, case = make_materials(home), Case(Arm.parse(arm), "tiny", 1)
    PreparedGuests(home / "artifacts", materials).make(
        case, FakeEngine(materials), LIMITS, campaign="c", started_at="now"
    )
    found = PreparedGuests(home / "artifacts", materials).find(case)
    assert found is not None

    def use() -> bytes | None:
        again = PreparedGuests(home / "artifacts", materials).find(case)
        return None if again is None else again[0].read_bytes()

    return Kept(found[0], use)


def runtime(home: Path, file: str = PLACE) -> Kept:
    shelf = home / "shelf"
    shelf.mkdir(parents=True)
    supplies.save_artifact(shelf, "tool.xz", b"binary of a runtime")

    def use() -> bytes | None:
        directory = supplies.take_artifact(shelf, Artifact("tool.xz"), PLACE).directory  # type: ignore[union-attr]
        assert directory is not None
        return (directory / PLACE).read_bytes()

    use()
    (directory,) = (path for path in (home / "runtimes").iterdir() if path.is_dir())
    return Kept(home / "runtimes" / f"{directory.name}.sha256" if file == "record" else directory / file, use)


def artifact(home: Path) -> Kept:
    kept = runtime(home)
    shutil.rmtree(home / "runtimes")
    return Kept(home / "shelf" / "tool.xz", kept.use)


JIT = "wasmtime-jit-cranelift@o3-simd+tract-0.23+prepared"
KINDS: dict[str, Callable[[Path], Kept]] = {
    "guest": guest,
    "guest's record": lambda home: guest(home, "build.json"),
    "graph": lambda home: model(home, "graph"),
    "input": lambda home: model(home, "input"),
    "reference": lambda home: model(home, "reference"),
    "model's record": lambda home: model(home, "meta"),
    "golden": golden,
    "converted graph": converted_graph,
    "converted graph's record": lambda home: converted_graph(home, ".sha256"),
    "precompiled module": lambda home: precompiled(home, "wasmtime-aot-cranelift@o3"),
    "precompiled module's record": lambda home: precompiled(home, "wasmtime-aot-cranelift@o3", "trial.json"),
    "filled cache": lambda home: precompiled(home, "wasmtime-aot-cranelift-cache@o3"),
    "prepared module": lambda home: prepared(home, JIT),
    "prepared heap": lambda home: prepared(home, "native@o3+tract-0.23+prepared"),
    "unpacked runtime": runtime,
    "unpacked runtime's record": lambda home: runtime(home, "record"),
    "artifact": artifact,
}


def change_in_the_middle(path: Path) -> None:
    change_a_byte(path, path.stat().st_size // 2)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def replace_by_nothing(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES = [change_a_byte, change_in_the_middle, cut_short, replace_by_nothing, Path.unlink]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.fault("a damaged file in a cache", seconds=0.1)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_made_again_or_refused_and_never_used(
    home: Path, kind: str, damage: Callable[[Path], None]
) -> None:
    kept = KINDS[kind](home)
    original = kept.use()
    assert original is not None, "what is not damaged is used"
    damage(kept.file)
    found, complaint = attempted(kept.use)
    assert found in {None, original}
    assert not complaint or kept.file.name.removesuffix(".sha256") in complaint


def attempted(use: Use) -> tuple[bytes | None, str]:
    """What is used, and the error and its remedy if it is refused."""
    try:
        return use(), ""
    except LabError as error:
        return None, f"{error.message} {error.remedy}"


@pytest.mark.parametrize("left", ["beside", "not executable", "without a record"])
def test_a_runtime_laid_out_otherwise_is_unpacked_again(home: Path, left: str) -> None:
    kept = runtime(home)
    binary = kept.file
    if left == "beside":
        (binary.parent / "libc.so.6").write_bytes(b"another library")
    elif left == "not executable":
        binary.chmod(0o644)
    else:
        binary.write_bytes(b"of an earlier lab, and changed since")
        (home / "runtimes" / f"{binary.parents[3].name}.sha256").unlink()
    assert kept.use() == b"binary of a runtime"
    assert [path.name for path in binary.parent.iterdir()] == ["tool"]
    assert binary.stat().st_mode & 0o111


def test_a_runtime_that_is_as_it_was_unpacked_is_left_alone(home: Path) -> None:
    kept = runtime(home)
    before = kept.file.stat()
    kept.use()
    assert kept.file.stat().st_ino == before.st_ino


def test_a_golden_of_an_earlier_lab_is_accepted_and_has_a_check_once_it_matched(home: Path) -> None:
    kept = golden(home)
    tiny = make_models(home / "again", ("tiny",))["tiny"]
    goldens = Goldens(home / "goldens", "this cpu")
    known, checked = goldens.known("wasm", "guest", tiny, 1), kept.file.read_bytes()
    assert known is not None
    kept.file.write_bytes(msgspec.json.encode(known))
    assert goldens.known("wasm", "guest", tiny, 1) == known
    goldens.confirm("wasm", "guest", tiny, 1, known)
    assert kept.file.read_bytes() == checked


def test_a_golden_in_another_guests_place_is_refused(home: Path) -> None:
    kept = golden(home)
    tiny = make_models(home / "again", ("tiny",))["tiny"]
    goldens = Goldens(home / "goldens", "this cpu")
    goldens.admit("wasm", "another guest", tiny, 1, tiny.input_for(1).reference_path.read_bytes())
    (other,) = (path for path in (home / "goldens").iterdir() if path != kept.file)
    shutil.copyfile(kept.file, other)
    with pytest.raises(LabError, match="is damaged"):
        goldens.known("wasm", "another guest", tiny, 1)


def test_damage_to_a_compressed_artifact_shows_at_its_checksum_before_it_is_unpacked(home: Path) -> None:
    kept = artifact(home)
    kept.file.write_bytes(lzma.compress(b"another runtime"))
    with pytest.raises(LabError, match="SHA256SUMS says"):
        kept.use()
