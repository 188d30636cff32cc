"""Debian packages by the lock, with real apt: from a mirror, from a mirror that has moved on, and from saved files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.builds.artifacts import add_sums
from lab.builds.debian.lock import LockedPackage, PackageLock
from lab.builds.images.candidates import Catalogue
from lab.builds.images.ensure import build_steps
from lab.builds.steps.context import Content
from lab.builds.steps.step import StageStep
from lab.core.errors import BuildFailed, PackagesMissing
from lab.core.progress import silent
from lab.disk.paths import ROOT
from lab.disk.whole import write_whole
from lab.engines.docker_sdk import DockerClient, connect
from tests.debian_archive import deb, file_name, locked, pool, record

pytestmark = pytest.mark.live

TAG = "wasm-edge-lab/of-a-test:packages"
TOOL = {version: deb("lab-tool", version, "lab-library") for version in ("1.0", "1.1")}
LIBRARY = deb("lab-library", "3")
LOCKED = (locked("tool", "lab-tool", "1.0", TOOL["1.0"]), locked("tool", "lab-library", "3", LIBRARY))
TEXT = """FROM {base}
COPY mirror/ /mirror/
RUN echo 'deb [trusted=yes] copy:/mirror/debian ./' > /etc/apt/sources.list
COPY packages/ /packages/
RUN /packages/install tool lab-tool && rm -rf /packages
"""


@pytest.fixture(scope="module")
def client() -> DockerClient:
    return connect()


@pytest.fixture(scope="module")
def base(client: DockerClient) -> str:
    step = Catalogue("current", client).base("trixie")
    assert build_steps([step], client, silent) == {}
    return step.tag


@pytest.fixture(autouse=True)
def own_image(client: DockerClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LAB_ARTIFACTS", raising=False)
    yield
    if client.api.images(filters={"reference": TAG}):
        client.images.remove(TAG, force=True)


def mirror(*versions: str, served: dict[str, bytes] = TOOL) -> dict[str, Content]:
    """An archive that holds the library, and the tool in these versions; `served` are its files."""
    index = [record("lab-tool", version, TOOL[version], "lab-library") for version in versions]
    index.append(record("lab-library", "3", LIBRARY))
    files: dict[str, Content] = {f"mirror/debian/{pool('lab-tool', version)}": served[version] for version in versions}
    files[f"mirror/debian/{pool('lab-library', '3')}"] = LIBRARY
    return files | {"mirror/debian/Packages": "\n".join(index).encode()}


def step(base: str, archive: dict[str, Content], packages: tuple[LockedPackage, ...] = LOCKED) -> StageStep:
    lock = PackageLock(dict.fromkeys({p.suite for p in packages}, "20260101T000000Z"), packages).text().encode()
    own: dict[str, Content] = {"packages/install": ROOT / "packages" / "install", "packages/lock": lock}
    return StageStep("tool", "key", TAG, dockerfile=TEXT.format(base=base), files=archive | own, packages=packages)


def installed(client: DockerClient) -> str:
    script = "cat /usr/share/lab-tool; ls -A /packages /var/lib/apt/lists /var/cache/apt 2>/dev/null || true"
    return bytes(client.containers.run(TAG, ["sh", "-c", script], network_disabled=True, remove=True)).decode()


def test_the_locked_version_is_installed_although_the_mirror_has_a_newer_one(client: DockerClient, base: str) -> None:
    step(base, mirror("1.0", "1.1")).build(client, silent)
    said = installed(client)
    assert said.startswith("1.0")
    assert ".deb" not in said, "the image holds no package files"


def test_a_mirror_that_has_moved_on_is_an_error_with_both_versions_and_two_ways_out(
    client: DockerClient, base: str
) -> None:
    with pytest.raises(PackagesMissing) as caught:
        step(base, mirror("1.1")).build(client, silent)
    assert "lab-tool 1.0 (the archive has 1.1)" in caught.value.message
    assert "lab-library" not in caught.value.message, "it is still there"
    assert "lab build --lock-packages" in caught.value.remedy
    assert "LAB_ARTIFACTS" in caught.value.remedy


def test_saved_packages_make_the_build_work_although_the_mirror_has_moved_on(
    client: DockerClient, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = f"packages/{file_name('lab-tool', '1.0')}"
    write_whole(tmp_path / file, TOOL["1.0"])
    add_sums(tmp_path, {file: LOCKED[0].sha256})
    monkeypatch.setenv("LAB_ARTIFACTS", str(tmp_path))
    step(base, mirror("1.1")).build(client, silent)
    assert installed(client).startswith("1.0")


def test_a_file_that_differs_from_the_lock_is_never_installed(client: DockerClient, base: str) -> None:
    changed = {"1.0": deb("lab-tool", "1.0", "lab-library, lab-library")}
    with pytest.raises(PackagesMissing, match=r"lab-tool 1.0 \(the archive has another file of that version\)"):
        step(base, mirror("1.0", served=changed)).build(client, silent)


def test_what_the_lock_does_not_hold_is_not_taken_from_the_mirror(client: DockerClient, base: str) -> None:
    with pytest.raises(BuildFailed, match="tool failed at step 5 of 5"):
        step(base, mirror("1.0"), LOCKED[:1]).build(client, silent)
