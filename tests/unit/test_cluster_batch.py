"""What others start workers with: a script that bash and Slurm take, a manifest that Kubernetes takes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import kubernetes_validate
import msgspec
import pytest

from lab.cluster.batch import LABEL, NODE_HOME, POD_HOME, SECRET
from lab.cluster.invitation import invite
from tests.command import lab


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The script as the command prints it, its submitter's cache in a place with a space in its name."""
    home = tmp_path / "my cache"
    home.mkdir()
    monkeypatch.setenv("LAB_HOME", str(home))
    ran = lab("worker", "alpha:8786", "--slurm", "--engine", "process", "--share", tmp_path / "a share")
    assert ran.code == 0, ran.err
    return ran.out


def test_bash_takes_the_script(script: str) -> None:
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_the_script_asks_for_a_node_of_its_own_and_for_time_to_finish_a_trial(script: str) -> None:
    options = {line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH")}
    assert {"--exclusive", "--nodes=1", "--no-requeue", "--signal=B:TERM@1800"} <= options


def test_the_script_runs_a_worker_with_its_cache_on_the_node(script: str, tmp_path: Path) -> None:
    invite(tmp_path / "my cache")
    where = tmp_path / "node"
    played = script.replace(NODE_HOME, str(where)).replace("exec ", "exec echo ")
    ran = subprocess.run(["bash"], input=played, text=True, check=True, capture_output=True, env={"PATH": os.defpath})
    assert "lab worker alpha:8786 --once --share" in ran.stdout
    assert ran.stdout.strip().endswith("a share --engine process")
    [home] = tmp_path.glob("node-*")
    assert (home / "invitation.pem").stat().st_mode & 0o777 == 0o600


def manifest(*words: object) -> dict[str, object]:
    ran = lab("worker", "alpha:8786", "--kubernetes", "registry.example/lab:1", *words)
    assert ran.code == 0, ran.err
    decoded: dict[str, object] = msgspec.yaml.decode(ran.out)
    return decoded


@pytest.mark.parametrize("version", ["1.28", "1.33"])
def test_kubernetes_takes_the_manifest(version: str) -> None:
    kubernetes_validate.validate(manifest(), version, strict=True)


def test_a_manifest_with_a_wrong_field_would_be_refused() -> None:
    made = manifest()
    made["spec"]["template"]["spec"]["nodeSelect"] = {}  # type: ignore[index]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(made, "1.33", strict=True)


def test_a_pod_is_the_only_worker_of_a_labelled_node_and_finds_its_certificate() -> None:
    made = msgspec.json.encode(manifest("--share", "/srv/share")).decode()
    assert '"kind":"DaemonSet"' in made
    assert f'"nodeSelector":{{"{LABEL}":"worker"}}' in made
    assert f'"mountPath":"{POD_HOME}/invitation.pem"' in made
    assert f'"secretName":"{SECRET}","defaultMode":256' in made
    assert '"--share","/srv/share"' in made


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("localhost", "--slurm"), "other machines do not reach"),
        (("127.0.0.1:9", "--kubernetes", "lab:1"), "other machines do not reach"),
        (("alpha", "--slurm", "--kubernetes", "lab:1"), "were both given"),
        (("--slurm",), "no address is given"),
    ],
)
def test_what_cannot_work_is_refused(words: tuple[str, ...], message: str) -> None:
    ran = lab("worker", *words)
    assert ran.code == 2
    assert message in ran.err
