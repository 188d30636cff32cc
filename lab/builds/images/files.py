"""Looking into an image: its files, and what its runtime says of itself."""

from __future__ import annotations

import hashlib
import io
import posixpath
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

from lab.core.errors import BuildFailed
from lab.engines.docker_sdk import Container, DockerClient, failures_as_lab_errors
from lab.engines.leftovers import discard
from lab.engines.owner import owner_labels
from lab.runtimes.registry import RUNTIMES

_LINKS_FOLLOWED = 8
VERSION_TIMEOUT_S = 120
PIDS_LIMIT = 256
MEMORY_BYTES = 2 * 2**30
REBUILD = "rebuild the image with `lab build`"


@contextmanager
def unstarted(client: DockerClient, image: str) -> Iterator[Container]:
    """A container of an image, to look into; removed in the end."""
    with _container(client, image, ("-",)) as container:
        yield container


@contextmanager
def _container(client: DockerClient, image: str, argv: tuple[str, ...]) -> Iterator[Container]:
    with failures_as_lab_errors():
        container = client.containers.create(
            image,
            entrypoint=[argv[0]],
            command=list(argv[1:]),
            network_disabled=True,
            # what is looked into came from elsewhere, and is asked for its version
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            pids_limit=PIDS_LIMIT,
            mem_limit=MEMORY_BYTES,
            memswap_limit=MEMORY_BYTES,
            labels=owner_labels("build"),
            tmpfs={"/tmp": ""},  # noqa: S108  # in the container
        )
        try:
            yield container
        finally:
            discard(container)


def read_file(client: DockerClient, image: str, path: str) -> bytes:
    """A file's bytes, out of an image; symbolic links are followed.

    Raises:
        BuildFailed: the image has no such file.
    """
    return read_files(client, image, path)[0]


def read_files(client: DockerClient, image: str, *paths: str) -> list[bytes]:
    """Several files' bytes, out of one image, in that order; as `read_file`."""
    with unstarted(client, image) as container:
        return [_read(container, path) for path in paths]


def look_into(client: DockerClient, image: str, runtime: str, path: str) -> tuple[str, str]:
    """sha256 of a runtime's binary, and the version that it prints (empty if it prints none).

    Raises:
        BuildFailed: the binary is not there, or does not even start.
    """
    module = next(module for module in RUNTIMES if module.name == runtime)
    argv = module.version_argv()
    with _container(client, image, argv) as container:
        checksum = hashlib.sha256(_read(container, path)).hexdigest()
        container.start()
        code = container.wait(timeout=VERSION_TIMEOUT_S)["StatusCode"]
        said = container.logs().decode(errors="replace")
    if code in {126, 127}:
        raise BuildFailed(f"{argv[0]} in image {image} does not start: {said.strip()[-200:]}", REBUILD)
    return checksum, module.parse_version(said) or ""


def _read(container: Container, path: str) -> bytes:
    asked = path
    for _ in range(_LINKS_FOLLOWED):
        stream, _ = container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            entry = tar.getmembers()[0]
            content = tar.extractfile(entry) if entry.isfile() else None
            if content is not None:
                return content.read()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.linkname))
    raise BuildFailed(f"{asked} in the image is no file", REBUILD)
