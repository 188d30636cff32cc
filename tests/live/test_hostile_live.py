"""From inside: what a hostile guest and a hostile module attempt in the lab's own containers, and what stops it."""

from __future__ import annotations

import re
import signal
import uuid
from pathlib import Path

import psutil
import pytest

from lab.builds.guests import Tools
from lab.builds.images.labels import ImageInfo
from lab.core.arm import Arm
from lab.core.probe import ProbeReport
from lab.engines.containers import PIDS_LIMIT, ContainerEngine
from lab.engines.engine import Job, JobResult, Mount
from tests.faults import Walls
from tests.fuzz import modules
from tests.fuzz.batch import run
from tests.fuzz.subjects import materials_of, runtime_alone

pytestmark = pytest.mark.live

MIB = 2**20
ATTEMPT = re.compile(r"^attempt ([\w-]+): (SUCCEEDED|refused \((.*)\))$", re.MULTILINE)
RUNTIME_ARMS = (
    "wasmtime-jit-cranelift@o3",
    "wasmedge-interpreter@o3",
    "wamr-interpreter-fast@o3",
)


class Hostile:
    """Runs the fixture's hostile behaviours as trials are run."""

    def __init__(self, image: ImageInfo, fixture: Path, directory: Path) -> None:
        self._engine, self._image, self._fixture, self._directory = ContainerEngine(), image, fixture, directory
        self.mark = f"--{uuid.uuid4().hex}"

    def result(self, behaviour: str, timeout_s: float = 20.0) -> JobResult:
        """What the engine says of it. The behaviour stands in the file that is its model."""
        model = self._directory / "model.pb"
        model.write_text(behaviour, encoding="utf-8")
        model.chmod(0o666)
        job = Job(
            image=self._image.image_id,
            argv=("/work/guest", "model.pb", "--save", "out/output.f32", self.mark),
            mounts=(Mount(self._fixture, "guest"), Mount(model, "model.pb")),
            timeout_s=timeout_s,
            memory_bytes=128 * MIB,
            campaign="hostile",
            output_file="out/output.f32",
            output_limit_bytes=MIB,
        )
        result = self._engine.run(job)
        assert model.read_text(encoding="utf-8") == behaviour
        assert [
            process for process in psutil.process_iter(["cmdline"]) if self.mark in (process.info["cmdline"] or ())
        ] == []
        assert self._engine.remove_leftovers("hostile") == 0
        return result

    def report(self, behaviour: str, timeout_s: float = 20.0) -> ProbeReport:
        """What the probe says of it."""
        report = self.result(behaviour, timeout_s).report
        assert report is not None
        return report


@pytest.fixture
def hostile(native_image: ImageInfo, tools: Tools, tmp_path: Path) -> Hostile:
    return Hostile(native_image, tools.fixture, tmp_path)


@pytest.mark.fault("a guest that reaches for the host and for the probe")
@pytest.mark.parametrize(("behaviour", "attempts"), [("read-host", 12), ("ptrace-init", 7), ("write-mem-init", 4)])
def test_whatever_a_guest_attempts_on_the_host_and_the_probe_is_refused(
    hostile: Hostile, walls: Walls, behaviour: str, attempts: int
) -> None:
    made = ATTEMPT.findall(hostile.report(behaviour).stdout_tail)
    assert len(made) == attempts
    assert [name for name, ended, _ in made if ended == "SUCCEEDED"] == []
    for name, _, why in made:
        walls.stopped("guest", name, why)


@pytest.mark.fault("a guest that asks the probe to end")
def test_a_guest_that_asks_the_probe_to_end_is_reported_on_all_the_same(hostile: Hostile, walls: Walls) -> None:
    report = hostile.report("term-init")
    assert report.exit_code == 0
    for name, _, _ in ATTEMPT.findall(report.stdout_tail):
        walls.stopped("guest", name, "the probe obeys signals from outside of its container only")


@pytest.mark.fault("a guest that leaves its group and its session")
def test_a_guest_that_leaves_its_group_and_session_ends_with_its_trial(hostile: Hostile, walls: Walls) -> None:
    report = hostile.report("escape-group", timeout_s=1.5)
    assert report.timed_out
    assert report.stdout_tail.count("escaped") == 3
    walls.stopped("guest", "outlive its time limit in other groups and sessions", "the probe kills every descendant")


@pytest.mark.fault("a guest that forks without end")
def test_a_guest_that_forks_without_end_meets_its_limit(hostile: Hostile, walls: Walls) -> None:
    report = hostile.report("forks", timeout_s=3.0)
    started = [int(number) for number in re.findall(r"forked (\d+)", report.stdout_tail)]
    assert report.timed_out
    assert 0 < max(started) < PIDS_LIMIT
    walls.stopped("guest", "fork without end", f"limit of {PIDS_LIMIT} processes")


@pytest.mark.fault("a guest that takes memory without end")
def test_a_guest_that_takes_memory_without_end_is_killed_alone(hostile: Hostile, walls: Walls) -> None:
    result = hostile.result("oom")
    assert result.oom_killed
    walls.stopped("guest", "take memory without end", "memory limit, swap off")


@pytest.mark.parametrize(("behaviour", "why"), [("fifo-output", "regular"), ("link-output", "link")])
@pytest.mark.fault("a guest that leaves a link, a directory or a FIFO for its output")
def test_what_a_guest_leaves_for_its_output_is_not_followed_nor_waited_for(
    hostile: Hostile, walls: Walls, behaviour: str, why: str
) -> None:
    report = hostile.report(behaviour)
    assert report.file_sha256 is None
    assert why in (report.file_error or "")
    walls.stopped("guest", behaviour, f"the probe: {report.file_error}")


@pytest.mark.fault("a guest that leaves a huge file for its output")
def test_a_guest_that_writes_a_huge_file_is_killed_at_the_limit_of_files(hostile: Hostile, walls: Walls) -> None:
    report = hostile.report("huge-output")
    assert report.signal == signal.SIGXFSZ
    assert report.file_bytes == 0
    walls.stopped("guest", "write a huge file", "limit on the size of files (SIGXFSZ)")


@pytest.mark.fault("a module that opens what it was not given")
@pytest.mark.parametrize("arm", RUNTIME_ARMS)
def test_a_module_opens_nothing_outside_of_the_directory_that_it_was_given(
    images: dict[str, ImageInfo], walls: Walls, arm: str
) -> None:
    paths = ("../etc/passwd", "out/../../etc/passwd", "/etc/passwd", "/proc/1/environ")
    subject = runtime_alone(Arm.parse(arm), materials_of(images, {}))
    permitted, *others = run(subject, [modules.encoded(modules.opening(path)) for path in ("out/mine", *paths)])
    assert permitted.kind == "result", permitted
    for path, end in zip(paths, others, strict=True):
        assert end.kind == "refused", (path, end)
        assert end.harm == ""
        walls.stopped(f"module under {subject.name}", f"open {path}", "the runtime: only its directory is open to it")
