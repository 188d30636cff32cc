"""What only containers promise: a job can do nothing but compute, within its memory."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from lab.builds.guests import Tools
from lab.builds.images.labels import ImageInfo
from lab.core.errors import EngineFailed
from lab.core.probe import ProbeReport
from lab.engines.containers import ContainerEngine
from lab.engines.docker_sdk import connect
from lab.engines.engine import Job, JobResult, Mount
from lab.engines.killed import kernel_oom_kills
from lab.engines.owner import CAMPAIGN_LABEL
from tests.faults import Faults

pytestmark = pytest.mark.live

MIB = 2**20


@pytest.fixture(scope="module")
def engine() -> ContainerEngine:
    return ContainerEngine()


def run(
    engine: ContainerEngine, image: ImageInfo, *argv: str, mounts: tuple[Mount, ...] = (), memory_bytes: int = 256 * MIB
) -> JobResult:
    job = Job(
        image=image.image_id, argv=argv, mounts=mounts, timeout_s=20.0, memory_bytes=memory_bytes, campaign="hardening"
    )
    return engine.run(job)


def shell(engine: ContainerEngine, image: ImageInfo, script: str, *mounts: Mount) -> ProbeReport:
    report = run(engine, image, "/bin/sh", "-c", script, mounts=mounts).report
    assert report is not None
    return report


def test_a_job_is_nobody(engine: ContainerEngine, native_image: ImageInfo) -> None:
    assert shell(engine, native_image, "id -u; id -g").stdout_tail.split() == ["65534", "65534"]


def test_a_job_has_no_capabilities_and_cannot_gain_any(engine: ContainerEngine, native_image: ImageInfo) -> None:
    said = shell(engine, native_image, "cat /proc/self/status").stdout_tail
    status = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    assert (int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"]) == (0, 0, "1")


@pytest.mark.fault("a guest that calls out")
def test_a_job_has_no_network(engine: ContainerEngine, native_image: ImageInfo) -> None:
    report = shell(engine, native_image, "tail -n +3 /proc/net/dev | cut -d: -f1")
    assert [name for name in report.stdout_tail.split() if not name.startswith("tunl")] == ["lo"]


@pytest.mark.parametrize("place", ["/", "/work", "/usr/local/bin", "/etc"])
@pytest.mark.fault("a guest that writes into its image")
def test_a_job_cannot_write_into_its_image(engine: ContainerEngine, native_image: ImageInfo, place: str) -> None:
    assert shell(engine, native_image, f"echo x > {place}/x").exit_code != 0


@pytest.mark.fault("a guest that writes to its model")
def test_a_job_cannot_write_to_its_files(engine: ContainerEngine, native_image: ImageInfo, tmp_path: Path) -> None:
    model = tmp_path / "model.pb"
    model.write_bytes(b"graph")
    model.chmod(0o666)
    assert shell(engine, native_image, "echo x >> model.pb", Mount(model, "model.pb")).exit_code != 0
    assert model.read_bytes() == b"graph"


@pytest.mark.fault("a guest that fills its scratch space")
def test_scratch_space_is_writable_and_limited(engine: ContainerEngine, native_image: ImageInfo) -> None:
    assert shell(engine, native_image, "echo x > out/x && echo x > /tmp/x").exit_code == 0
    assert shell(engine, native_image, "head -c 80000000 /dev/zero > out/x").exit_code != 0


@pytest.mark.fault("a guest that starts processes without end")
def test_processes_are_limited(engine: ContainerEngine, native_image: ImageInfo) -> None:
    report = shell(engine, native_image, "i=0; while [ $i -lt 400 ]; do sleep 3 & i=$((i+1)); done; wait")
    assert report.exit_code != 0


@pytest.mark.fault("a guest beyond its memory")
def test_more_memory_than_allowed_is_killed_and_reported(
    engine: ContainerEngine, native_image: ImageInfo, tools: Tools
) -> None:
    fixture = (Mount(tools.fixture, "guest"),)
    greedy = run(engine, native_image, "/work/guest", "alloc", str(512 * MIB), mounts=fixture, memory_bytes=128 * MIB)
    modest = run(engine, native_image, "/work/guest", "alloc", str(64 * MIB), mounts=fixture, memory_bytes=128 * MIB)
    assert greedy.oom_killed
    assert not modest.oom_killed
    assert modest.report is not None
    assert modest.report.exit_code == 0


@pytest.mark.fault("the probe itself beyond the container's memory")
def test_a_probe_that_the_kernel_killed_for_memory_is_reported_as_that(
    engine: ContainerEngine, native_image: ImageInfo, faults: Faults
) -> None:
    # what two programs write to memory stays when they are killed, so that the kernel comes to the probe
    fill = "head -c 60000000 /dev/zero > out/x & head -c 60000000 /dev/zero > /tmp/y; wait; true"
    for _ in range(20 * faults.rounds):
        result = run(engine, native_image, "/bin/sh", "-c", fill, memory_bytes=48 * MIB)
        assert result.oom_killed
        if result.report is None:
            faults.injected()
        if faults.count == faults.rounds:
            break
    assert faults.count > 0


@pytest.mark.fault("a container killed behind the lab's back")
def test_a_container_that_somebody_kills_is_an_engine_failure_and_not_out_of_memory(
    engine: ContainerEngine, native_image: ImageInfo, faults: Faults
) -> None:
    for _ in range(faults.rounds):
        killer = threading.Thread(target=kill_soon, args=("hardening",))
        killer.start()
        before = kernel_oom_kills()
        with pytest.raises(EngineFailed, match="from outside") as failure:
            run(engine, native_image, "/bin/sh", "-c", "sleep 30")
        killer.join()
        if kernel_oom_kills() != before:
            continue  # something else on this machine ran out of memory meanwhile
        assert "kills containers" in failure.value.remedy
        faults.injected()


def kill_soon(campaign: str) -> None:
    """Kill the container of a campaign, as soon as it runs."""
    client, deadline = connect(), time.monotonic() + 20
    while time.monotonic() < deadline:
        running = client.containers.list(filters={"label": f"{CAMPAIGN_LABEL}={campaign}"}, ignore_removed=True)
        for container in running:
            container.kill()
            return
        time.sleep(0.1)


@pytest.mark.fault("a file that vanished from the host")
def test_a_file_that_is_missing_on_the_host_is_an_error_and_not_an_empty_directory(
    engine: ContainerEngine, native_image: ImageInfo, tmp_path: Path
) -> None:
    with pytest.raises(EngineFailed, match=r"model\.pb"):
        shell(engine, native_image, "true", Mount(tmp_path / "model.pb", "model.pb"))
    assert not (tmp_path / "model.pb").exists()


@pytest.mark.fault("an image that vanished from the engine")
def test_an_image_that_does_not_exist_is_an_error_that_names_it(engine: ContainerEngine) -> None:
    job = Job(
        image="sha256:" + "0" * 64, argv=("x",), mounts=(), timeout_s=5.0, memory_bytes=256 * MIB, campaign="hardening"
    )
    with pytest.raises(EngineFailed, match="0000000"):
        engine.run(job)


def test_nothing_is_left_of_these_tests(engine: ContainerEngine) -> None:
    assert engine.remove_leftovers("hardening") == 0
