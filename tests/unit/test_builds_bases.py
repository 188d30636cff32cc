"""Bases: kept, pulled or bootstrapped, and said so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from lab.builds.debian.lock import LockedPackage, PackageLock
from lab.builds.pins import Base
from lab.builds.steps.bases import base_step
from lab.core.errors import BuildFailed
from lab.core.progress import silent
from lab.engines.docker_sdk import DockerClient

BASE = Base("ubuntu:20.04", "sha256:" + "a" * 64, "bullseye", 1_700_000_000, stand_in=True)
TAR = "c" * 64
LIBC = LockedPackage("bullseye", "amd64", "base", "libc6", "2.31-13", "d" * 64, "debian/pool/main/g/glibc/libc6.deb")


class Api:
    """An engine's images as its API lists them: those with these tags, and those pulled by these digests."""

    def __init__(self, tags: set[str], digests: set[str]) -> None:
        self._tags, self._digests = tags, digests

    def images(self, filters: dict[str, str] | None = None) -> list[Any]:
        if filters is not None:
            return [{"RepoDigests": None}] if filters["reference"] in self._tags else []
        return [{"RepoDigests": None}, *({"RepoDigests": [digest]} for digest in self._digests)]


def engine(tags: set[str] | None = None, digests: set[str] | None = None, label: str = TAR) -> DockerClient:
    """An engine whose images of these tags consist of one tarball, and are labelled as consisting of `label`."""
    image = SimpleNamespace(attrs={"RootFS": {"Layers": [f"sha256:{TAR}"]}}, labels={"lab.base.tar_sha256": label})
    images = SimpleNamespace(get=lambda _: image)
    return cast("DockerClient", SimpleNamespace(api=Api(tags or set(), digests or set()), images=images))


def test_a_base_is_pulled_by_digest_where_a_registry_answers() -> None:
    step = base_step("focal", BASE, engine(), reachable=True)
    assert step.tag == BASE.pinned
    assert step.describe() == BASE.pinned


def test_a_base_is_bootstrapped_where_none_answers_and_says_for_what_it_stands_in() -> None:
    step = base_step("focal", BASE, engine(), reachable=False)
    assert step.tag.startswith("wasm-edge-lab/base:bullseye-")
    assert step.describe() == "Debian bullseye, bootstrapped, in place of ubuntu:20.04"


def test_a_base_that_is_here_is_kept_whatever_the_network_does() -> None:
    bootstrapped = base_step("focal", BASE, engine(), reachable=False)
    assert base_step("focal", BASE, engine(tags={bootstrapped.tag}), reachable=True) == bootstrapped
    pulled = engine(digests={f"ubuntu@{BASE.digest}"})
    assert base_step("focal", BASE, pulled, reachable=False).tag == BASE.pinned


def test_a_registrys_port_is_not_taken_for_a_tag() -> None:
    base = Base("localhost:5000/own/base:1", BASE.digest, "bullseye", BASE.epoch)
    here = engine(digests={f"localhost:5000/own/base@{BASE.digest}"})
    assert base_step("own", base, here, reachable=False).tag == base.pinned


def test_two_bases_of_one_suite_share_their_bootstrap_and_another_date_makes_another() -> None:
    sibling = Base("rust:1.69", "sha256:" + "b" * 64, "bullseye", BASE.epoch, stand_in=True)
    later = Base("ubuntu:20.04", BASE.digest, "bullseye", BASE.epoch + 1, stand_in=True)
    first, same, other = (base_step("x", base, engine(), reachable=False) for base in (BASE, sibling, later))
    assert first.tag == same.tag != other.tag


def test_an_image_that_was_given_a_bases_name_is_refused() -> None:
    tag = base_step("focal", BASE, engine(), reachable=False).tag
    with pytest.raises(BuildFailed, match="holds other layers") as caught:
        base_step("focal", BASE, engine(tags={tag}, label="e" * 64), reachable=False)
    assert f"docker rmi {tag}" in caught.value.remedy


def test_another_version_of_a_package_makes_another_base() -> None:
    tags = {
        base_step("focal", BASE, engine(), PackageLock({}, packages), reachable=False).tag
        for packages in ((), (LIBC,), (msgspec.structs.replace(LIBC, version="2.31-14"),))
    }
    assert len(tags) == 3


def test_an_ordinary_user_without_mmdebstrap_gets_a_hint_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    step = base_step("focal", BASE, engine(), reachable=False)
    with pytest.raises(BuildFailed) as caught:
        step.build(engine(), silent)
    assert "apt-get install mmdebstrap" in caught.value.remedy
