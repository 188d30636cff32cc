"""Build steps: what changes an image's key, and what must not."""

from __future__ import annotations

from pathlib import Path

import pytest

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
