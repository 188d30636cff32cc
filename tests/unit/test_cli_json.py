"""With --json a command prints one JSON document and nothing else; without it, what the document says for a person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from lab.builds.debian.lock import LockedPackage, PackageLock
from lab.cli.app import app
from lab.cli.commands.verify import conclude
from lab.cli.wiring import Lab
from lab.core.errors import BuildFailed, LabError, UnobtainableError
from lab.verify.items import Item, Match
from tests.command import lab
from tests.fakes import FakeLab, make_materials
from tests.imported import import_made_up
from tests.synthetic import make_manifest, write_campaign

EXPERIMENT = """
name = "mine"
question = "Does it parse?"

[tiers.smoke]
budget = "10m"

[[matrix]]
arms = ["native@o3", "wasmtime-jit-cranelift@o3"]
models = ["tiny", "yunet"]
"""
MANIFEST = make_manifest(arms=("native@o3", "wasmtime-jit-cranelift@o3"), models=("yunet",), batches=(1,))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without an engine, where two models are imported, and something has been measured."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    import_made_up(tmp_path / "home", ("tiny", "small"))
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    write_campaign(tmp_path / "results", blocks=2, manifest=MANIFEST)
    return tmp_path


def asked(*words: object, code: int = 0, on: Lab | None = None) -> Any:
    result = CliRunner().invoke(app, [*map(str, words), "--json"], obj=on)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def printed(words: Sequence[object], code: int = 0, on: Lab | None = None) -> str:
    result = CliRunner().invoke(app, list(map(str, words)), obj=on)
    assert result.exit_code == code, result.output
    return result.stdout


def test_doctor_gives_its_findings_and_says_no_without_an_engine() -> None:
    findings = asked("doctor", code=1)
    engine = next(finding for finding in findings if finding["name"] == "container engine")
    assert (engine["ok"], engine["needed"]) == (False, True)
    assert "MISSING" in printed(["doctor"], code=1)


def test_models_are_listed_with_their_sizes() -> None:
    assert {(model["name"], model["macs"]) for model in asked("models")} == {
        ("tiny", 10_000_000),
        ("small", 100_000_000),
    }
    assert "tiny" in printed(["models"])


def test_runtimes_are_listed_without_an_engine_too() -> None:
    rows = asked("runtimes")
    assert {"native@o3", "wasmtime-jit-cranelift@o3"} <= {row["arm"] for row in rows}
    assert not any(row["built"] for row in rows)
    assert "wasmtime-jit-cranelift@o3" in printed(["runtimes"])


def test_a_plan_has_every_case_with_what_it_rests_on() -> None:
    found = asked("plan", "mine.toml", "--tier", "smoke")
    assert [case["case"] for case in found["cases"]] == [
        f"{arm} {model} b1" for arm in ("native@o3", "wasmtime-jit-cranelift@o3") for model in ("tiny", "yunet")
    ]
    assert found["unfrozen"] == ["yunet"]
    assert "4 cases, 3 to 30 blocks each" in printed(["plan", "mine.toml", "--tier", "smoke"])


def test_a_report_names_the_files_it_wrote() -> None:
    found = asked("report")
    assert Path(found["page"]).is_file()
    assert all(Path(path).is_file() for path in (*found["tables"].values(), *found["figures"].values()))
    assert "report: " in printed(["report", MANIFEST.campaign])


def test_the_papers_claims_are_judged_on_any_campaign() -> None:
    found = asked("claims")
    assert {"id", "place", "paper", "ours", "interval", "verdict", "why"} <= set(found[0])
    assert "not run" in printed(["claims"])


def test_a_campaign_compared_with_itself_is_identical() -> None:
    found = asked("compare", "latest", MANIFEST.campaign)
    assert found["worse"] == []
    assert "Identical" in printed(["compare", "latest", "latest"])


def test_verified_items_are_a_list_and_the_first_difference_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    items = [Item("a", Match.IDENTICAL, "the same"), Item("b", Match.DIFFERS, "not the same")]
    assert conclude(items, json=True)
    out, err = capsys.readouterr()
    assert [(item["name"], item["verdict"]) for item in json.loads(out)] == [("a", "identical"), ("b", "differs")]
    assert err == "first difference: b: not the same\n"
    assert not conclude(items[:1])


def test_builds_are_listed_and_one_that_failed_decides_the_exit_code(place: Path) -> None:
    materials = make_materials(place / "materials")
    here = FakeLab(materials, problems={"wavm": BuildFailed("wavm did not build", "see its log")})
    found = asked("build", code=8, on=here)
    assert found["problems"] == {"wavm": "wavm did not build"}
    assert found["images"]["native"]["version"] == materials.images["native"].version
    assert set(found["guests"]) == {guest.id for guest in materials.guests}
    assert "native" in printed(["build"], code=8, on=here)
    both = asked("build", "--edition", "current", "--edition", "paper", code=8, on=here)
    assert both == {"current": found, "paper": found}


def test_unobtainable_images_are_skipped_and_are_an_error_only_when_named(
    place: Path,
) -> None:
    materials = make_materials(place / "materials")
    problems: dict[str, LabError] = {"wasmedge": UnobtainableError("it is not obtainable here", "go where it is")}
    everything = lab("build", "--all", on=FakeLab(materials, problems=problems))
    assert everything.code == 0
    assert "left out: wasmedge: it is not obtainable here" in everything.err
    assert lab("build", "wasmedge", on=FakeLab(materials, problems=problems)).code == UnobtainableError.exit_code
    problems["wavm"] = BuildFailed("wavm did not build", "see its log")
    assert lab("build", "--all", on=FakeLab(materials, problems=problems)).code == BuildFailed.exit_code


def test_a_new_lock_of_packages_says_what_has_changed_and_builds_nothing(place: Path) -> None:
    old, new = (
        PackageLock({}, tuple(LockedPackage("trixie", "amd64", "base", *package) for package in packages))
        for packages in (
            [("make", "1", "a", "x"), ("gcc", "1", "a", "x"), ("perl", "1", "a", "x")],
            [("make", "2", "b", "x"), ("gcc", "1", "a", "x"), ("lld", "3", "c", "x")],
        )
    )

    class Locking(FakeLab):
        def lock_packages(self, progress: object) -> tuple[PackageLock, PackageLock]:
            return old, new

        def build_images(self, runtimes: object, progress: object) -> NoReturn:
            raise AssertionError("nothing is to be built")

    here = Locking(make_materials(place / "materials"))
    changed = asked("build", "--lock-packages", on=here)
    assert [(row["package"], row["before"], row["after"]) for row in changed] == [
        ("lld", None, "3"),
        ("make", "1", "2"),
        ("perl", "1", None),
    ]
    assert "gcc" not in printed(["build", "--lock-packages"], on=here)


def test_a_calibration_is_one_document(place: Path) -> None:
    here = FakeLab(make_materials(place / "materials", ("tiny",)))
    result = CliRunner().invoke(app, ["calibrate", "--model", "tiny", "--blocks", "3", "--json"], obj=here)
    found = json.loads(result.stdout)
    assert result.exit_code == bool(found["problems"])
    (written,) = (place / "results").glob("calibration-*/calibration.json")
    assert json.loads(written.read_text()) == found


def test_an_export_goes_to_the_file_and_nothing_to_stdout(place: Path) -> None:
    assert printed(["export", "--format", "json", "--output", place / "all.json"]) == ""
    assert len(json.loads((place / "all.json").read_text())) == 4
