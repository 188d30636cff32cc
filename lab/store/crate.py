"""A campaign as a Workflow Run Crate: one zip for repositories of research data, whose parts say what they are.

The experiment is the workflow; the campaign is one run of it. Models, guests, runtimes and images went into that run
and are named by sha256; manifest, trials and report came out and are in the crate, byte for byte. The profile is
Workflow Run Crate 0.5, which rests on RO-Crate 1.1 (https://w3id.org/ro/wfrun/workflow/0.5).
"""

from __future__ import annotations

import mimetypes
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from rocrate.model.computerlanguage import ComputerLanguage
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from lab.core.manifest import Manifest
from lab.disk.content import file_sha256
from lab.disk.whole import whole_file
from lab.store.campaigns import FINISHED_NAME, MANIFEST_NAME, REPORT_NAME, finished, read_manifest
from lab.store.journal import JOURNAL_NAME, read_trials
from lab.store.packing import packed_files

NO_LICENCE = "No licence was stated when this crate was made: ask those who measured it."
WORKFLOW = "experiment.json"
README = "README.md"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_SPECIFICATION = "1.1"  # of RO-Crate: the one that the profiles rest on
_ABOUT = {
    MANIFEST_NAME: "What the figures depend on: experiment, machine, runtimes, guests, models, command lines",
    JOURNAL_NAME: "Every trial, one line of JSON each, with a checksum of its own",
    FINISHED_NAME: "How many trials the finished campaign holds, and the sha256 of their file",
}
_TYPES = {".jsonl": "application/jsonl", ".md": "text/markdown", "": "application/json"}
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip's times begin there; with one time for all, one campaign gives one zip


def export_crate(directory: Path, target: Path, licence: str | None = None) -> int:
    """Write a campaign as a zipped crate; the same campaign gives the same bytes.

    Args:
        directory: of the campaign.
        target: the zip.
        licence: under which terms the crate may be used, as a URL or in words; None if nobody has said.

    Returns:
        How many files of the campaign it holds.

    Raises:
        DataError: the manifest or the journal is missing or damaged.
    """
    manifest = read_manifest(directory)
    with tempfile.TemporaryDirectory(prefix="lab-crate-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        (made / WORKFLOW).write_bytes(msgspec.json.format(msgspec.json.encode(manifest.experiment), indent=2) + b"\n")
        (made / README).write_text(_readme(manifest), encoding="utf-8")
        files = packed_files(directory)
        crate = _describe(manifest, directory, made, files, licence or NO_LICENCE)
        crate.write(Path(scratch) / "crate")
        with whole_file(target) as draft:
            _zip(Path(scratch) / "crate", draft)
    return len(files)


def _describe(manifest: Manifest, directory: Path, made: Path, files: list[Path], licence: str) -> ROCrate:
    crate = ROCrate(gen_preview=False, version=_SPECIFICATION)
    crate.name = f"{manifest.campaign}: a campaign of wasm-edge-lab"
    crate.description = manifest.experiment.question
    crate.datePublished = _ended(manifest, directory)
    if licence.startswith(("http://", "https://")):
        crate.license = crate.add(ContextEntity(crate, licence, {"@type": "CreativeWork", "name": licence}))
    else:
        crate.license = licence
    language = ComputerLanguage(crate, "#experiment-file", {"name": "experiment of wasm-edge-lab", "version": "1"})
    workflow = crate.add_workflow(
        made / WORKFLOW,
        WORKFLOW,
        main=True,
        lang=crate.add(language),
        properties={
            "name": f"experiment {manifest.experiment.name}",
            "description": manifest.experiment.question,
            "encodingFormat": "application/json",
            "version": manifest.lab_version,
            "sha256": file_sha256(made / WORKFLOW),
        },
    )
    crate.root_dataset["conformsTo"] = [
        crate.add(ContextEntity(crate, url, {"@type": "CreativeWork", "name": name, "version": version}))
        for url, (name, version) in _PROFILES.items()
    ]
    readme = {"name": "What is in this crate", "about": {"@id": "./"}, "encodingFormat": _TYPES[".md"]}
    crate.add_file(made / README, README, properties=readme, record_size=True)
    results = [
        crate.add_file(file, name := file.relative_to(directory).as_posix(), properties=_of_file(file, name))
        for file in files
    ]
    given = [crate.add(_value(crate, name, value)) for name, value in _inputs(manifest)]
    run = crate.add_action(workflow, "#run", given, results, _of_run(manifest, directory))
    crate.root_dataset["mentions"] = run
    return crate


def _of_file(file: Path, name: str) -> dict[str, str]:
    about = _ABOUT.get(name, f"Made from the trials: {name.removeprefix(f'{REPORT_NAME}/')}")
    guessed = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    size, sha256 = str(file.stat().st_size), file_sha256(file)
    return {"name": name, "description": about, "encodingFormat": guessed, "contentSize": size, "sha256": sha256}


def _of_run(manifest: Manifest, directory: Path) -> dict[str, str]:
    """The action: what was done, on what machine, from when to when; and that it is completed, once it is."""
    host = manifest.host
    ended = {} if finished(directory) is None else {"actionStatus": "http://schema.org/CompletedActionStatus"}
    return {
        "name": f"campaign {manifest.campaign}",
        "description": f"Tier {manifest.tier} of {manifest.experiment.name}, isolation {manifest.isolation}, "
        f"on {host.cpu_model} ({host.cores} processors, {host.os}, kernel {host.kernel})",
        "startTime": manifest.created_at,
        "endTime": _ended(manifest, directory),
        **ended,
    }


def _inputs(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What went into the run, by name: hashes of what a crate would be too large with."""
    for name, model in sorted(manifest.models.items()):
        yield f"sha256 of the graph of model {name}", model.graph_sha256
        for batch, sha256 in sorted(model.input_sha256.items()):
            yield f"sha256 of the input of model {name} at batch {batch}", sha256
    for name, guest in sorted(manifest.guests.items()):
        yield f"sha256 of guest {name}", guest.sha256
        yield f"compiler of guest {name}", guest.toolchain
    for name, runtime in sorted(manifest.runtimes.items()):
        yield f"sha256 of the binary of runtime {name}", runtime.binary_sha256
        yield f"id of the image of runtime {name}", runtime.image_id
        if runtime.version:
            yield f"version of runtime {name}, supply: {runtime.supply}", runtime.version


def _value(crate: ROCrate, name: str, value: str) -> ContextEntity:
    return ContextEntity(crate, f"#{name.replace(' ', '-')}", {"@type": "PropertyValue", "name": name, "value": value})


def _ended(manifest: Manifest, directory: Path) -> str:
    """When the last trial ended, as far as the journal shows; of a campaign without trials, when it began."""
    last = None
    for last in read_trials(directory / JOURNAL_NAME):  # noqa: B007 - only the last one is wanted
        pass
    if last is None:
        return manifest.created_at
    ended = datetime.fromisoformat(last.started_at) + timedelta(microseconds=(last.total_ns or 0) / 1000)
    return ended.isoformat(timespec="seconds")


def _readme(manifest: Manifest) -> str:
    return f"""# {manifest.campaign}

{manifest.experiment.question}

One campaign of wasm-edge-lab {manifest.lab_version}. `{WORKFLOW}` is the experiment; `{MANIFEST_NAME}` says what the
figures depend on; `{JOURNAL_NAME}` holds every trial; `{REPORT_NAME}/` is made from these two and nothing else.
`ro-crate-metadata.json` describes each file with its sha256. Unpacked, the crate is a campaign that `lab report`,
`lab claims` and `lab verify --against` read.
"""


def _zip(directory: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(directory).as_posix(), _EARLIEST)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with file.open("rb") as content, archive.open(entry, "w", force_zip64=True) as packed:
                while piece := content.read(1 << 20):
                    packed.write(piece)
