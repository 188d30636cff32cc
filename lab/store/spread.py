"""The directory of a campaign that is spread over hosts: one campaign directory for each host, and what they share.

    results/paper-full-20250301T101500Z/
    ├── plan.json            what every host measures; its `host` is the machine that asked them to
    ├── finished.json        there once the plan is done: the budget of each host
    ├── hosts/
    │   └── alpha/           a campaign directory like any other, of the blocks that ran on this host
    │       ├── host-id      which machine that is
    │       ├── manifest.json
    │       └── trials.jsonl
    └── report/              over all hosts

No file mixes two hosts: trials of one journal ran on one machine, so whatever reads it can pair and compare them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from lab.core.errors import DataError, UsageError
from lab.core.manifest import Manifest
from lab.disk.content import decode_json
from lab.disk.whole import write_json, write_whole
from lab.store.campaigns import MANIFEST_NAME, read_manifest
from lab.store.fingerprint import differences, fingerprint
from lab.store.journal import JOURNAL_NAME

PLAN_NAME = "plan.json"
HOSTS_NAME = "hosts"
IDENTITY_NAME = "host-id"
FINISHED_NAME = "finished.json"
_REMEDY = "restore it from a copy; without it the campaign's numbers have no meaning"


class SpreadFinished(msgspec.Struct, frozen=True):
    """The marker of a campaign that has ended.

    Attributes:
        budget_s: seconds that each host was allowed to measure.
        trials: number of trials by host.
    """

    budget_s: float
    trials: dict[str, int]


def _is_spread(directory: Path) -> bool:
    """Whether a directory holds a campaign of several hosts."""
    return (directory / PLAN_NAME).is_file()


def find_spread_directory(results: Path, name: str) -> Path | None:
    """A campaign of several hosts by path, or by name below `results`; None if that is none."""
    return next((place for place in (results / name, Path(name)) if _is_spread(place)), None)


def create_spread(results: Path, plan: Manifest) -> Path:
    """Make the directory of a campaign.

    Raises:
        UsageError: there is one of that name.
    """
    directory = results / plan.campaign
    if directory.exists():
        raise UsageError(f"{directory} exists already", "wait a second and start the campaign again")
    (directory / HOSTS_NAME).mkdir(parents=True)
    write_json(directory / PLAN_NAME, plan)
    return directory


def read_plan(directory: Path) -> Manifest:
    """What every host measures.

    Raises:
        DataError: it is missing or damaged.
    """
    return decode_json(directory / PLAN_NAME, Manifest, _REMEDY)


def find_spread(results: Path, plan: Manifest) -> Path | None:
    """The newest campaign that this plan goes on with: unfinished, or ended with a smaller budget; None without one."""
    budget_s = plan.experiment.tier(plan.tier).budget_s
    for path in sorted(results.glob(f"*/{PLAN_NAME}"), key=lambda path: path.parent.name, reverse=True):
        try:
            known, marker = read_plan(path.parent), spread_finished(path.parent)
        except DataError:
            continue
        same = fingerprint(msgspec.structs.replace(known, host=plan.host)) == fingerprint(plan)
        if same and known.tier == plan.tier and (marker is None or marker.budget_s < budget_s):
            return path.parent
    return None


def spread_finished(directory: Path) -> SpreadFinished | None:
    """The marker; None while the campaign is unfinished.

    Raises:
        DataError: the marker is damaged.
    """
    path = directory / FINISHED_NAME
    remedy = "delete it and run the experiment again to resume"
    return decode_json(path, SpreadFinished, remedy) if path.exists() else None


def mark_spread(directory: Path, budget_s: float, trials: dict[str, int]) -> None:
    """Say that the plan is done."""
    write_json(directory / FINISHED_NAME, SpreadFinished(budget_s, trials))


def reopen_spread(directory: Path) -> None:
    """Take the campaign for unfinished: it is about to go on."""
    (directory / FINISHED_NAME).unlink(missing_ok=True)


def host_directories(directory: Path) -> Iterator[Path]:
    """The campaign directory of every host, in the order of names."""
    return iter(sorted(path.parent for path in directory.glob(f"{HOSTS_NAME}/*/{MANIFEST_NAME}")))


def open_host(directory: Path, name: str, identity: str, manifest: Manifest) -> Path:
    """The campaign directory of a host, made if need be.

    Args:
        directory: of the campaign.
        name: of the host.
        identity: which machine it is.
        manifest: what that host measures, and on what.

    Raises:
        UsageError: another machine has that name in this campaign, or the machine has changed since.
    """
    place = directory / HOSTS_NAME / name
    if not (place / MANIFEST_NAME).is_file():
        write_whole(place / IDENTITY_NAME, identity.encode())
        write_whole(place / JOURNAL_NAME, b"")
        write_json(place / MANIFEST_NAME, manifest)
        return place
    known = read_manifest(place)
    rename = "give it a name of its own (`lab worker --name`)"
    if (place / IDENTITY_NAME).read_text(encoding="utf-8") != identity:
        raise UsageError(f"another machine measures as {name} already", rename)
    if fingerprint(known) != fingerprint(manifest):
        changes = ", ".join(differences(known, manifest)[:3])
        raise UsageError(f"host {name} has changed since its first trial: {changes}", rename)
    return place
