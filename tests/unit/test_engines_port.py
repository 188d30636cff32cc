from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from lab.core.errors import EngineFailed
from lab.core.probe import ProbeReport
from lab.engines.containers import check_limits, container_options
from lab.engines.engine import Job, Mount, decode_report, probe_argv
from lab.engines.owner import OWNER_LABEL, is_abandoned, owner_labels
from lab.engines.processes import ProcessEngine

ROOT = Path(__file__).parents[2]


def job(**changes: object) -> Job:
    plain = {
        "image": "i",
        "argv": ("a", "--b"),
        "mounts": (),
        "timeout_s": 1.5,
        "memory_bytes": 1 << 30,
        "campaign": "c",
    }
    return Job(**{**plain, **changes})  # type: ignore[arg-type]


def test_the_probe_gets_limits_first_and_the_command_after_the_dashes() -> None:
    assert probe_argv(job()) == ["--timeout-ms", "1500", "--", "a", "--b"]
    hashed = ["--timeout-ms", "1500", "--output-file", "out/o", "--file-limit", "9"]
    limited = job(output_file="out/o", output_limit_bytes=9)
    assert probe_argv(limited) == [*hashed, "--", "a", "--b"]
    returned = msgspec.structs.replace(limited, return_file=True)
    assert probe_argv(returned) == [*hashed, "--return-file", "--", "a", "--b"]


def test_a_container_is_shut_off_from_everything_it_does_not_need() -> None:
    options = container_options(job(cpus=(2, 3), case="a case"), "nonce")
    assert options["network_mode"] == "none"
    assert options["read_only"] is True
    assert options["cap_drop"] == ["ALL"]
    assert options["security_opt"] == ["no-new-privileges"]
    assert options["user"] == "65534:65534"
    assert options["mem_limit"] == options["memswap_limit"] == 1 << 30, "no swap"
    assert options["cpuset_cpus"] == "2,3"
    assert set(options["tmpfs"]) == {"/tmp", "/work/out"}  # noqa: S108 - the container's own
    assert options["ipc_mode"] == "none"
    assert {limit["Name"]: limit["Hard"] for limit in options["ulimits"]}["core"] == 0
    assert options["log_config"]["Type"] == "json-file", "logs are read back, and bounded"
    assert int(options["log_config"]["Config"]["max-size"]) < 2**30
    assert options["labels"]["wasm-edge-lab.campaign"] == "c"
    assert options["labels"]["wasm-edge-lab.case"] == "a case"
    assert not is_abandoned(options["labels"]), "this process is alive"


def test_containers_of_a_dead_process_or_an_earlier_boot_are_abandoned() -> None:
    labels = owner_labels("c")
    boot, namespace, pid, start = labels[OWNER_LABEL].split(" ")
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    others = {
        f"{boot} {namespace} {dead.stdout.decode().strip()} {start}": True,
        f"{boot} {namespace} {pid} 1.00": True,
        f"another-boot {namespace} {pid} {start}": True,
        f"{boot} another-namespace 1 {start}": False,
    }
    assert {owner: is_abandoned({**labels, OWNER_LABEL: owner}) for owner in others} == others
    assert not is_abandoned({}), "a container of another version"


def test_an_owner_is_known_by_when_it_started_after_boot_whatever_the_clock_says() -> None:
    started = owner_labels("c")[OWNER_LABEL].split(" ")[-1]
    after_boot_s = int(started) / os.sysconf("SC_CLK_TCK")
    assert after_boot_s == pytest.approx(psutil.Process().create_time() - psutil.boot_time(), abs=1.0)


@pytest.mark.parametrize(
    ("dropped", "remedy"),
    [
        ({"Memory": 0}, "cgroup_enable=memory"),
        ({"MemorySwap": -1}, "swapaccount=1"),
        ({"PidsLimit": None}, "pids controller"),
        ({"CpusetCpus": ""}, "cpuset"),
        ({"NetworkMode": "bridge"}, "supports"),
    ],
)
def test_a_limit_that_the_engine_dropped_stops_the_trial(dropped: dict[str, object], remedy: str) -> None:
    wanted = job(cpus=(0, 1))
    made = {
        "Memory": wanted.memory_bytes,
        "MemorySwap": wanted.memory_bytes,
        "PidsLimit": container_options(wanted, "n")["pids_limit"],
        "CpusetCpus": "0,1",
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "IpcMode": "none",
    }
    check_limits(made, wanted)
    with pytest.raises(EngineFailed) as failure:
        check_limits({**made, **dropped}, wanted)
    assert next(iter(dropped)) in failure.value.message
    assert remedy in failure.value.remedy


def test_mounts_are_read_only_and_a_source_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    mounts = (Mount(tmp_path / "m", "model.pb"), Mount(tmp_path / "i", "input.f32", writable=True))
    bound = container_options(job(mounts=mounts), "nonce")["mounts"]
    assert [(mount["Target"], mount["Type"], mount["ReadOnly"]) for mount in bound] == [
        ("/work/model.pb", "bind", True),
        ("/work/input.f32", "bind", False),
    ]


REPORT = (
    b'{"schema":%d,"nonce":"%s","exit_code":0,"signal":null,"timed_out":false,"output_limited":false,"total_ns":1,'
    b'"marks":[],"rusage":null,"rss_peak_bytes":null,"cgroup":null}'
)


@pytest.mark.parametrize(
    "said", [b"{", b'{"schema":2}', b"\xff", b"[" * 100_000, REPORT % (2, b"guess"), b'{"nonce":"secret"}\n']
)
def test_what_is_no_report_of_the_probe_is_the_engines_failure(said: bytes) -> None:
    with pytest.raises(EngineFailed, match=r"no report of the lab's probe|cannot be read"):
        decode_report(said, "secret")


def test_nothing_at_all_is_no_report() -> None:
    assert decode_report(b"\n \n", "secret") is None


def test_a_probe_of_another_schema_is_refused() -> None:
    with pytest.raises(EngineFailed, match="speaks schema 99, the lab 2"):
        decode_report(REPORT % (99, b"secret"), "secret")


def test_only_the_line_with_the_nonce_is_the_probes_whoever_else_writes() -> None:
    genuine, forged = REPORT % (2, b"secret"), REPORT.replace(b'"total_ns":1', b'"total_ns":9') % (2, b"guess")
    report = decode_report(b"a line of the runtime\n" + genuine + b"\n" + forged + b"\n", "secret")
    assert isinstance(report, ProbeReport)
    assert report.total_ns == 1


def stub_probe(directory: Path, body: str) -> Path:
    path = directory / "probe"
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_process_engine_leads_container_paths_to_the_jobs_own_directory(tmp_path: Path) -> None:
    probe = stub_probe(tmp_path, f'pwd > {tmp_path}/cwd; for arg; do echo "$arg"; done > {tmp_path}/argv; exit 1')
    engine = ProcessEngine(probe, tmp_path / "scratch")
    argv = ("/work/guest", "--mount-root", "/work", "--volume", "/work:/", "/workshop", "out/o")
    with pytest.raises(EngineFailed):
        engine.run(job(argv=argv))
    here = (tmp_path / "cwd").read_text(encoding="utf-8").strip()
    words = (tmp_path / "argv").read_text(encoding="utf-8").split()
    assert words[3:] == [f"{here}/guest", "--mount-root", here, "--volume", f"{here}:/", "/workshop", "out/o"]
    assert not Path(here).exists(), "the job's directory is gone with the job"


def test_the_process_engine_names_a_runtime_that_the_host_lacks(tmp_path: Path) -> None:
    engine = ProcessEngine(stub_probe(tmp_path, "exit 1"), tmp_path / "scratch")
    with pytest.raises(EngineFailed, match="no-such-runtime is not installed on this host"):
        engine.run(job(argv=("/usr/local/bin/no-such-runtime",)))


def test_the_process_engine_removes_one_campaigns_directories_only(tmp_path: Path) -> None:
    engine = ProcessEngine(tmp_path / "probe", tmp_path)
    for name in ("c-1", "c-2", "other-1"):
        (tmp_path / name).mkdir()
    assert engine.remove_leftovers("c") == 2
    assert engine.remove_leftovers("[co]*") == 0, "a name is no pattern"
    assert [path.name for path in tmp_path.iterdir()] == ["other-1"]


ENDLESS_JOB = """
import sys
from pathlib import Path
from lab.engines.engine import Job
from lab.engines.processes import ProcessEngine
job = Job(image="", argv=("guest",), mounts=(), timeout_s=600.0, memory_bytes=1 << 30, campaign="killed")
ProcessEngine(Path(sys.argv[1]), Path(sys.argv[2])).run(job)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="util-linux is not installed here")
def test_a_killed_lab_leaves_no_probe_of_the_process_engine_behind(tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    probe.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    probe.chmod(0o755)
    lab = subprocess.Popen([sys.executable, "-c", ENDLESS_JOB, str(probe), str(tmp_path / "scratch")], cwd=ROOT)
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running = psutil.Process(int((tmp_path / "pid").read_text()))
    lab.kill()
    lab.wait()
    try:
        running.wait(timeout=10)
    finally:
        if running.is_running():
            running.kill()
