"""What the container engine's failures become: by what the user can do about them."""

from __future__ import annotations

import docker.errors
import pytest
import requests.exceptions
import urllib3.exceptions

from lab.core.errors import EngineFailed, EngineForbidden, EngineMissing, LabError
from lab.engines.docker_sdk import GAIN_ACCESS, RUN_DOCTOR, START_ENGINE, connect, failures_as_lab_errors


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


def test_a_refused_request_has_failed_and_says_what_the_engine_said() -> None:
    error = becomes(docker.errors.APIError("500 Server Error", explanation="no such image: lab-native"))
    assert isinstance(error, EngineFailed)
    assert "no such image: lab-native" in error.message
    assert error.remedy == RUN_DOCTOR


def test_a_program_that_a_container_may_not_execute_is_no_matter_of_the_users_rights() -> None:
    said = 'OCI runtime create failed: exec: "/usr/local/bin/probe": permission denied'
    error = becomes(docker.errors.APIError("400 Client Error", explanation=said))
    assert isinstance(error, EngineFailed)
    assert said in error.message


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
