"""A confined command reads what it is given and nothing else, reaches nobody, and leaves nothing on this machine."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import msgspec
import pytest

from lab.builds.images.labels import ImageInfo
from lab.engines.confined import Confined, ConfinedEnd, run_confined
from tests.faults import Walls

pytestmark = pytest.mark.live

MIB = 1 << 20


def confined(image: ImageInfo, script: str, reads: dict[str, Path] | None = None, **changes: object) -> Confined:
    what = Confined(
        image=image.image_id,
        argv=("/bin/sh", "-c", script),
        reads=reads or {},
        out="/work/out",
        out_bytes=8 * MIB,
        env={},
        memory_bytes=128 * MIB,
        timeout_s=60.0,
        purpose="confined-test",
    )
    return msgspec.structs.replace(what, **changes)


def run(what: Confined) -> tuple[ConfinedEnd, dict[str, bytes]]:
    """How it ended, and the files it left."""
    archive = io.BytesIO()
    end = run_confined(what, archive)
    archive.seek(0)
    files: dict[str, bytes] = {}
    if end.code == 0 and end.is_whole:
        with tarfile.open(fileobj=archive) as tar:
            for member in tar:
                if (content := tar.extractfile(member)) is not None:
                    files[member.name] = content.read()
    return end, files


def test_what_it_leaves_in_its_directory_comes_back(native_image: ImageInfo, tmp_path: Path) -> None:
    (tmp_path / "given").write_bytes(b"from this machine")
    script = "cat /work/in/given > /work/out/copy; echo said; echo complained >&2"
    end, files = run(confined(native_image, script, {"/work/in/given": tmp_path / "given"}))
    assert (end.code, end.is_late, files) == (0, False, {"./copy": b"from this machine"})
    assert sorted(end.complaints) == ["complained", "said"]


@pytest.mark.parametrize(
    "attempt",
    [
        "echo x > /work/in/given",
        "rm /work/in/given",
        "echo x > /usr/bin/planted",
        "echo x > /etc/planted",
        "mkdir /work/planted",
        "mount -t tmpfs none /mnt",
        "chown 0 /work/out",
        "cat /etc/shadow",
        "grep -v 'lo:' /proc/net/dev | grep -q ':'",
        "head -c 20000000 /dev/zero > /work/out/large",
    ],
)
@pytest.mark.fault("an import that reaches beyond its directory")
def test_nothing_beside_its_directory_can_be_changed_or_reached(
    native_image: ImageInfo, tmp_path: Path, walls: Walls, attempt: str
) -> None:
    (tmp_path / "given").write_bytes(b"from this machine")
    (tmp_path / "given").chmod(0o666)
    end, files = run(confined(native_image, attempt, {"/work/in/given": tmp_path / "given"}))
    assert end.code != 0, end.complaints
    assert files == {}
    assert (tmp_path / "given").read_bytes() == b"from this machine"
    walls.stopped("import", attempt, end.complaints[-1] if end.complaints else "nothing is there")


@pytest.mark.fault("an import beyond its time or memory")
def test_it_is_killed_at_its_time_and_at_its_memory(native_image: ImageInfo) -> None:
    late, _ = run(confined(native_image, "sleep 60", timeout_s=1.0))
    assert late.is_late
    greedy, _ = run(
        confined(native_image, "x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo ${#x}", memory_bytes=32 * MIB)
    )
    assert greedy.code != 0
    assert "memory" in greedy.complaints[-1]


@pytest.mark.fault("an import that floods its output")
def test_complaints_without_end_are_cut(native_image: ImageInfo) -> None:
    end, _ = run(confined(native_image, "yes complaint | head -c 20000000 >&2; exit 3"))
    assert end.code == 3
    assert sum(map(len, end.complaints)) <= MIB
