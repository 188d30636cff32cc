"""What the container engine's failures become: by what the user can do about them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import docker.errors
import pytest
import requests.exceptions
import urllib3.exceptions

from lab.core.errors import EngineFailed, EngineForbidden, EngineMissing, LabError
from lab.engines.docker_sdk import GAIN_ACCESS, RUN_DOCTOR, SEE_RUNTIME, START_ENGINE, connect, failures_as_lab_errors


def becomes(error: Exception) -> LabError:
    with pytest.raises(LabError) as caught, failures_as_lab_errors():
        raise error
    return caught.value


def test_no_engine_at_all_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(EngineMissing) as caught:
        connect()
    assert caught.value.remedy == START_ENGINE


def test_a_refused_socket_is_forbidden_however_deep_the_refusal_lies() -> None:
    wrapped = docker.errors.DockerException("Error while fetching server API version")
    wrapped.__cause__ = requests.exceptions.ConnectionError(
        urllib3.exceptions.ProtocolError("Connection aborted.", PermissionError(13, "Permission denied"))
    )
    error = becomes(wrapped)
    assert isinstance(error, EngineForbidden)
    assert error.remedy == GAIN_ACCESS


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root is refused nothing")
def test_a_socket_without_rights_is_forbidden_to_a_real_client(tmp_path: Path) -> None:
    place = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        listening.listen()
        place.chmod(0o000)
        script = (
            "from lab.engines.docker_sdk import connect\nfrom lab.core.errors import EngineForbidden\n"
            "try:\n    connect(timeout_s=5)\nexcept EngineForbidden:\n    print('forbidden')"
        )
        # whoever may write everywhere would be let in
        drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"] if os.geteuid() == 0 else []
        done = subprocess.run(
            [*drop, sys.executable, "-c", script],
            env={**os.environ, "DOCKER_HOST": f"unix://{place}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.stdout == "forbidden\n", done.stderr


def test_a_refused_request_has_failed_and_says_what_the_engine_said() -> None:
    error = becomes(docker.errors.APIError("500 Server Error", explanation="no such image: lab-native"))
    assert isinstance(error, EngineFailed)
    assert "no such image: lab-native" in error.message
    assert error.remedy == RUN_DOCTOR


@pytest.mark.parametrize(
    "said",
    [
        'OCI runtime create failed: exec: "/usr/local/bin/probe": permission denied',
        "failed to create task for container: runc create failed: unable to start init: permission denied",
        "crun: open `/proc/self/attr/exec`: Permission denied: OCI permission denied",
    ],
)
@pytest.mark.parametrize("kind", ["request", "build"])
def test_what_the_container_runtime_was_denied_is_no_matter_of_the_users_rights(said: str, kind: str) -> None:
    error = becomes(
        docker.errors.APIError("400 Client Error", explanation=said)
        if kind == "request"
        else docker.errors.BuildError(said, iter(()))
    )
    assert type(error) is EngineFailed
    assert said in error.message
    assert error.remedy == SEE_RUNTIME


def test_a_file_that_the_lab_could_not_read_before_is_no_matter_of_the_engine() -> None:
    error = requests.exceptions.ConnectionError("Remote end closed connection")
    error.__context__ = PermissionError(13, "Permission denied", "a file of the lab")
    assert type(becomes(error)) is EngineMissing


def test_an_engine_that_goes_away_is_missing() -> None:
    assert isinstance(becomes(requests.exceptions.ConnectionError("Remote end closed connection")), EngineMissing)


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ReadTimeout("Read timed out."),
        requests.exceptions.ConnectionError(urllib3.exceptions.ReadTimeoutError(None, "", "Read timed out.")),  # type: ignore[arg-type]
    ],
)
def test_an_engine_that_does_not_answer_in_time_has_failed_and_is_not_missing(error: Exception) -> None:
    assert isinstance(becomes(error), EngineFailed)


def test_other_peoples_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), failures_as_lab_errors():
        raise ZeroDivisionError
