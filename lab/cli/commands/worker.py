"""`lab worker`: this machine measures for a campaign that another one runs."""

from __future__ import annotations

import re
import shlex
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.engines import EngineName, EngineOption
from lab.cli.output import note, say
from lab.cli.progress import CampaignProgress
from lab.cli.wiring import lab_of
from lab.cluster.batch import kubernetes_manifest, slurm_script
from lab.cluster.invitation import Address, find_invitation, invite, parse_address
from lab.core.errors import EXIT_NEGATIVE, UsageError
from lab.disk.measuring_lock import Holder
from lab.verify.machine import examine
from lab.verify.measuring_checks import fitness


def worker(
    context: typer.Context,
    address: Annotated[
        str | None, typer.Argument(help="Where `lab run --scheduler` listens: HOST or HOST:PORT.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the campaign calls this host.")] = None,
    share: Annotated[Path | None, typer.Option(help="A directory of files by content that hosts share.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when the campaign lets go, as a batch job does.")] = False,
    invite_others: Annotated[
        bool, typer.Option("--invite", help="Make the certificate that hosts take part with, and end.")
    ] = False,
    renew: Annotated[bool, typer.Option("--renew", help="With --invite: replace the one that is there.")] = False,
    slurm: Annotated[
        bool, typer.Option("--slurm", help="Print a job script for sbatch that runs this worker on a node, and end.")
    ] = False,
    kubernetes: Annotated[
        str | None,
        typer.Option(
            help="Print a manifest for kubectl that runs this worker from an image that holds the lab, and end."
        ),
    ] = None,
    engine: EngineOption = EngineName.CONTAINER,
) -> None:
    """Measure for a campaign that another machine runs.

    One trial at a time, until asked to end. Checks this machine as `lab doctor` does, waits for the campaign's machine,
    gets the images, guests and models that are not here, and has the machine for itself while the campaign lasts.
    Writes below LAB_HOME/campaigns/NAME each trial before it is sent. Ctrl-C finishes the trial that is running.
    """
    lab = lab_of(context)
    if invite_others:
        path = invite(lab.home, renew=renew)
        say(f"{path}\ncopy it to the same place (LAB_HOME) on every host; who holds it can have programs run there")
        return
    if address is None:
        raise UsageError("no address is given", "name the machine of `lab run --scheduler`, such as alpha:8786")
    place = parse_address(address)
    if slurm and kubernetes is not None:
        raise UsageError("--slurm and --kubernetes were both given", "give one of them")
    if slurm or kubernetes is not None:
        say(_for_others(place, lab.home, kubernetes, _repeated(share, engine)).rstrip("\n"))
        return
    invitation = find_invitation(lab.home, place)
    chosen = lab.engine(engine)
    if engine is EngineName.CONTAINER:
        findings = examine(lab.home)
        note(fitness(findings))
        if any(finding.needed and not finding.ok for finding in findings):
            note("`lab doctor` says what is missing")
            raise typer.Exit(EXIT_NEGATIVE)
    # imported here: Dask is an extra, and takes a second
    from lab.cluster.dask_worker import serve  # noqa: PLC0415
    from lab.cluster.host_side import HostSide  # noqa: PLC0415

    progress = CampaignProgress(lambda: None)
    command = shlex.join(["lab", *sys.argv[1:]])
    host = HostSide(
        _named(name), lab.home, chosen, lab.images(engine), progress, shared=share, command=command, waiting=_Waiting()
    )
    try:
        serve(host, place, invitation, note, once=once)
    finally:
        progress.close()


def _for_others(place: Address, home: Path, image: str | None, options: tuple[str, ...]) -> str:
    """What starts this worker elsewhere: on Slurm, or from an image on Kubernetes."""
    if place.host == "localhost" or place.host.startswith(("127.", "::1")):
        raise UsageError(
            f"other machines do not reach this one as {place.host}", "name it as they do, such as alpha:8786"
        )
    return slurm_script(place, home, options) if image is None else kubernetes_manifest(place, image, options)


def _repeated(share: Path | None, engine: EngineName) -> tuple[str, ...]:
    shared = () if share is None else ("--share", str(share.absolute()))
    return (*shared, *(() if engine is EngineName.CONTAINER else ("--engine", engine.value)))


class _Waiting:
    """Says once who has the machine."""

    def __init__(self) -> None:
        self._said: Holder | None = None

    def __call__(self, holder: Holder | None) -> None:
        if holder is not None and holder != self._said:
            self._said = holder
            note(f"waiting for {holder}")


def _named(name: str | None) -> str:
    """The host's name as directories can bear it."""
    text = re.sub(r"[^A-Za-z0-9._-]+", "-", name or socket.gethostname()).lstrip("-._")[:60]
    if not text:
        raise UsageError(f"'{name}' names no host", "use letters and digits")
    return text
