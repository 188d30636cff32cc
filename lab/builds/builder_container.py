"""Runs a script in a builder's container, as this user, with a log that can be followed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from lab.builds.steps.context import CA_PLACE, ca_bundle
from lab.engines.docker_sdk import HTTP_TIMEOUT_S, SILENCE_S, BindMount, DockerClient, connect, failures_as_lab_errors
from lab.engines.leftovers import discarded
from lab.engines.owner import owner_labels

# What cargo draws when it believes that its output is a terminal: "Building [=====>    ] 57/142: tract-core"
_CARGO_BAR = re.compile(r"(\d+)/(\d+): (.*)")
_CARGO_STEP = re.compile(r"\s+(Downloaded|Downloading|Compiling|Finished|Building)\s+(.*)")


class Mounted(NamedTuple):
    """A host directory, or file, in a builder's container.

    Attributes:
        source: on the host.
        place: path at which the container sees it.
        read_only: whether the container may not write to it.
    """

    source: Path
    place: str
    read_only: bool = False

    @property
    def bound(self) -> BindMount:
        """The mount in the notation of the engine's API."""
        return BindMount(self.place, str(self.source.resolve()), type="bind", read_only=self.read_only)


def run_in(
    client: DockerClient,
    image: str,
    script: str,
    mounts: Iterable[Mounted],
    log: Path,
    on_step: Callable[[str, float | None], None],
) -> int:
    """Run a shell script in a fresh container and remove the container; its exit code.

    Args:
        client: connection to the container engine.
        image: tag of a builder's image.
        script: shell script, run by ``sh -c``.
        mounts: host directories that the container sees; everything else it writes to is gone with it.
        log: gets everything it prints.
        on_step: called with cargo's steps as they come, and the fraction done where cargo says it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    # this machine's of today: a proxy renews its certificate, and the image is kept
    certificates = Mounted(ca_bundle(), CA_PLACE, read_only=True)
    options: dict[str, Any] = {
        "entrypoint": ["/bin/sh", "-c"],
        "user": f"{os.getuid()}:{os.getgid()}",
        "environment": {
            "HOME": "/tmp",  # noqa: S108  # in the container
            "CARGO_HOME": "/cargo",
            "CARGO_TERM_PROGRESS_WHEN": "always",
            "CARGO_TERM_PROGRESS_WIDTH": "80",
        },
        # compilers and crates' own build scripts run here; they need files and the network, and no more
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "labels": owner_labels("build"),
        # not `volumes`: those cannot name a directory with a colon
        "mounts": [mount.bound for mount in (*mounts, certificates)],
    }
    with (
        failures_as_lab_errors(),
        discarded(lambda: client.containers.create(image, [script], **options)) as container,
    ):
        container.start()
        # link-time optimisation says nothing for minutes
        followed = connect(SILENCE_S).containers.get(str(container.id))
        with log.open("w") as log_file:
            for chunk in followed.logs(stream=True, follow=True):
                text = chunk.decode(errors="replace")
                log_file.write(text.replace("\r", "\n"))
                log_file.flush()
                report_step(text, on_step)
        return int(container.wait(timeout=HTTP_TIMEOUT_S)["StatusCode"])


def report_step(text: str, on_step: Callable[[str, float | None], None]) -> None:
    """The newest of cargo's bars in `text`, since it says how far it is; else the newest of its other lines."""
    lines = text.replace("\r", "\n").splitlines()
    bars = [bar for bar in map(_CARGO_BAR.search, lines) if bar is not None]
    steps = [step for step in map(_CARGO_STEP.match, lines) if step is not None]
    if bars:
        on_step(f"compiling {bars[-1][3].strip()[:50]}", int(bars[-1][1]) / int(bars[-1][2]))
    elif steps:
        on_step(f"{steps[-1][1].lower()} {steps[-1][2].strip()[:50]}", None)
