"""A campaign on several hosts as a command runs it: this machine builds, asks and writes down, and measures nothing."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import msgspec

from lab.campaign.experiment_file import cases_of
from lab.campaign.prepare import manifest_of
from lab.cli.build_progress import build_progress
from lab.cli.engines import EngineName
from lab.cli.output import note
from lab.cli.wiring import Lab
from lab.cluster.assignment import Assignment
from lab.cluster.coordinator import Coordinator
from lab.cluster.invitation import find_invitation, parse_address
from lab.cluster.sharing import SharedMaterials
from lab.core.experiment import Experiment
from lab.core.trial import Trial
from lab.core.units import show_duration
from lab.store.campaigns import campaign_name
from lab.store.spread import create_spread, find_spread, mark_spread, read_plan, reopen_spread

ON_HOSTS = "hosts"
"""The `isolation` of a plan: that of each host is in its own manifest."""


def run_on_hosts(
    lab: Lab,
    plan: Experiment,
    tier: str,
    scheduler: str,
    engine: EngineName,
    *,
    results: Path,
    new: bool,
    share: Path | None,
) -> Path:
    """Have every host that takes part measure blocks of an experiment; the campaign's directory.

    Args:
        lab: its home holds the materials.
        plan: the experiment.
        tier: how much of it; its budget is of each host.
        scheduler: where hosts find this machine.
        engine: that hosts run trials with: images are sent for containers only.
        results: directory of campaigns.
        new: whether an earlier campaign stays as it is.
        share: directory that hosts share, which files are put into; None to send them.

    Raises:
        UsageError: the address needs a certificate, or nothing can listen there.
    """
    address = parse_address(scheduler)
    invitation = find_invitation(lab.home, address)
    cases = cases_of(plan, tier)
    note(f"{len(cases)} cases of '{plan.name}', tier {tier}: {plan.question}")
    with build_progress() as progress:
        materials = lab.gather(cases, plan, progress)
    shared = SharedMaterials(materials)
    if share is not None:
        shared.publish(share)
    now = datetime.now(UTC)
    name = campaign_name(plan.name, tier, now)
    made = manifest_of(
        materials, plan, tier, cases, lab.engine(engine), name=name, created_at=now.isoformat(timespec="seconds")
    )
    manifest = msgspec.structs.replace(made, isolation=ON_HOSTS)
    found = None if new else find_spread(results, manifest)
    directory = found or create_spread(results, manifest)
    chosen = plan.tier(tier)
    begun = "resuming" if found else "measuring into"
    note(f"{begun} {directory}, for at most {show_duration(chosen.budget_s)} a host")
    reopen_spread(directory)
    assignment = Assignment(cases, chosen, plan.measure_in(chosen), materials.models)
    # imported here: Dask is an extra, and takes a second
    from lab.cluster.dask_port import DaskPort  # noqa: PLC0415

    port = DaskPort(address, invitation)
    coordinator = Coordinator(
        port,
        directory,
        msgspec.structs.replace(read_plan(directory), experiment=plan),
        plan.measure_in(chosen),
        assignment,
        shared,
        lab.save_image,
        Watching(scheduler),
    )
    try:
        _run_draining(coordinator)
        mark_spread(directory, chosen.budget_s, dict(coordinator.trials))
    finally:
        port.close()
    return directory


def _run_draining(coordinator: Coordinator) -> None:
    """Run; asked to end, wait for the trials that are running, then end as interrupted."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def drain(_number: int, _frame: FrameType | None) -> None:
        note("\nno further trial is begun; waiting for those that are running (Ctrl-C once more: not even that)")
        coordinator.drain()
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, drain)
    try:
        coordinator.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if coordinator.is_stopping:
        raise KeyboardInterrupt


class Watching:
    """Prints what happens on hosts.

    Args:
        scheduler: the address that workers are started with.
    """

    def __init__(self, scheduler: str) -> None:
        self._scheduler, self._said = scheduler, False

    def on_note(self, text: str) -> None:
        """See `lab.cluster.coordinator.Watcher`."""
        note(text)

    def on_trial(self, host: str, trial: Trial) -> None:
        """See `lab.cluster.coordinator.Watcher`."""
        seconds = "" if trial.total_ns is None else f": {show_duration(trial.total_ns / 1e9)}"
        ended = "" if trial.why is None else f": {trial.outcome}, {trial.why}"
        what = trial.case.id if trial.model else f"{trial.arm.id} precompilation"
        note(f"{host:>12} {trial.number:>5}  block {trial.block}  {what}{ended or seconds}")

    def on_pause(self, hosts: int, idle: int) -> None:  # noqa: ARG002
        """See `lab.cluster.coordinator.Watcher`."""
        if not hosts and not self._said:
            self._said = True
            note(f"no host takes part yet: run `lab worker {self._scheduler}` on each")
