"""A user's error is reported in two lines, what happened and a hint, with an exit code of its own."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from lab.core.errors import EngineForbidden
from lab.engines.docker_sdk import GAIN_ACCESS, START_ENGINE, connect
from lab.store.campaigns import create
from lab.store.journal import JOURNAL_NAME
from tests.command import lab
from tests.damage import change_a_byte
from tests.imported import import_made_up
from tests.synthetic import START, make_manifest, write_campaign

NOBODY = 65534
EXPERIMENT = """
name = "mine"
question = "Does it fail well?"

[tiers.smoke]
budget = "10m"

[[matrix]]
arms = ["native@o3", "wasmtime-jit-cranelift@o3"]
models = ["yunet"]
"""
MANIFEST = make_manifest(arms=("native@o3",), models=("yunet",), batches=(1,))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory on a machine without an engine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    return tmp_path


def experiment(old: str = "", new: str = "") -> str:
    assert old in EXPERIMENT
    Path("mine.toml").write_text(EXPERIMENT.replace(old, new) if old else EXPERIMENT)
    return "mine.toml"


# -- the command line --


@pytest.mark.parametrize("words", [["plan"], ["run", "--tire", "smoke"], ["fly"], ["calibrate", "--blocks", "1"]])
def test_a_command_line_that_makes_no_sense_is_code_2(words: list[str]) -> None:
    ran = lab(*words)
    assert ran.code == 2
    assert ran.out == ""
    assert "Traceback" not in ran.err


def test_a_campaign_that_is_not_there_is_named_with_those_that_are(place: Path) -> None:
    write_campaign(place / "results", blocks=1, manifest=MANIFEST)
    ran = lab("report", "nothing")
    assert ran.code == 2
    assert "no campaign 'nothing'" in ran.error[0]
    assert MANIFEST.campaign in ran.error[1]


# -- experiments --


@pytest.mark.parametrize("command", ["plan", "run"])
def test_an_unknown_runtime_is_reported_with_the_nearest_arm(command: str) -> None:
    ran = lab(command, experiment("wasmtime-jit", "wasmtme-jit"), "--tier", "smoke")
    assert (ran.code, ran.out) == (3, "")
    assert "mine.toml: 'wasmtme-jit-cranelift@o3' names an unknown runtime, 'wasmtme'" in ran.error[0]
    assert "did you mean wasmtime-jit-cranelift@o3" in ran.error[1]


@pytest.mark.parametrize(
    ("words", "complaint", "remedy"),
    [
        (["plan", "none.toml"], "cannot read none.toml", "ls experiments/"),
        (["plan", "mine.toml", "--tier", "huge"], "no tier 'huge'", "smoke"),
        (["plan", "mine.toml", "--tier", "smoke", "--precision", "fine"], "'fine' is not a quantity", "2%"),
        (["run", "mine.toml", "--tier", "smoke", "--budget", "long"], "'long' is not a quantity", "90s"),
        (["runtimes", "--edition", "future"], "no edition 'future'", "current"),
    ],
)
def test_what_an_experiment_or_an_option_names_must_be_there(words: list[str], complaint: str, remedy: str) -> None:
    experiment()
    ran = lab(*words)
    assert ran.code == 3
    assert complaint in ran.error[0]
    assert remedy in ran.error[1]


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("old", "new", "complaint", "hint"),
    [
        ("yunet", "yunett", "mine.toml: there is no model 'yunett'", "did you mean yunet"),
        ("yunet", "my_modl", "mine.toml: there is no model 'my_modl'", "did you mean my_model"),
        ("yunet", "a/../b", "mine.toml: there is no model 'a/../b'", "lab models import"),
        ("yunet", "m" * 300, "mine.toml: there is no model 'mmm", "lab models import"),
        ('["yunet"]', '["my_model"]\nbatches = [2]', "mine.toml: the imported model 'my_model' has no input", "1, 3"),
    ],
)
def test_a_misspelt_model_is_found_before_anything_is_built(
    place: Path, command: str, old: str, new: str, complaint: str, hint: str
) -> None:
    import_made_up(place / "home", ("tiny",))
    (place / "home" / "models" / "tiny-imported").rename(place / "home" / "models" / "my_model-imported")
    # no engine answers here: an attempt to build would end with another error
    ran = lab(command, experiment(old, new), "--tier", "smoke")
    assert (ran.code, ran.out) == (3, "")
    assert ran.error[0].startswith(complaint)
    assert hint in ran.error[1]


@pytest.mark.parametrize(
    ("words", "code", "complaint", "hint"),
    [
        (["run", "mine.toml", "--tier", "smok"], 3, "no tier 'smok'", "did you mean smoke?"),
        (["run", "mine.toml", "--tier", "smoke", "--edition", "papr"], 3, "no edition 'papr'", "did you mean paper?"),
        (["run", "mine.toml", "--tier", "smoke", "--budget", "0s"], 3, "within budget = '0s'", "above zero"),
        (["run", "mine.toml", "--tier", "smoke", "--precision", "0%"], 3, "precision = '0%'", "2%"),
        (["calibrate", "--model", "vgg16"], 4, "no model 'vgg16'", "did you mean vgg_16"),
        (["calibrate", "--arm", "wasmtime-jit@o3"], 3, "not an arm that Wasmtime offers", "wasmtime-jit-cranelift@o3"),
        (["calibrate", "--edition", "curent"], 3, "no edition 'curent'", "did you mean current?"),
        (["build", "wasmtme"], 3, "no runtime 'wasmtme'", "did you mean wasmtime"),
        (["build", "wasmtime", "--edition", "papr"], 3, "no edition 'papr'", "did you mean paper?"),
        (["models", "prepare", "--weights", "seded"], 2, "'seded' are no weights", "did you mean seeded?"),
        (["models", "prepare", "yunet", "vgg16"], 4, "no model 'vgg16'", "did you mean vgg_16"),
    ],
)
def test_a_misspelt_option_is_found_before_anything_is_built(
    words: list[str], code: int, complaint: str, hint: str
) -> None:
    experiment()
    ran = lab(*words)
    assert (ran.code, ran.out) == (code, "")
    assert complaint in ran.error[0]
    assert hint in ran.error[1]


def test_a_plan_beyond_this_machine_is_warned_of() -> None:
    text = experiment("[tiers.smoke]", '[measure]\nmemory = "9000GiB"\n\n[tiers.smoke]')
    ran = lab("plan", text, "--tier", "smoke")
    assert ran.code == 0
    assert ran.err.startswith("warning: a trial may take 9000.0 GiB, and this machine has ")


# -- models --


@pytest.mark.parametrize("shape", ["1,128", "1,128,128,4", "0,128,128,3", "1,128,64,3", "a,b,c,d", ""])
def test_a_bad_shape_is_reported_with_the_option_that_takes_a_good_one(place: Path, shape: str) -> None:
    (place / "graph.pb").write_bytes(b"\n\x10\n\x01x\x12\x0bPlaceholder")
    ran = lab("models", "import", "graph.pb", "--input-shape", shape)
    assert ran.code == 4
    assert "--input-shape" in ran.error[1]
    assert "1,224,224,3" in ran.error[1]


def test_a_model_that_is_not_there_is_reported() -> None:
    assert "there is no file" in lab("models", "import", "none.pb", "--input-shape", "1,8,8,3").error[0]
    ran = lab("models", "prepare", "resnet")
    assert ran.code == 4
    assert "no model 'resnet'" in ran.error[0]
    assert "lab models import" in ran.error[1]


def test_a_truncated_graph_is_reported_and_leaves_nothing_behind(place: Path) -> None:
    # a node's field that announces 100 bytes, of which three are there
    (place / "cut.pb").write_bytes(b"\x0a\x64abc")
    ran = lab("models", "import", "cut.pb", "--input-shape", "1,128,128,3", "--engine", "process")
    assert ran.code == 4
    assert "cut.pb" in ran.error[0]
    assert "no whole GraphDef" in ran.error[0]
    assert list((place / "home" / "models").iterdir()) == []


# -- the engine --


@pytest.mark.parametrize("words", [["build"], ["run", "mine.toml", "--tier", "smoke"], ["calibrate"], ["verify"]])
def test_without_an_engine_it_is_said_how_to_get_one(words: list[str]) -> None:
    experiment()
    ran = lab(*words)
    assert (ran.code, ran.out) == (5, "")
    assert ran.error[0].startswith("no container engine answers: ")
    assert ran.error[1] == START_ENGINE
    assert not Path("results").exists()


@contextmanager
def unprivileged() -> Iterator[None]:
    """Another user's rights for a while, if these are root's: nothing is forbidden to root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_an_engine_that_refuses_this_user_is_distinguished_from_none(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab("build", "native")  # what lies in the checkout is read as who may read it
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}/s")
    place.chmod(0o777)  # another user takes the measuring lock here
    monkeypatch.setenv("LAB_LOCKS", ".")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        listening.listen()
        Path("s").chmod(0)
        with unprivileged(), pytest.raises(EngineForbidden):
            connect()
        with unprivileged():
            ran = lab("build", "native")
    assert (ran.code, ran.out) == (6, "")
    assert ran.error[1] == GAIN_ACCESS


# -- the disk --


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    disk = place / "disk"
    disk.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("there is no `mount` here to make a small disk with")
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], capture_output=True, check=False
    )
    if mounting.returncode:
        pytest.skip(f"this user may not mount a small disk: {mounting.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_models_that_the_disk_cannot_hold_are_not_begun(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(small_disk))
    ran = lab("models", "prepare", "vgg_19")
    assert ran.code == 7
    assert "has 256.0 KiB free" in ran.error[0]
    assert "LAB_HOME" in ran.error[1]
    assert list(small_disk.iterdir()) == []


def test_a_report_that_fills_the_disk_ends_in_two_lines_and_loses_no_trial(small_disk: Path) -> None:
    directory = write_campaign(small_disk, blocks=2, manifest=MANIFEST)
    before = (directory / JOURNAL_NAME).read_bytes()
    ran = lab("report", "--results", small_disk)
    assert ran.code == 7
    assert "no space left on" in ran.error[0]
    assert (directory / JOURNAL_NAME).read_bytes() == before
    assert not list(directory.rglob(".*")), "nothing half written stays behind"


def test_an_export_that_fills_the_disk_ends_in_two_lines_and_leaves_no_half(small_disk: Path, place: Path) -> None:
    write_campaign(place / "results", blocks=1500, manifest=MANIFEST)
    for kind in ("csv", "json"):
        ran = lab("export", "--format", kind, "--output", small_disk / f"all.{kind}")
        assert ran.code == 7, ran.err
        assert "no space left on" in ran.error[0]
        assert list(small_disk.iterdir()) == []


def test_a_disk_that_is_full_at_any_write_is_reported(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_campaign(place / "results", blocks=1, manifest=MANIFEST)

    def full(_descriptor: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    ran = lab("report")
    assert ran.code == 7
    assert "None" not in ran.error[0], "a failed write does not know its file's name"
    assert "the same command resumes" in ran.error[1]


# -- campaigns --


@pytest.mark.parametrize("command", ["report", "export", "claims"])
def test_one_changed_byte_in_a_stored_trial_is_code_10(place: Path, command: str) -> None:
    directory = write_campaign(place / "results", blocks=1, manifest=MANIFEST)
    change_a_byte(directory / JOURNAL_NAME, at=200)
    ran = lab(command)
    assert ran.code == 10
    assert JOURNAL_NAME in ran.error[0]


def test_a_campaign_without_a_trial_is_code_11(place: Path) -> None:
    create(place / "results", MANIFEST)
    ran = lab("report")
    assert ran.code == 11
    assert "holds no trial yet" in ran.error[0]


def test_a_campaign_that_got_worse_is_a_negative_answer(place: Path) -> None:
    arm = "wasmtime-jit-cranelift@o3"
    before = make_manifest(arms=("native@o3", arm), models=("yunet",), batches=(1,))
    later = make_manifest(
        arms=("native@o3", arm), models=("yunet",), batches=(1,), started=START.replace(year=START.year + 1)
    )
    write_campaign(place / "results", blocks=12, manifest=before, noise=0.01)
    write_campaign(place / "results", blocks=12, manifest=later, noise=0.01, seed=2, slowdown={arm: 1.5})
    assert lab("compare", later.campaign, before.campaign).code == 0
    ran = lab("compare", before.campaign, later.campaign)
    assert (ran.code, ran.err) == (1, "")
    assert arm in ran.out


@pytest.mark.fault("two SIGTERMs, as timeout(1) sends")
def test_a_second_signal_does_not_cut_the_cleaning_up_short() -> None:
    script = (
        "import os, signal, time; from lab.cli.app import _interrupt\n"
        "signal.signal(signal.SIGTERM, _interrupt)\n"
        "try:\n    os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)\n"
        "except KeyboardInterrupt:\n    os.kill(os.getpid(), signal.SIGTERM); time.sleep(0.1); print('cleaned up')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "cleaned up\n", "")
