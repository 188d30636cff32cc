from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lab.core.errors import EngineFailed
from lab.core.probe import ProbeReport
from lab.engines.containers import _decode, _options
from lab.engines.engine import Job, Mount, probe_argv
from lab.engines.processes import ProcessEngine


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


def test_the_probe_is_told_limits_first_and_the_command_after_the_dashes() -> None:
    assert probe_argv(job()) == ["--timeout-ms", "1500", "--", "a", "--b"]
    assert probe_argv(job(ship="out/o")) == ["--timeout-ms", "1500", "--ship", "out/o", "--", "a", "--b"]


def test_a_container_is_shut_off_from_everything_it_does_not_need() -> None:
    options = _options(job(cpus=(2, 3)))
    assert options["network_mode"] == "none"
    assert options["read_only"] is True
    assert options["cap_drop"] == ["ALL"]
    assert options["security_opt"] == ["no-new-privileges"]
    assert options["user"] == "65534:65534"
    assert options["mem_limit"] == options["memswap_limit"] == 1 << 30, "no swap"
    assert options["cpuset_cpus"] == "2,3"
    assert set(options["tmpfs"]) == {"/tmp", "/work/out"}  # noqa: S108 - the container's own
    assert options["labels"] == {"wasm-edge-lab.campaign": "c"}


def test_mounts_are_read_only_and_a_source_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    mounts = (Mount(tmp_path / "m", "model.pb"), Mount(tmp_path, "out", writable=True))
    bound = _options(job(mounts=mounts))["mounts"]
    assert [(one["Target"], one["Type"], one["ReadOnly"]) for one in bound] == [
        ("/work/model.pb", "bind", True),
        ("/work/out", "bind", False),
    ]
    assert "/work/out" not in _options(job(mounts=mounts))["tmpfs"]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [(b"{", "cannot be read"), (b'{"schema":1}', "cannot be read"), (b"\xff", "cannot be read")],
)
def test_a_report_that_is_none_is_the_engines_failure(said: bytes, complaint: str) -> None:
    with pytest.raises(EngineFailed, match=complaint):
        _decode(said)


def test_a_probe_of_another_schema_is_refused() -> None:
    said = (
        b'{"schema":99,"exit_code":0,"signal":null,"timed_out":false,"output_limited":false,"total_ns":1,'
        b'"marks":[],"rusage":null,"rss_peak_bytes":null,"cgroup":null}'
    )
    with pytest.raises(EngineFailed, match="speaks schema 99, the lab 1"):
        _decode(said)
    report = _decode(b"a line of the runtime\n" + said.replace(b"99", b"1") + b"\n")
    assert isinstance(report, ProbeReport)


def stub_probe(directory: Path, body: str) -> Path:
    path = directory / "probe"
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_process_engine_leads_container_paths_to_the_jobs_own_directory(tmp_path: Path) -> None:
    probe = stub_probe(tmp_path, f'pwd > {tmp_path}/cwd; for word; do echo "$word"; done > {tmp_path}/argv; exit 1')
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


def test_the_process_engine_sweeps_one_campaigns_directories_only(tmp_path: Path) -> None:
    engine = ProcessEngine(tmp_path / "probe", tmp_path)
    for name in ("c-1", "c-2", "other-1"):
        (tmp_path / name).mkdir()
    assert engine.sweep("c") == 2
    assert engine.sweep("[co]*") == 0, "a name is no pattern"
    assert [path.name for path in tmp_path.iterdir()] == ["other-1"]
