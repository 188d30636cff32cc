"""Build contexts: just the files that one stage copies, as a tar with nothing in it that differs between machines."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import certifi

from lab.core.errors import BuildFailed

CA_FILE = "ca/host.crt"
_CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_IGNORED_DIRECTORIES = frozenset({"target", "__pycache__"})


def ca_bundle() -> Path:
    """The certificates this host trusts: those of a TLS-inspecting proxy among them, where there is one."""
    named = [os.environ[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if name in os.environ]
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


def pack(dockerfile: str, files: Mapping[str, Path]) -> io.BytesIO:
    """The context as a tar: fixed owner, times and order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add(tar, "Dockerfile", dockerfile.encode(), executable=False)
        for name, path in sorted(files.items()):
            _add(tar, name, path.read_bytes(), executable=os.access(path, os.X_OK))
    buffer.seek(0)
    return buffer


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
