"""The Docker SDK's one seam: everything that talks to the engine connects here, and its errors become ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import docker
import docker.errors
import requests.exceptions
import urllib3.exceptions
from docker import DockerClient
from docker.models.containers import Container
from docker.types import Mount as BindMount

from lab.core.errors import EngineFailed, EngineForbidden, EngineMissing

__all__ = ["HTTP_TIMEOUT_S", "SILENCE_S", "BindMount", "Container", "DockerClient", "connect", "failures_as_lab_errors"]

START_ENGINE = "start it (`systemctl start docker`) or install Docker Engine; DOCKER_HOST names another one"
GAIN_ACCESS = "add yourself to the group that owns the socket (`usermod -aG docker $USER`, then log in again)"
RUN_DOCTOR = "run `lab doctor`; the same command resumes"
SEE_RUNTIME = (
    "your access to the engine is not the matter: see the engine's log (`journalctl -u docker`), and where permission "
    "was denied, the file's mode, AppArmor or SELinux; the same command resumes"
)
# For an ordinary request. A daemon that hangs must not look like a lab that does.
HTTP_TIMEOUT_S = 120
# For what legitimately says nothing for long: a build's step, a compilation that is followed, a large import or pull.
SILENCE_S = 3600
# How runc, crun and the engine's shim begin what they say.
_RUNTIMES = ("OCI runtime", "runc", "crun", "failed to create task for container", "failed to create shim task")
# Errors of the SDK about what an engine answered, beside APIError.
_ANSWERS = (
    docker.errors.BuildError,
    docker.errors.ContainerError,
    docker.errors.ImageLoadError,
    docker.errors.StreamParseError,
)
_TOO_SLOW = (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError)


def connect(timeout_s: float = HTTP_TIMEOUT_S) -> DockerClient:
    """A client of the engine that answers.

    Args:
        timeout_s: how long each request may go without an answer, if the request itself sets no other limit.

    Raises:
        EngineMissing: none answers.
        EngineForbidden: one does, but this user may not talk to it.
    """
    with failures_as_lab_errors():
        client = docker.from_env(timeout=timeout_s)  # type: ignore[arg-type]  # fractions are taken, too
        client.ping()
        return client


@contextlib.contextmanager
def failures_as_lab_errors() -> Iterator[None]:
    """Turn the SDK's exceptions into the lab's, by what the user can do about them."""
    try:
        yield
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        chain = _chain(error)
        answer = _answer(error)
        if answer is not None and any(name in answer for name in _RUNTIMES):
            raise EngineFailed(f"the engine's container runtime failed: {answer}", SEE_RUNTIME) from error
        if answer is not None:
            raise EngineFailed(f"the container engine refused a request: {answer}", RUN_DOCTOR) from error
        if any(isinstance(link, PermissionError) for link in chain):
            raise EngineForbidden(f"the container engine refuses this user: {error}", GAIN_ACCESS) from error
        if any(isinstance(link, _TOO_SLOW) for link in chain):
            raise EngineFailed(f"the container engine took too long: {error}", RUN_DOCTOR) from error
        raise EngineMissing(f"no container engine answers: {error}", START_ENGINE) from error


def _answer(error: Exception) -> str | None:
    """What an engine said that did answer; None if none did."""
    if isinstance(error, docker.errors.APIError):
        return str(error.explanation or error)
    return str(error) if isinstance(error, _ANSWERS) else None


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it was made of; not what else was being handled when it was raised."""
    links: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        link = pending.pop()
        if link is None or link in links:
            continue
        links.append(link)
        pending.append(link.__cause__)
        pending += [argument for argument in link.args if isinstance(argument, BaseException)]
    return links
