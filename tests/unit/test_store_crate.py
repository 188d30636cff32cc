"""A campaign as a Workflow Run Crate: valid by the profile's own validator, complete, and the same bytes each time."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from rocrate_validator import services
from rocrate_validator.models import Severity
from rocrate_validator.utils.http import HttpRequester

from lab.report.render import render
from lab.store.campaigns import read_manifest
from lab.store.crate import export_crate
from lab.store.packing import packed_files
from tests.command import lab
from tests.synthetic import make_manifest, write_campaign

PROFILE = "workflow-run-crate"
UNKNOWN = {
    "RECOMMENDED process-run-crate-0.5_3.2": "an address of the workflow: it is a file of the crate",
    "RECOMMENDED process-run-crate-0.5_5.1": "the same",
    "RECOMMENDED process-run-crate-0.5_8.6": "who measured",
    "RECOMMENDED ro-crate-1.1_22.2": "the author",
    "RECOMMENDED ro-crate-1.1_22.3": "the publisher",
    "RECOMMENDED workflow-ro-crate-1.0_8.1": "the profile of Bioschemas, which asks for the author, too",
}
"""What the profile recommends and a campaign does not say."""


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    manifest = make_manifest(arms=("native@o3", "wasmtime-jit-cranelift@o3"), models=("yunet",), batches=(1,))
    directory = write_campaign(tmp_path_factory.mktemp("results"), blocks=3, manifest=manifest)
    render(directory)
    return directory


@pytest.fixture(scope="module")
def crate(campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("crate") / "campaign.crate.zip"
    export_crate(campaign, target, "https://creativecommons.org/licenses/by/4.0/")
    return target


class Answer:
    """The validator's one request, for the JSON-LD context, answered without a network."""

    status_code = 200
    headers = {"Content-Type": "application/ld+json"}  # noqa: RUF012

    def __init__(self) -> None:
        # The context of 1.3, as the library carries it; the terms of Bioschemas moved since 1.1.
        context = json.loads((files("rocrate") / "data" / "ro-crate.jsonld").read_text())["@context"]
        moved = ("ComputationalWorkflow", "FormalParameter", "input", "output")
        self._whole = {"@context": context | {term: f"https://bioschemas.org/{term}" for term in moved}}

    def json(self) -> dict[str, Any]:
        return self._whole


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    answer = Answer()

    def get(_: object, url: str, **_options: object) -> Answer:
        assert url == "https://w3id.org/ro/crate/1.1/context", "nothing else is looked up"
        return answer

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)
    return iter([None])


def problems(crate: Path, *, abort_on_first: bool = False) -> list[str]:
    settings = services.ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier=PROFILE,
        requirement_severity=Severity.RECOMMENDED,
        abort_on_first=abort_on_first,
        no_cache=True,
    )
    issues = services.validate(settings).get_issues()
    return [f"{issue.severity.name} {issue.check.identifier}: {issue.message}" for issue in issues]


def metadata(crate: Path) -> dict[str, dict[str, Any]]:
    with zipfile.ZipFile(crate) as archive:
        graph = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
    return {entity["@id"]: entity for entity in graph}


def rewritten(crate: Path, target: Path, name: str, content: bytes) -> Path:
    with zipfile.ZipFile(crate) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
    return target


@pytest.mark.usefixtures("_offline")
def test_a_crate_is_valid_and_leaves_out_only_what_the_lab_cannot_know(crate: Path) -> None:
    found = problems(crate)
    assert [line for line in found if line.startswith("REQUIRED")] == []
    assert {line.split(": ")[0] for line in found} == set(UNKNOWN)


@pytest.mark.usefixtures("_offline")
def test_the_validator_sees_a_run_without_its_workflow(crate: Path, tmp_path: Path) -> None:
    graph = metadata(crate)
    graph["#run"].pop("instrument")
    content = json.dumps({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": list(graph.values())})
    assert problems(
        rewritten(crate, tmp_path / "bad.zip", "ro-crate-metadata.json", content.encode()), abort_on_first=True
    )


def test_every_file_of_the_campaign_is_in_it_under_its_checksum(campaign: Path, crate: Path) -> None:
    described = metadata(crate)
    with zipfile.ZipFile(crate) as archive:
        for file in packed_files(campaign):
            name = file.relative_to(campaign).as_posix()
            assert archive.read(name) == file.read_bytes()
            assert described[name]["sha256"] == sha256(file.read_bytes()).hexdigest()
            assert described[name]["contentSize"] == str(file.stat().st_size)


def test_the_run_names_what_went_in_and_what_came_out(campaign: Path, crate: Path) -> None:
    described, manifest = metadata(crate), read_manifest(campaign)
    run = described["#run"]
    given = {described[part["@id"]]["name"]: described[part["@id"]]["value"] for part in run["object"]}
    assert given["sha256 of the graph of model yunet"] == manifest.models["yunet"].graph_sha256
    assert given["sha256 of guest wasm/o3"] == manifest.guests["wasm/o3"].sha256
    assert given["sha256 of the binary of runtime wasmtime"] == manifest.runtimes["wasmtime"].binary_sha256
    assert "trials.jsonl" in {part["@id"] for part in run["result"]}
    assert run["instrument"] == {"@id": "experiment.json"}
    assert run["startTime"] == manifest.created_at
    assert run["actionStatus"] == "http://schema.org/CompletedActionStatus"


def test_an_unfinished_campaign_is_not_said_to_be_completed(campaign: Path, tmp_path: Path) -> None:
    copy = tmp_path / campaign.name
    shutil.copytree(campaign, copy)
    (copy / "finished").unlink()
    export_crate(copy, tmp_path / "crate.zip")
    described = metadata(tmp_path / "crate.zip")
    assert "actionStatus" not in described["#run"]
    assert described["./"]["license"].startswith("No licence was stated")


def test_the_same_campaign_gives_the_same_crate(campaign: Path, crate: Path, tmp_path: Path) -> None:
    export_crate(campaign, tmp_path / "again.zip", "https://creativecommons.org/licenses/by/4.0/")
    assert (tmp_path / "again.zip").read_bytes() == crate.read_bytes()


def test_an_unpacked_crate_is_a_campaign(campaign: Path, tmp_path: Path) -> None:
    target = tmp_path / "campaign.crate.zip"
    made = lab("export", campaign, "--format", "rocrate", "-o", target)
    assert made.code == 0, made.err
    with zipfile.ZipFile(target) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert lab("report", tmp_path / "unpacked").code == 0


def test_a_licence_is_part_of_a_crate_and_of_nothing_else(campaign: Path) -> None:
    assert "rocrate" in lab("export", campaign, "--format", "csv", "--licence", "MIT").error[1]
