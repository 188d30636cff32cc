"""How long the lab waits for the engine, and what it leaves behind there: on an engine that can be silent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.builds.builder_container import Mounted, run_in
from lab.builds.steps.dockerfile import build_dockerfile
from lab.core.errors import EngineFailed
from lab.core.progress import silent
from lab.engines.docker_sdk import HTTP_TIMEOUT_S, connect, failures_as_lab_errors
from lab.engines.leftovers import remove_abandoned
from lab.engines.owner import CAMPAIGN_LABEL, OWNER_LABEL, owner_labels
from tests.stub_engine import ID, StubEngine, stub_engine

IMPATIENT_S = 0.4
SILENCE_S = 1.2


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubEngine]:
    with stub_engine() as found:
        monkeypatch.setenv("DOCKER_HOST", found.url)
        yield found


def test_an_engine_that_hangs_is_given_up_within_minutes(engine: StubEngine) -> None:
    assert connect().api.timeout == HTTP_TIMEOUT_S <= 120
    client = connect(IMPATIENT_S)
    engine.silences_s["/containers/json"] = SILENCE_S
    with pytest.raises(EngineFailed, match="took too long"), failures_as_lab_errors():
        client.containers.list()


def test_a_build_step_may_be_silent_for_longer_than_a_request(engine: StubEngine, tmp_path: Path) -> None:
    engine.silences_s["/build"] = SILENCE_S
    build_dockerfile(connect(IMPATIENT_S), "stage", "tag", "FROM scratch\n", {}, tmp_path / "log", silent)
    assert "Successfully built" in (tmp_path / "log").read_text()


def compile_something(tmp_path: Path, source: Path) -> int:
    mounts = [Mounted(source, "/src", read_only=True), Mounted(tmp_path, "/target")]
    return run_in(connect(IMPATIENT_S), "builder", "true", mounts, tmp_path / "log", lambda *_: None)


def test_a_compilation_may_be_silent_for_longer_than_a_request(engine: StubEngine, tmp_path: Path) -> None:
    engine.silences_s["/logs"] = SILENCE_S
    assert compile_something(tmp_path, tmp_path) == 0
    assert "Compiling tract-core" in (tmp_path / "log").read_text()
    assert engine.removed == [ID]


def test_a_builders_container_names_its_owner_and_has_no_capabilities(engine: StubEngine, tmp_path: Path) -> None:
    odd = tmp_path / "a:b"
    odd.mkdir()
    assert compile_something(tmp_path, odd) == 0
    (made,) = engine.created
    assert made["Labels"] == owner_labels("build")
    assert made["HostConfig"]["CapDrop"] == ["ALL"]
    assert made["HostConfig"]["SecurityOpt"] == ["no-new-privileges"]
    source, target, _ = made["HostConfig"]["Mounts"]
    assert (source["Source"], source["Target"], source["ReadOnly"]) == (str(odd), "/src", True)
    assert (target["Target"], target["ReadOnly"]) == ("/target", False)


def test_a_builder_trusts_the_certificates_of_today_whenever_its_image_was_made(
    engine: StubEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = tmp_path / "renewed.crt"
    renewed.write_text("a proxy's new certificate")
    monkeypatch.setenv("CARGO_HTTP_CAINFO", str(renewed))
    assert compile_something(tmp_path, tmp_path) == 0
    bundle = engine.created[0]["HostConfig"]["Mounts"][-1]
    assert (bundle["Source"], bundle["Target"], bundle["ReadOnly"]) == (str(renewed), "/opt/ca/host.crt", True)


def test_builders_of_dead_labs_are_removed_and_those_of_living_ones_are_not(engine: StubEngine) -> None:
    program = "from lab.engines.owner import *; print(owner_labels('build')[OWNER_LABEL])"
    dead = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert f" {os.getpid()} " in owner_labels("build")[OWNER_LABEL]
    engine.containers = {
        "dead": {CAMPAIGN_LABEL: "build", OWNER_LABEL: dead},
        "mine": owner_labels("build"),
        "unknown": {CAMPAIGN_LABEL: "build"},
    }
    assert remove_abandoned(connect()) == 1
    assert engine.removed == ["dead"]
