"""A campaign of another machine is verified, and what is here is compared with it: no engine and no network needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from lab.core.errors import EXIT_NEGATIVE
from lab.core.manifest import Manifest
from lab.report.render import render
from lab.store.campaigns import MANIFEST_NAME, finished, mark_finished, read_manifest
from lab.store.journal import JOURNAL_NAME, read_trials, write_journal
from lab.store.packing import pack
from tests.command import Ran, lab
from tests.fakes import FakeLab, make_materials
from tests.imported import import_made_up
from tests.synthetic import START, make_manifest, write_campaign

SMALL = {"arms": ("native@o3", "wasmtime-jit-cranelift@o3"), "models": ("yunet",), "batches": (1,)}

# The command in a process that may open no connection; an attempt is written down, however it is dealt with.
SHUT_OFF = """
import os, socket, sys
def refuse(self, address):
    if self.family != socket.AF_UNIX:
        open(os.environ["ATTEMPTS"], "a").write(f"{address}\\n")
    raise ConnectionRefusedError(111, "shut off")
socket.socket.connect = socket.socket.connect_ex = refuse
def lookup(*words, **_):
    open(os.environ["ATTEMPTS"], "a").write(f"{words}\\n")
    raise socket.gaierror(-3, "shut off")
socket.getaddrinfo = lookup
from lab.cli.app import main
main()
"""


class Elsewhere:
    """Another machine: an empty home, an empty directory, neither engine nor network."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._attempts = place / "attempts"
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "HOME": str(place / "home"),
            "LAB_HOME": str(place / "home" / "cache"),
            "LAB_LOCKS": str(place),
            "DOCKER_HOST": f"unix://{place}/no.sock",
            "MPLCONFIGDIR": str(place / "mpl"),
            "ATTEMPTS": str(self._attempts),
        }

    def lab(self, *words: object) -> Ran:
        argv = [sys.executable, "-c", SHUT_OFF, *map(str, words)]
        done = subprocess.run(
            argv, cwd=self.place, env=self._environment, capture_output=True, text=True, check=False, timeout=300
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    @property
    def attempts(self) -> str:
        return self._attempts.read_text() if self._attempts.is_file() else ""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Elsewhere:
    place = tmp_path / "elsewhere"
    place.mkdir()
    return Elsewhere(place)


def made(results: Path, manifest: Manifest) -> Path:
    directory = write_campaign(results, blocks=3, manifest=manifest)
    render(directory)
    return directory


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("there"), make_manifest(**SMALL))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def archive(campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sent") / "campaign.tar.gz"
    pack(campaign, target)
    return target


def verdicts(ran: Ran) -> dict[str, str]:
    return {item["name"]: item["verdict"] for item in json.loads(ran.out)}


def test_a_packed_campaign_is_verified_and_analysed_again_on_a_bare_machine(
    campaign: Path, elsewhere: Elsewhere
) -> None:
    sent = elsewhere.place / "sent.tar.gz"
    pack(campaign, sent)
    checked = elsewhere.lab("verify", "--against", sent, "--json")
    assert checked.code == 0, checked.err
    assert "not compared: no container engine answers" in checked.err
    found = verdicts(checked)
    assert {f"trials of {campaign.name}", f"report of {campaign.name}"} <= found.keys()
    assert set(found.values()) == {"identical", "equivalent"}
    assert elsewhere.lab("unpack", sent).code == 0
    arrived = elsewhere.place / "results" / campaign.name
    shutil.rmtree(arrived / "report")
    reported = elsewhere.lab("report", campaign.name)
    assert reported.code == 0, reported.err
    assert reported.out
    here = {path.relative_to(arrived).as_posix() for path in (arrived / "report").rglob("*")}
    assert here == {path.relative_to(campaign).as_posix() for path in (campaign / "report").rglob("*")}
    for name in here:
        assert (arrived / name).is_dir() or (arrived / name).read_bytes() == (campaign / name).read_bytes(), name
    judged = elsewhere.lab("claims", campaign.name, "--json")
    assert judged.code == 0, judged.err
    assert json.loads(judged.out) == json.loads(lab("claims", campaign, "--json").out)
    assert elsewhere.attempts == ""


def test_the_other_machine_would_have_noticed_a_connection(elsewhere: Elsewhere) -> None:
    argv = SHUT_OFF.replace("from lab.cli.app import main\nmain()", "socket.create_connection(('localhost', 9))")
    ran = subprocess.run(
        [sys.executable, "-c", argv],
        env={"ATTEMPTS": str(elsewhere.place / "attempts")},
        capture_output=True,
        check=False,
    )
    assert ran.returncode != 0
    assert "localhost" in elsewhere.attempts


def test_a_forged_report_and_a_changed_trial_are_found(
    campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "cache"))
    copy = tmp_path / "results" / campaign.name
    shutil.copytree(campaign, copy)
    page = copy / "report" / "index.html"
    page.write_text(page.read_text().replace("wasmtime", "wasmtiny"))
    ran = lab("verify", "--against", copy)
    assert ran.code == EXIT_NEGATIVE
    assert "index.html is not what the trials give" in ran.err
    journal = copy / JOURNAL_NAME
    journal.write_bytes(journal.read_bytes().replace(b'"block":1', b'"block":2', 1))
    ran = lab("verify", "--against", copy)
    assert ran.code == EXIT_NEGATIVE
    assert f"first difference: trials of {campaign.name}" in ran.err


def test_models_guests_and_binaries_that_are_here_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    here = FakeLab(make_materials(tmp_path / "materials"))
    import_made_up(tmp_path, ("tiny",))
    there = write_campaign(tmp_path / "there", 2, make_manifest(**(SMALL | {"models": ("tiny",)})))  # type: ignore[arg-type]
    ran = lab("verify", "--against", there, "--results", tmp_path, "--json", on=here)
    found = verdicts(ran)
    assert found[f"trials of {there.name}"] == "identical"
    for name in ("guest wasm/o3", "binary of wasmtime 1.2.3", "model tiny graph", "model tiny input b1"):
        assert found[name] == "differs", name
    assert ran.code == EXIT_NEGATIVE
    only = lab("verify", "--against", there, "--only", "trials *", "--results", tmp_path, on=here)
    assert only.code == 0, only.out


def test_outputs_of_a_campaign_of_this_machine_are_compared(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "cache"))
    mine = made(tmp_path / "results", make_manifest(**SMALL, started=START.replace(year=2026)))  # type: ignore[arg-type]
    ran = lab("verify", "--against", archive, "--results", tmp_path / "results", "--json")
    assert verdicts(ran)["output wasm/o3 yunet b1, here and there"] == "identical"
    assert ran.code == 0
    trials = [
        trial
        if trial.arm.is_native or not trial.output_sha256
        else msgspec.structs.replace(trial, output_sha256="f" * 64)
        for trial in read_trials(mine / JOURNAL_NAME)
    ]
    (mine / JOURNAL_NAME).unlink()
    mark_finished(mine, write_journal(mine / JOURNAL_NAME, trials), 600)
    assert finished(mine) is not None
    ran = lab("verify", mine, "--against", archive, "--json")
    assert verdicts(ran)["output wasm/o3 yunet b1, here and there"] == "differs"
    assert ran.code == EXIT_NEGATIVE
    # another guest: nothing is compared
    manifest = read_manifest(mine)
    changed = {name: msgspec.structs.replace(guest, sha256="0" * 64) for name, guest in manifest.guests.items()}
    (mine / MANIFEST_NAME).write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, guests=changed)))
    assert not any("here and there" in name for name in verdicts(lab("verify", mine, "--against", archive, "--json")))


def test_a_damaged_archive_and_a_contradiction_in_the_options_are_refused(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.tar.gz").write_bytes(archive.read_bytes()[:500])
    assert "no whole archive" in lab("verify", "--against", tmp_path / "cut.tar.gz").error[0]
    assert "--write-lock" in lab("verify", "--against", archive, "--write-lock").error[0]
    assert "no campaign 'nowhere'" in lab("verify", "--against", "nowhere", "--results", tmp_path).error[0]
