"""Build contexts: just the files that one stage copies, as a tar with nothing in it that differs between machines."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

import certifi

from lab.core.errors import BuildFailed

Content = Path | bytes
"""A file of a build context: one of this machine's, or what it holds."""
CA_FILE = "ca/host.crt"
CA_PLACE = "/opt/ca/host.crt"
"""Where builders look for it."""
PACKAGES = "packages"
"""The lock of Debian packages, and the script that installs them; a stage gets its own lines of the lock."""
_CA_VARIABLES = ("CARGO_HTTP_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_IGNORED_DIRECTORIES = frozenset({"target", "__pycache__"})


def ca_bundle() -> Path:
    """The certificates this host trusts: those of a TLS-inspecting proxy among them, where there is one."""
    named = [os.environ[name] for name in _CA_VARIABLES if name in os.environ]
    for candidate in (*named, *_CA_BUNDLES):
        if Path(candidate).is_file():
            return Path(candidate)
    return Path(certifi.where())


def files_under(root: Path, path: str) -> dict[str, Path]:
    """Every file at or below `path`, by its name in the context, sorted.

    Raises:
        BuildFailed: there is nothing there.
    """
    start = root / path
    if start.is_file():
        return {path: start}
    files = {
        f"{path}/{file.relative_to(start).as_posix()}": file
        for file in sorted(start.rglob("*"))
        if file.is_file() and not _IGNORED_DIRECTORIES & set(file.relative_to(start).parts)
    }
    if not files:
        raise BuildFailed(f"the build needs {start}, which is missing", "run from a complete checkout of the lab")
    return files


def digest(files: Mapping[str, Path]) -> str:
    """sha256 over names, executable bits and contents, in order of name."""
    whole = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{name}\0{os.access(path, os.X_OK)}\0{content}\n".encode())
    return whole.hexdigest()


def pack(dockerfile: str, files: Mapping[str, Content]) -> IO[bytes]:
    """The context as a tar in a temporary file: fixed owner, times and order."""
    packed = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's to close; packages and binaries are large
    with tarfile.open(fileobj=packed, mode="w") as tar:
        _add(tar, "Dockerfile", dockerfile.encode(), executable=False)
        for name, content in sorted(files.items()):
            if isinstance(content, bytes):
                _add(tar, name, content, executable=False)
            else:
                _add(tar, name, content.read_bytes(), executable=os.access(content, os.X_OK))
    packed.seek(0)
    return packed


def _add(tar: tarfile.TarFile, name: str, content: bytes, *, executable: bool) -> None:
    for directory in _parents(name):
        if directory not in tar.getnames():
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o755 if executable else 0o644
    tar.addfile(entry, io.BytesIO(content))


def _parents(name: str) -> Iterable[str]:
    parts = name.split("/")[:-1]
    return ("/".join(parts[: i + 1]) for i in range(len(parts)))
