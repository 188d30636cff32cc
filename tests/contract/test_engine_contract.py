"""What every engine must do, whichever it is: one suite, run against each.

Programs of known behaviour (`rust-guest/fixture`) are what the measurements are checked against.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.builds.guests import Tools
from lab.builds.images.labels import ImageInfo
from lab.core.probe import ProbeReport
from lab.engines.containers import ContainerEngine
from lab.engines.engine import Engine, Job, JobResult, Mount
from lab.engines.host import usable_cpus
from lab.engines.processes import ProcessEngine

pytestmark = pytest.mark.live

MIB = 2**20


class Bench:
    """An engine with the fixture at hand."""

    def __init__(self, engine: Engine, image: str, fixture: Path) -> None:
        self.engine, self.image, self.fixture = engine, image, fixture
        self.campaign = f"contract-{uuid.uuid4().hex[:8]}"

    @property
    def in_containers(self) -> bool:
        return self.engine.isolation == "container"

    def job(self, *argv: str, **changes: object) -> Job:
        plain: dict[str, object] = {
            "image": self.image,
            "argv": argv,
            "mounts": (Mount(self.fixture, "guest"),),
            "timeout_s": 30.0,
            "memory_bytes": 1024 * MIB,
            "campaign": self.campaign,
        }
        return Job(**{**plain, **changes})  # type: ignore[arg-type]

    def run(self, *argv: str, **changes: object) -> ProbeReport:
        """What the probe says of the fixture with these arguments."""
        report = self.result(*argv, **changes).report
        assert report is not None
        return report

    def result(self, *argv: str, **changes: object) -> JobResult:
        return self.engine.run(self.job("/work/guest", *argv, **changes))

    def shell(self, script: str, **changes: object) -> ProbeReport:
        report = self.engine.run(self.job("/bin/sh", "-c", script, **changes)).report
        assert report is not None
        return report


@pytest.fixture(params=["container", "process"])
def bench(request: pytest.FixtureRequest, native_image: ImageInfo, tools: Tools, tmp_path: Path) -> Iterator[Bench]:
    engine: Engine = (
        ContainerEngine() if request.param == "container" else ProcessEngine(tools.probe, tmp_path / "jobs")
    )
    found = Bench(engine, native_image.image_id, tools.fixture)
    yield found
    assert engine.remove_leftovers(found.campaign) == 0, "an engine leaves nothing behind"


@pytest.mark.parametrize("code", [0, 77])
def test_an_exit_code_is_reported_and_is_no_signal(bench: Bench, code: int) -> None:
    report = bench.run("exit", str(code))
    assert (report.exit_code, report.signal, report.timed_out, report.launch_error) == (code, None, False, None)


@pytest.mark.fault("a guest that crashes")
def test_a_crash_is_reported_as_its_signal(bench: Bench) -> None:
    result = bench.result("abort")
    assert result.report is not None
    assert (result.report.exit_code, result.report.signal) == (None, 6)
    assert not result.oom_killed


@pytest.mark.fault("a guest that hangs")
def test_a_time_out_ends_the_job_soon_after_its_time(bench: Bench) -> None:
    began = time.monotonic()
    report = bench.run("sleep", "60000", timeout_s=0.6)
    assert report.timed_out
    assert 0.6e9 <= report.total_ns < 2e9
    assert time.monotonic() - began < 20


@pytest.mark.fault("a guest that hangs with children")
def test_a_time_out_ends_the_jobs_children_too(bench: Bench) -> None:
    marker = f"{int(uuid.uuid4().hex[:6], 16) + 1000}.125"
    report = bench.shell(f"sleep {marker} & sleep {marker}", timeout_s=0.5)
    assert report.timed_out
    assert ["sleep", marker] not in [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]


@pytest.mark.fault("a guest that floods its output")
def test_a_flood_of_output_is_cut_off(bench: Bench) -> None:
    report = bench.run("flood")
    assert report.output_limited
    assert report.exit_code is None
    assert len(report.stdout_tail) < MIB


@pytest.mark.fault("a program that cannot be started")
def test_a_program_that_cannot_be_started_is_distinguished_from_one_that_failed(bench: Bench) -> None:
    report = bench.engine.run(bench.job("/work/nothing-here")).report
    assert report is not None
    assert report.launch_error


@pytest.mark.parametrize("size", [256 * MIB, 512 * MIB])
def test_memory_peaks_are_within_3_per_cent_of_what_was_allocated(bench: Bench, size: int) -> None:
    report = bench.run("alloc", str(size), memory_bytes=2048 * MIB)
    assert report.exit_code == 0
    assert report.rss_peak_bytes == pytest.approx(size, rel=0.03)
    # On a busy machine the fixture may have ended before a phase's peak is read: absent then, never wrong.
    peaks = {mark.name: mark.rss_peak_bytes for mark in report.marks if mark.rss_peak_bytes is not None}
    assert peaks.get("infer", size) == pytest.approx(size, rel=0.03)
    assert peaks.get("read", 0) < size / 4
    if bench.in_containers:
        assert report.cgroup is not None
        assert report.cgroup.peak_bytes == pytest.approx(size, rel=0.03)
    else:
        assert report.cgroup is None, "the lab's own cgroup says nothing of the job"


def test_a_small_program_after_a_large_one_is_small(bench: Bench) -> None:
    bench.run("alloc", str(256 * MIB))
    assert (bench.run("spin", "10").rss_peak_bytes or 0) < 16 * MIB


def test_the_time_is_that_of_a_program_that_runs_a_known_time(bench: Bench) -> None:
    reports = [bench.run("spin", "1000") for _ in range(3)]
    for report in reports:
        infer = next(mark for mark in report.marks if mark.name == "infer")
        assert infer.guest_ns is not None
        assert 1e9 <= infer.guest_ns <= report.total_ns
        assert report.rusage is not None
        assert 20e6 <= report.rusage.user_ns + report.rusage.system_ns <= report.total_ns * 1.05
    # The least of three: others may keep it off the processor once. A container's start is not in it.
    assert min(report.total_ns for report in reports) <= 1.05e9


def test_sleeping_takes_time_and_no_processor(bench: Bench) -> None:
    report = bench.run("sleep", "500")
    assert report.total_ns >= 500e6
    assert report.rusage is not None
    assert report.rusage.user_ns + report.rusage.system_ns < 100e6


def test_marks_come_in_the_order_of_the_phases_with_times_that_only_grow(bench: Bench) -> None:
    report = bench.run("spin", "60", "--iterations", "10")
    names = [mark.name for mark in report.marks]
    seen = [mark.seen_ns for mark in report.marks]
    assert names == ["start", "read", "decode", "build", "optimise", *["infer"] * 10, "output"]
    assert seen == sorted(seen)
    assert seen[0] > 0
    assert seen[-1] <= report.total_ns
    assert all(seen[5 + n] >= 60e6 * (n + 1) for n in range(10)), "no mark is seen before its phase has ended"
    assert seen[5] <= report.total_ns * 0.75, "a mark is timed when it is printed, not at the end"


def test_a_file_is_sent_back_on_demand_only(bench: Bench) -> None:
    shipped = bench.run("wrong", "--save", "out/output.f32", output_file="out/output.f32", return_file=True)
    assert shipped.output_base64 is not None
    assert base64.b64decode(shipped.output_base64) == struct.pack("<16f", *[-12345.0] * 16)
    assert shipped.output_sha256 == "bad0" * 16, "as the guest claims"
    assert shipped.file_sha256 == hashlib.sha256(struct.pack("<16f", *[-12345.0] * 16)).hexdigest()
    assert bench.run("wrong", "--save", "out/output.f32").output_base64 is None


def test_every_job_starts_in_a_fresh_directory(bench: Bench) -> None:
    leave = "ls out /work/out 2>/dev/null | grep -c left; echo x > out/left; echo y > ${HOME}/left"
    assert [bench.shell(leave).stdout_tail.strip() for _ in range(2)] == ["0", "0"]


def test_a_job_sees_its_files_under_the_names_it_was_promised(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "some model").write_bytes(b"graph")
    mounts = (Mount(bench.fixture, "guest"), Mount(tmp_path / "some model", "model.pb"))
    assert bench.shell("cat model.pb; ls", mounts=mounts).stdout_tail.split() == ["graphguest", "model.pb", "out"]


def test_a_precompiler_writes_into_the_output_directory_and_its_file_is_returned(bench: Bench) -> None:
    script = "echo code > out/guest.so"
    report = bench.shell(script, output_file="out/guest.so", return_file=True, output_limit_bytes=MIB)
    assert report.exit_code == 0
    assert report.output_base64 is not None
    assert base64.b64decode(report.output_base64) == b"code\n"


@pytest.mark.parametrize("script", ["ln -s /etc/passwd out/o", "mkfifo out/o", "mkdir out/o", "true"])
@pytest.mark.fault("a guest that leaves a link, a directory or a FIFO for its output")
def test_what_is_no_regular_file_is_not_returned(bench: Bench, script: str) -> None:
    report = bench.shell(script, output_file="out/o", return_file=True)
    assert report.output_base64 is None
    assert report.file_sha256 is None
    assert report.file_error


def test_the_environment_is_the_jobs_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", "from the lab")
    report = bench.shell('echo "$WAVM_CPU-$LEAK"', env={"WAVM_CPU": "haswell"})
    assert report.stdout_tail.strip() == "haswell-"


def test_a_pinned_job_has_so_many_processors(bench: Bench) -> None:
    assert bench.shell("nproc", cpus=usable_cpus(1)).stdout_tail.strip() == "1"


KILLED_LAB = """
import sys, pathlib
from lab.engines.containers import ContainerEngine
from lab.engines.processes import ProcessEngine
from lab.engines.engine import Job, Mount
kind, image, campaign, probe, fixture, scratch = sys.argv[1:]
engine = ContainerEngine() if kind == "container" else ProcessEngine(pathlib.Path(probe), pathlib.Path(scratch))
print("ready", flush=True)
engine.run(Job(image=image, argv=("/work/guest", "sleep", "15000"), mounts=(Mount(pathlib.Path(fixture), "guest"),),
               timeout_s=15.0, memory_bytes=2**28, campaign=campaign))
"""


@pytest.mark.fault("a lab killed during a job")
def test_what_a_killed_lab_left_behind_is_swept(bench: Bench, tools: Tools, tmp_path: Path) -> None:
    arguments = (bench.engine.isolation, bench.image, bench.campaign, tools.probe, tools.fixture, tmp_path / "jobs")
    lab = subprocess.Popen([sys.executable, "-c", KILLED_LAB, *map(str, arguments)], stdout=subprocess.PIPE)
    assert lab.stdout is not None
    assert lab.stdout.readline() == b"ready\n"
    time.sleep(3)
    assert bench.engine.remove_leftovers("another-campaign") == 0, "its owner is alive"
    lab.kill()
    lab.wait()
    # a container says who started it, so that any campaign may remove what a dead process left
    removed_by_others = 1 if bench.in_containers else 0
    assert bench.engine.remove_leftovers("another-campaign") == removed_by_others
    assert bench.engine.remove_leftovers(bench.campaign) == 1 - removed_by_others
    assert bench.engine.remove_leftovers(bench.campaign) == 0


def test_an_engine_names_itself(bench: Bench) -> None:
    assert bench.engine.describe()
