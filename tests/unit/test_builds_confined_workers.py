"""What a worker in a container gets and may give back."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from lab.builds.confined_workers import ConfinedWorkers, Placed, keep, placed
from lab.core.errors import ModelError
from lab.core.names import GraphFormat
from lab.zoo.worker import BuildJob, ConvertJob, ImportJob, ReferenceJob, ReferenceRun

IMPORT = ImportJob("mine", "/home/me/my graph.pb", "/home/me/cache/mine", (1, 8, 8, 3))


def archive(*members: tuple[str, bytes | None]) -> io.BytesIO:
    """A tar of files; None makes a link to the password file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if content is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                member.size = len(content)
            tar.addfile(member, None if content is None else io.BytesIO(content))
    return packed


def test_an_import_sees_its_graph_alone_and_writes_two_files() -> None:
    work = placed(IMPORT)
    assert work.job == ImportJob("mine", "/work/in/my graph.pb", "/work/out", (1, 8, 8, 3))
    assert work.reads == {"my graph.pb": Path("/home/me/my graph.pb")}
    assert work.writes == {name: Path("/home/me/cache/mine") / name for name in ("graph.pb", "facts.json")}


def test_a_reference_sees_its_graph_and_inputs_and_writes_one_file_for_each() -> None:
    run = ReferenceRun("/d/input.b1.f32", (1, 8, 8, 3), "/d/reference.b1.f32")
    work = placed(ReferenceJob("mine", "/d/graph.pb", "image", ("out",), (run,)))
    inside = ReferenceRun("/work/in/input.b1.f32", (1, 8, 8, 3), "/work/out/reference.b1.f32")
    assert work.job == ReferenceJob("mine", "/work/in/graph.pb", "image", ("out",), (inside,))
    assert work.reads == {"graph.pb": Path("/d/graph.pb"), "input.b1.f32": Path("/d/input.b1.f32")}
    assert work.writes == {"reference.b1.f32": Path("/d/reference.b1.f32")}


def test_a_conversion_sees_its_graph_alone_and_writes_one_file() -> None:
    job = ConvertJob("mine", "/d/graph.pb", "image", (1, 8, 8, 3), ("out",), GraphFormat.TFLITE, "/d/graph-1.tflite")
    work = placed(job)
    assert isinstance(work.job, ConvertJob)
    assert (work.job.graph, work.job.result) == ("/work/in/graph.pb", "/work/out/graph-1.tflite")
    assert work.reads == {"graph.pb": Path("/d/graph.pb")}
    assert work.writes == {"graph-1.tflite": Path("/d/graph-1.tflite")}


def test_the_labs_own_networks_are_not_built_in_a_container() -> None:
    with pytest.raises(TypeError, match="BuildJob"):
        placed(BuildJob("yunet", "/d"))


def test_a_worker_gets_its_files_the_system_and_python_and_nothing_of_the_users(tmp_path: Path) -> None:
    graph = tmp_path / "graph.pb"
    graph.write_bytes(b"x")
    work = placed(ImportJob("mine", str(graph), str(tmp_path), (1, 8, 8, 3)))
    what = ConfinedWorkers("image").confined("lab.zoo.tensorflow.import_worker", work)
    given = {place: source for place, source in what.reads.items() if not place.startswith("/packages/")}
    assert given.pop("/work/in/graph.pb") == graph
    assert given.pop("/lab/lab").name == "lab"
    assert set(given) <= {"/usr", "/etc/ld.so.cache", "/python"}
    assert Path.home() not in what.reads.values()
    assert what.argv[1:3] == ("-m", "lab.zoo.tensorflow.import_worker")


def test_a_graph_that_is_private_is_refused_with_the_way_out(tmp_path: Path) -> None:
    graph = tmp_path / "graph.pb"
    graph.write_bytes(b"x")
    graph.chmod(0o600)
    job = ImportJob("mine", str(graph), str(tmp_path), (1, 8, 8, 3))
    with pytest.raises(ModelError, match="may not read") as caught:
        ConfinedWorkers("image")("lab.zoo.tensorflow.import_worker", [job], lambda _: None)
    assert "chmod o+r" in caught.value.remedy


def test_only_the_files_that_were_asked_for_are_kept(tmp_path: Path) -> None:
    work = Placed(IMPORT, {}, {"graph.pb": tmp_path / "graph.pb", "facts.json": tmp_path / "facts.json"})
    packed = archive(("./graph.pb", b"graph"), ("./facts.json", b"{}"), ("./more", b"x"), ("../escape", b"x"))
    keep(packed, work)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"graph.pb": b"graph", "facts.json": b"{}"}


@pytest.mark.parametrize(
    ("left", "why"),
    [
        (archive(("./graph.pb", b"graph")), "made no facts.json"),
        (archive(("./graph.pb", b"graph"), ("./facts.json", None)), "made no facts.json"),
        (archive(("./deep/graph.pb", b"graph"), ("./facts.json", b"{}")), "made no graph.pb"),
        (io.BytesIO(b"no archive at all"), "damaged"),
        (io.BytesIO(b""), "damaged"),
    ],
)
def test_a_file_that_is_missing_or_a_link_is_an_error_that_names_it(tmp_path: Path, left: io.BytesIO, why: str) -> None:
    work = Placed(IMPORT, {}, {"graph.pb": tmp_path / "graph.pb", "facts.json": tmp_path / "facts.json"})
    with pytest.raises(ModelError, match=why):
        keep(left, work)
