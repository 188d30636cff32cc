"""Build steps: what changes an image's key, and what must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.builds.debian.lock import LockedPackage, PackageLock
from lab.builds.steps import context, planner, stages
from lab.builds.steps.planner import PrebuiltFiles
from lab.builds.steps.step import BuildStep, StageStep

TEXT = """
ARG VERSION=1
ARG SUPPLY=registry
FROM base:x AS builder
COPY ca/host.crt /ca.crt
FROM builder AS tool-registry
ARG VERSION
COPY source /source
RUN build
FROM scratch AS tool-given
COPY supply/tool/ /out/
FROM tool-${SUPPLY} AS tool-files
FROM base:x AS tool
COPY --from=tool-files /out/ /
"""


def base(name: str) -> BuildStep:
    return BuildStep(f"base:{name}", f"key of {name}", f"image-of-{name}:1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "main.c").write_text("int main;")
    (tmp_path / "unrelated").write_text("a")
    return tmp_path


def plan(
    root: Path, args: dict[str, str] | None = None, prebuilt: PrebuiltFiles | None = None, text: str = TEXT
) -> StageStep:
    return planner.plan(stages.parse(text), "tool", args or {}, base, {"tool": prebuilt} if prebuilt else {}, root)


def stage(step: StageStep, name: str) -> StageStep:
    found = next(parent for parent in step.closure().values() if parent.name == name)
    assert isinstance(found, StageStep)
    return found


def test_a_step_rests_on_the_stages_it_needs_and_on_no_others(root: Path) -> None:
    names = {step.name for step in plan(root).closure().values()}
    assert names == {"tool", "tool-registry", "builder", "base:x"}


def test_a_stage_without_instructions_is_its_parent(root: Path) -> None:
    copied = next(parent for parent in plan(root).parents if not parent.name.startswith("base:"))
    assert copied.name == "tool-registry"
    assert f"COPY --from={copied.tag} /out/ /" in plan(root).dockerfile


def test_a_key_follows_arguments_and_copied_files_but_nothing_else(root: Path) -> None:
    before = plan(root)
    (root / "unrelated").write_text("b")
    assert plan(root).key == before.key
    assert plan(root, {"VERSION": "2"}).key != before.key
    (root / "source" / "main.c").write_text("int main = 1;")
    assert plan(root).key != before.key


def test_the_proxys_certificates_are_sent_but_change_no_key(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = []
    for text in ("one", "two"):
        bundle = tmp_path / f"{text}.crt"
        bundle.write_text(text)
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        builder = stage(plan(root), "builder")
        assert builder.files[context.CA_FILE] == bundle
        keys.append(plan(root).key)
    assert keys[0] == keys[1]


@pytest.mark.parametrize("name", ["CARGO_HTTP_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_are_found_by_each_variable_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in ("CARGO_HTTP_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(other, raising=False)
    bundle = tmp_path / "own.crt"
    bundle.write_text("a certificate")
    monkeypatch.setenv(name, str(bundle))
    assert context.ca_bundle() == bundle


PACKAGES_TEXT = """
FROM base:x AS builder
COPY packages/ /packages/
RUN /packages/install builder compiler
FROM builder AS tool
COPY packages/ /packages/
RUN /packages/install tool library
FROM base:x AS unrelated
RUN true
"""


def package(stage: str, version: str = "1") -> LockedPackage:
    return LockedPackage("x", "amd64", stage, f"of-{stage}", version, "a" * 64, f"debian/pool/{stage}.deb")


def keys(root: Path, *packages: LockedPackage, stamp: str = "20260101T000000Z") -> dict[str, str]:
    """Keys of the steps behind `tool`, by name, if those packages are locked."""

    def locked(base_name: str, stage: str) -> PackageLock:
        assert base_name == "x"
        return PackageLock({"x": stamp}, tuple(found for found in packages if found.stage == stage))

    step = planner.plan(stages.parse(PACKAGES_TEXT), "tool", {}, base, root=root, locked=locked)
    return {part.name: part.key for part in step.closure().values()}


def test_a_package_that_moves_makes_new_keys_where_it_is_installed_and_above(root: Path) -> None:
    (root / "packages").mkdir()
    (root / "packages" / "install").write_text("install")
    before = keys(root, package("builder"), package("tool"))
    assert keys(root, package("builder"), package("tool"), package("other")) == before
    moved = keys(root, package("builder"), package("tool", "2"))
    assert (moved["builder"] == before["builder"], moved["tool"] == before["tool"]) == (True, False)
    below = keys(root, package("builder", "2"), package("tool"))
    assert (below["builder"] == before["builder"], below["tool"] == before["tool"]) == (False, False)


def test_a_lock_written_later_with_the_same_packages_makes_no_new_keys(root: Path) -> None:
    (root / "packages").mkdir()
    (root / "packages" / "install").write_text("install")
    assert keys(root, package("tool")) == keys(root, package("tool"), stamp="20270101T000000Z")


def test_a_given_binary_counts_by_its_checksum(root: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "usr/local/bin").mkdir(parents=True)
    (tree / "usr/local/bin/tool").write_text("binary")
    one = plan(root, {"SUPPLY": "given"}, PrebuiltFiles("sum one", tree))
    assert plan(root, {"SUPPLY": "given"}, PrebuiltFiles("sum one")).key == one.key
    assert plan(root, {"SUPPLY": "given"}, PrebuiltFiles("sum two")).key != one.key
    files = stage(one, "tool-given").files
    assert set(files) == {"supply/tool/usr/local/bin/tool"}


def test_a_context_is_the_same_bytes_whatever_the_files_times_are(root: Path) -> None:
    files = context.files_under(root, "source")
    first = context.pack("FROM a\n", files).read()
    (root / "source" / "main.c").touch()
    assert context.pack("FROM a\n", files).read() == first
