"""The workflow of docs/ci.md is one that GitHub takes, and its commands do what the page says, on a fake engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lab.builds.pins import load_pins
from lab.campaign.experiment_file import cases_of, load
from tests.ci_lab import PLAN

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], None: ["bash", "-e"]}
"""How GitHub starts a step's shell, where it is named and where it is not."""


def fenced(language: str) -> str:
    found = re.search(rf"```{language}\n(.+?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


WORKFLOW: dict[str, Any] = msgspec.yaml.decode(fenced("yaml"))
STEPS: dict[str, dict[str, Any]] = {
    step["name"]: step for step in WORKFLOW["jobs"]["measure"]["steps"] if "name" in step
}


def test_the_workflow_is_valid_by_the_schema_of_github_workflows(tmp_path: Path) -> None:
    path = tmp_path / "inference.yml"
    path.write_text(fenced("yaml"), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    path.write_text(fenced("yaml").replace("runs-on", "runs_on"), encoding="utf-8")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0, "the schema is looked at"


def test_the_experiment_of_the_page_is_what_the_workflow_runs(tmp_path: Path) -> None:
    (tmp_path / "ci.toml").write_text(fenced("toml"), encoding="utf-8")
    plan = load(tmp_path / "ci.toml")
    wasm = [case for case in cases_of(plan, "change") if not case.arm.is_native]
    assert wasm == PLAN
    assert "run engine/ci.toml --tier change" in STEPS["Measure"]["run"]


def test_the_artifact_is_the_one_that_the_pins_name() -> None:
    artifact = load_pins().edition("current").runtime(WORKFLOW["env"]["RUNTIME"]).artifact
    assert artifact is not None
    assert WORKFLOW["env"]["ARTIFACT"] == artifact.file


class Runner:
    """A machine of GitHub's: a workspace with both checkouts, and what the steps take for granted."""

    def __init__(self, directory: Path) -> None:
        self.workspace = directory / "workspace"
        self.workspace.mkdir(parents=True)
        self.summary = directory / "summary.md"
        self.stored = directory.parent / "stored"
        self._environment = {
            **os.environ,
            **WORKFLOW["env"],
            "PATH": f"{directory / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "LAB_HOME": str(directory / "home"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_REPOSITORY": "example/engine",
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }
        self._script(self.workspace / "lab/.venv/bin/lab", f'exec {sys.executable} -m tests.ci_lab "$@"')
        # the run's number, then its artifact
        self._script(directory / "bin/gh", f'[ "$2" = list ] && echo 7 || cp -r {self.stored} before')
        (self.workspace / "engine/target/release").mkdir(parents=True)
        (self.workspace / "engine/ci.toml").write_text(fenced("toml"), encoding="utf-8")

    def _script(self, path: Path, line: str) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        path.chmod(0o755)

    def build(self, slower: float) -> None:
        """Leave a runtime where the engine's build would."""
        (self.workspace / "engine/target/release/wasmtime").write_text(str(slower))

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the workflow as GitHub does."""
        step = STEPS[name]
        given = {
            key: value.replace("${{ github.workspace }}", str(self.workspace))
            for key, value in step.get("env", {}).items()
        }
        assert not any("${{" in value for key, value in given.items() if key != "GH_TOKEN")
        return subprocess.run(
            [*SHELLS[step.get("shell")], "-c", step["run"]],
            cwd=self.workspace / step.get("working-directory", "."),
            env=self._environment | given,
            capture_output=True,
            text=True,
            check=False,
        )

    def steps(self, *names: str) -> None:
        """Run steps that must work."""
        for name in names:
            done = self.step(name)
            assert done.returncode == 0, f"{name}: {done.stderr}"


def test_a_confirmed_regression_fails_the_job_and_no_change_does_not(tmp_path: Path) -> None:
    if shutil.which("xz") is None:
        pytest.skip("xz is not installed: apt-get install xz-utils")
    main = Runner(tmp_path / "main")
    main.build(1.0)
    main.steps("Make it an artifact of the lab", "Measure")
    shutil.copytree(main.workspace / STEPS["Store what the main branch measured"]["with"]["path"], main.stored)
    for name, slower, code in (("slower", 1.3, 1), ("same", 1.0, 0)):
        change = Runner(tmp_path / name)
        change.build(slower)
        change.steps("Make it an artifact of the lab", "Measure", "Fetch what the main branch measured")
        done = change.step("Compare")
        assert done.returncode == code, done.stderr
        assert (change.workspace / "comparison.html").is_file()
        summary = change.summary.read_text(encoding="utf-8")
        assert ("confirmed by 10 fresh blocks" in summary) is (code == 1)
        assert ("wasmtime-jit-cranelift@o3 yunet b1: overall time 1.3" in summary) is (code == 1)
