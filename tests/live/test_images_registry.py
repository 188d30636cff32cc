"""Pulling a base by digest, from an image registry on this machine in place of the public one."""

from __future__ import annotations

import contextlib
import io
import shutil
import socket
import subprocess
import tarfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker.errors
import pytest

from lab.builds.pins import Base
from lab.builds.steps.bases import base_step
from lab.core.errors import LabError
from lab.core.progress import silent
from lab.engines.docker_sdk import DockerClient, connect

pytestmark = pytest.mark.live

CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {directory}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@pytest.fixture
def client() -> DockerClient:
    return connect()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    binary = shutil.which("docker-registry")
    if binary is None:
        pytest.skip("docker-registry (a Debian package) is not installed, so pulling by digest stays untried")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "registry.yml"
    config.write_text(CONFIG.format(directory=tmp_path / "blobs", port=port))
    with subprocess.Popen(
        [binary, "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_for(port)
            yield f"localhost:{port}"
        finally:
            server.terminate()


def wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    pytest.fail("the registry did not start")


def publish(client: DockerClient, reference: str) -> str:
    """Push an image with one file of fresh content, forget it here, and return its digest."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        content = uuid.uuid4().bytes
        entry = tarfile.TarInfo("content")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    repository, _, tag = reference.rpartition(":")
    client.api.import_image_from_data(layer.getvalue(), repository=repository, tag=tag)
    client.images.push(repository, tag=tag)
    digest = str(client.images.get(reference).attrs["RepoDigests"][0]).partition("@")[2]
    client.images.remove(reference, force=True)
    return digest


def test_a_base_is_pulled_by_digest_from_a_registry_that_answers(
    client: DockerClient, registry: str, tmp_path: Path
) -> None:
    reference = f"{registry}/stand-in:1"
    base = Base(reference, publish(client, reference), "bullseye", 0, stand_in=True)
    step = base_step("own", base, client)
    assert step.tag == base.pinned
    step.build(client, silent)
    assert client.images.get(base.pinned).id
    assert base_step("own", base, client, reachable=False) == step, "what was pulled is kept"
    assert step.describe() == base.pinned
    client.images.remove(base.pinned, force=True)


def test_a_digest_the_registry_does_not_have_is_never_replaced_by_another_image(
    client: DockerClient, registry: str, tmp_path: Path
) -> None:
    reference = f"{registry}/stand-in:1"
    publish(client, reference)
    base = Base(reference, "sha256:" + "0" * 64, "bullseye", 0, stand_in=True)
    assert base_step("own", base, client).tag.startswith("wasm-edge-lab/base:bullseye-"), "no pull can succeed"
    pulled = base_step("own", base, client, reachable=True)
    with pytest.raises(LabError):
        pulled.build(client, silent)
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get(base.pinned)


def test_a_registry_that_does_not_answer_costs_seconds_and_leads_to_a_bootstrap(client: DockerClient) -> None:
    base = Base("localhost:1/absent:1", "sha256:" + "0" * 64, "bullseye", 0)
    started = time.monotonic()
    assert base_step("own", base, client).tag.startswith("wasm-edge-lab/base:bullseye-")
    assert time.monotonic() - started < 30
