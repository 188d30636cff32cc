"""Looking into an image: its files, and what its runtime says of itself."""

from __future__ import annotations

import hashlib
import io
import posixpath
import tarfile

from lab.core.errors import BuildFailed
from lab.engines.client import DockerClient, failures_as_lab_errors
from lab.runtimes.registry import RUNTIMES

_LINKS_FOLLOWED = 8
REBUILD = "rebuild the image with `lab build`"


def read_file(client: DockerClient, image: str, path: str) -> bytes:
    """A file's bytes, out of an image; symbolic links are followed.

    Raises:
        BuildFailed: the image has no such file.
    """
    with failures_as_lab_errors():
        container = client.containers.create(image, command=["-"], network_disabled=True)
        try:
            for _ in range(_LINKS_FOLLOWED):
                stream, _ = container.get_archive(path)
                with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
                    entry = tar.getmembers()[0]
                    if not entry.issym():
                        content = tar.extractfile(entry)
                        break
                path = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.linkname))
            else:
                content = None
            if content is None:
                raise BuildFailed(f"{path} in image {image} is no file", REBUILD)
            return content.read()
        finally:
            container.remove(force=True)


def binary_sha256(client: DockerClient, image: str, path: str) -> str:
    """sha256 of a file in an image."""
    return hashlib.sha256(read_file(client, image, path)).hexdigest()


def say_version(client: DockerClient, image: str, runtime: str) -> str:
    """The version that a runtime's binary prints; empty if it prints none.

    Raises:
        BuildFailed: the binary does not even start.
    """
    module = next(one for one in RUNTIMES if one.name == runtime)
    argv = module.version_argv()
    with failures_as_lab_errors():
        container = client.containers.create(
            image,
            entrypoint=[argv[0]],
            command=list(argv[1:]),
            network_disabled=True,
            tmpfs={"/tmp": ""},  # noqa: S108
        )
        try:
            container.start()
            code = container.wait(timeout=60)["StatusCode"]
            said = container.logs().decode(errors="replace")
        finally:
            container.remove(force=True)
    if code in {126, 127}:
        raise BuildFailed(f"{argv[0]} in image {image} does not start: {said.strip()[-200:]}", REBUILD)
    return module.parse_version(said) or ""
