"""Images as the engine has them: what is in them, what is not, and that nothing is built twice."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from lab.builds.artifacts import artifacts_directory
from lab.builds.images import labels
from lab.builds.images.candidates import Catalogue
from lab.builds.images.contents import contents, first_differing
from lab.builds.images.ensure import build_editions, build_steps, choose_steps, find_images
from lab.builds.images.files import read_file
from lab.builds.images.labels import ImageInfo, LabelStep
from lab.builds.outlook import missing
from lab.builds.pins import Supply, load_pins
from lab.builds.steps.queue import run_all
from lab.builds.steps.step import PREFIX, BuildStep, StageStep
from lab.builds.supplies import save_artifact
from lab.core.errors import BuildFailed
from lab.core.names import Edition
from lab.core.progress import silent
from lab.engines.docker_sdk import DockerClient, connect
from lab.runtimes.registry import RUNTIMES
from lab.store.build_times import build_runs, read_build_times
from lab.verify.image_checks import NOT_REBUILT, check_images
from lab.verify.items import Match
from tests.command import lab
from tests.images import ensure_images

pytestmark = pytest.mark.live

COMPILERS = ("cc", "gcc", "g++", "clang", "rustc", "cargo", "make", "ld")


@pytest.fixture(scope="module")
def client() -> DockerClient:
    return connect()


def _params() -> list[object]:
    """Every image of both editions; those of `paper` come with `just test-all` only."""
    return [
        pytest.param((edition, runtime), id=runtime if edition == "current" else f"{edition}-{runtime}", marks=marks)
        for edition, marks in (("current", ()), ("paper", pytest.mark.slow))
        for runtime in load_pins().edition(edition).runtimes
    ]


@pytest.fixture(scope="module", params=_params())
def image(request: pytest.FixtureRequest) -> ImageInfo:
    edition, runtime = request.param
    found = find_images(edition).get(runtime)
    if found is None:
        pytest.skip(f"LEFT OUT: the image is not here; `lab build --edition {edition} {runtime}` makes it")
    return found


def run(client: DockerClient, image: ImageInfo, *argv: str) -> str:
    said = client.containers.run(image.image_id, entrypoint=list(argv), network_disabled=True, remove=True)
    return bytes(said).decode()


def test_an_image_holds_no_compiler_no_package_lists_and_no_certificates_of_ours(
    client: DockerClient, image: ImageInfo
) -> None:
    # its precompiled arms are what gcc makes of C
    looked_for = () if image.runtime == "wasm2c" else COMPILERS
    compilers = f"for tool in {' '.join(looked_for)}; do command -v $tool; done"
    leftovers = "find /var/lib/apt/lists /var/cache/apt /opt /out -type f -size +0 2>/dev/null"
    assert run(client, image, "sh", "-c", f"{compilers}; {leftovers}; true") == ""


def test_an_image_holds_one_runtime_only(client: DockerClient, image: ImageInfo) -> None:
    others = {module.binary for module in RUNTIMES if module.name not in {image.runtime, "native"}}
    script = f"for file in {' '.join(sorted(others))}; do if [ -e $file ]; then echo $file; fi; done"
    assert run(client, image, "sh", "-c", script) == ""


def test_an_image_runs_unprivileged_and_starts_the_probe(client: DockerClient, image: ImageInfo) -> None:
    config = client.images.get(image.image_id).attrs["Config"]
    assert config["User"] == "65534:65534"
    assert config["Entrypoint"] == ["/usr/local/bin/probe"]
    assert config["WorkingDir"] == "/work"
    assert run(client, image, "id", "-u").strip() == "65534"


def test_an_images_labels_say_what_its_binary_is(client: DockerClient, image: ImageInfo) -> None:
    module = next(module for module in RUNTIMES if module.name == image.runtime)
    path = labels.PROBE if image.runtime == "native" else module.binary
    assert hashlib.sha256(read_file(client, image.image_id, path)).hexdigest() == image.binary_sha256
    if image.says is not None and not image.patched:
        assert image.says == image.version


def test_an_image_that_is_here_is_found_within_seconds(image: ImageInfo) -> None:
    started = time.monotonic()
    assert ensure_images([image.runtime], image.edition)[image.runtime].inputs_hash
    assert time.monotonic() - started < 15


def test_the_images_of_two_editions_come_of_one_command_each_under_its_edition() -> None:
    reports = build_editions({"current": ["native"], "paper": ["native"]})
    made = {edition: report.images["native"].edition for edition, report in reports.items()}
    assert made == {"current": "current", "paper": "paper"}


def test_one_queue_compiles_the_most_expensive_of_both_editions_first(
    client: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAB_ARTIFACTS", raising=False)
    wanted: list[LabelStep] = []
    for edition in Edition:
        steps, _ = choose_steps(Catalogue(edition, client), load_pins().edition(edition).runtimes, silent)
        wanted += steps
    built: list[BuildStep] = []
    run_all(wanted, built.append, lambda _: False, 1)
    titles = [step.title for step in built if not isinstance(step, LabelStep)]
    assert len(titles) == len(set(titles)), "no two are reported under one title"
    compiled = [title for title in titles if title.startswith(("wasmer-registry", "wasmtime-registry"))]
    if len(compiled) < 4:
        pytest.skip("LEFT OUT: released binaries can be had here, so nothing is compiled")
    assert compiled[0].startswith("wasmer-registry")
    assert titles.index(compiled[-1]) < min(titles.index(title) for title in titles if "wavm-registry" in title)


def test_an_image_put_together_again_holds_the_same(image: ImageInfo) -> None:
    (item,) = check_images({image.runtime: image}, silent, rebuild=True)
    assert item.verdict is Match.IDENTICAL, item.why
    kept = "the same in its record and this machine's copy"
    if image.supply == Supply.ARTIFACT and artifacts_directory() is None:
        assert item.why == f"{kept}; {NOT_REBUILT.format(supply=image.supply)}"
    else:
        assert item.why == f"{kept} and the first rebuild and the second rebuild"


@pytest.fixture
def from_an_artifact(client: DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImageInfo]:
    """Wasmtime's image, made from an artifact directory of this test's own."""
    here = find_images().get("wasmtime")
    if here is None:
        pytest.skip("the wasmtime image is not here: `lab build` makes it")
    file = load_pins().edition("current").runtimes["wasmtime"].artifact
    assert file is not None
    # one byte more than the binary: an artifact that no image of the user's was made of
    save_artifact(tmp_path, file.file, labels.read_binary(here) + b"\n")
    monkeypatch.setenv("LAB_ARTIFACTS", str(tmp_path))
    made = ensure_images(["wasmtime"])["wasmtime"]
    yield made
    client.images.remove(made.reference, force=True)


def test_an_image_made_from_an_artifact_is_rebuilt_only_while_the_artifact_is_here(
    from_an_artifact: ImageInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = from_an_artifact
    assert image.supply == Supply.ARTIFACT
    (item,) = check_images({"wasmtime": image}, silent, rebuild=True)
    assert item.why == "the same in its record and this machine's copy and the first rebuild and the second rebuild"
    monkeypatch.delenv("LAB_ARTIFACTS")
    (item,) = check_images({"wasmtime": image}, silent, rebuild=True)
    assert (item.verdict, item.why) == (
        Match.IDENTICAL,
        f"the same in its record and this machine's copy; {NOT_REBUILT.format(supply=image.supply)}",
    )


def test_an_image_labelled_before_contents_were_recorded_is_not_said_to_differ(image: ImageInfo) -> None:
    (item,) = check_images({image.runtime: msgspec.structs.replace(image, contents_sha256=None)}, silent, rebuild=False)
    assert (item.verdict, item.why) == (Match.IDENTICAL, "the same in this machine's copy")


@pytest.fixture
def meddled(client: DockerClient, image: ImageInfo) -> Iterator[str]:
    """The image with one more byte in one file."""
    tag = "wasm-edge-lab/meddled:test"
    text = f"FROM {image.reference}\nUSER root\nRUN echo >> /etc/passwd\nUSER 65534:65534\n"
    StageStep("meddled", "key", tag, dockerfile=text).build(client, silent)
    yield tag
    client.images.remove(tag, force=True)


def test_one_changed_byte_in_an_image_is_caught_and_named(client: DockerClient, image: ImageInfo, meddled: str) -> None:
    (item,) = check_images({image.runtime: msgspec.structs.replace(image, image_id=meddled)}, silent, rebuild=False)
    assert item.verdict is Match.DIFFERS
    assert image.contents_sha256 is not None
    assert item.why.startswith(f"its record has {image.contents_sha256[:12]}…")
    assert first_differing(contents(client, image.image_id), contents(client, meddled)) == "etc/passwd"


def test_a_failed_step_is_named_with_its_log(client: DockerClient, image: ImageInfo, tmp_path: Path) -> None:
    said: list[str] = []
    text = f"FROM {image.reference}\nUSER root\nRUN echo the reason; exit 7\n"
    broken = StageStep("broken", "key", "wasm-edge-lab/broken:test", dockerfile=text)
    with pytest.raises(
        BuildFailed, match=r"broken failed at step 3 of 3 \(RUN echo the reason; exit 7\): exit code 7"
    ) as caught:
        broken.build(client, lambda _item, message, _fraction=None: said.append(message))
    assert str(broken.log) in caught.value.remedy
    assert "the reason" in broken.log.read_text()
    assert any("step 3/3" in message for message in said)


def test_what_a_real_build_took_is_shown_by_the_timeline(
    client: DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Catalogue("current", client).base("trixie")
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    key = hashlib.sha256(str(tmp_path).encode()).hexdigest()
    text = f'FROM {base.tag}\nLABEL key="{key}"\n'
    step = StageStep("tiny", key, f"{PREFIX}/tiny:{key[:16]}", (base,), dockerfile=text)
    try:
        assert build_steps([step], client, silent) == {}
        assert build_steps([step], client, silent) == {}, "it is here"
    finally:
        client.images.remove(step.tag, force=True)
    (path,) = build_runs(tmp_path)
    (record,) = read_build_times(path)
    assert (record.step, record.after, record.ok) == ("tiny", ("base:trixie",), True)
    ran = lab("build", "--timeline", tmp_path / "timeline.svg")
    assert ran.code == 0, ran.err
    assert "tiny" in ran.out
    assert (tmp_path / "timeline.svg").is_file()


def test_nothing_is_still_to_be_built_of_images_that_are_here() -> None:
    here = tuple(find_images())
    lacking = missing(here, [], "current")
    assert here
    assert lacking.minutes(here, []) == 0
