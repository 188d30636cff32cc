"""A container engine of a test's own: a second dockerd with its own socket, data and processes."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

PATIENCE_S = 120
_ADDRESS = "172.31.251.1/24"


class OwnEngine:
    """A dockerd below a directory; it knows none of the machine's own containers.

    It gets a bridge of its own: one without any removes the machine's ``docker0``.

    Args:
        directory: on a file system that the storage driver takes; short, since a socket's path is.
        storage_driver: the machine's own engine's.
    """

    def __init__(self, directory: Path, storage_driver: str) -> None:
        self._directory, self._driver, self._bridge = directory, storage_driver, f"lab{secrets.token_hex(4)}"
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "daemon.json").write_text("{}", encoding="utf-8")

    @property
    def url(self) -> str:
        """What DOCKER_HOST is set to."""
        return f"unix://{self._directory}/engine.sock"

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = [
            "dockerd",
            "-H",
            self.url,
            "--storage-driver",
            self._driver,
            "--bridge",
            self._bridge,
            "--iptables=false",
        ]
        for option, name in (
            ("config-file", "daemon.json"),
            ("data-root", "data"),
            ("exec-root", "exec"),
            ("pidfile", "pid"),
        ):
            words += [f"--{option}", str(self._directory / name)]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self._process.poll() is None, self._said()
            assert time.monotonic() < deadline, self._said()
            time.sleep(0.2)

    def stop(self) -> None:
        """End it as an upgrade of its package does; its containers end with it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=PATIENCE_S)
            self._process = None

    def add_bridge(self) -> None:
        """Make its bridge; no container of a test's uses it."""
        for words in (("link", "add", self._bridge, "type", "bridge"), ("addr", "add", _ADDRESS, "dev", self._bridge)):
            subprocess.run(["ip", *words], check=True)

    def remove_bridge(self) -> None:
        """Remove it again."""
        subprocess.run(["ip", "link", "del", self._bridge], check=False)

    def load(self, *images: str) -> None:
        """Copy images of the machine's own engine into this one."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saving:
            subprocess.run(
                ["docker", "load"],
                env={**os.environ, "DOCKER_HOST": self.url},
                stdin=saving.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        assert saving.returncode == 0

    def containers(self) -> list[str]:
        """Ids of all containers that it has."""
        client = docker.DockerClient(base_url=self.url)
        try:
            return [str(container.id) for container in client.containers.list(all=True, ignore_removed=True)]
        finally:
            client.close()

    def _answers(self) -> bool:
        try:
            client = docker.DockerClient(base_url=self.url, timeout=10)
            try:
                return bool(client.ping())
            finally:
                client.close()
        except docker.errors.DockerException:
            return False

    def _said(self) -> str:
        return (self._directory / "log").read_text(encoding="utf-8", errors="replace")[-2000:]


@contextmanager
def own_engine(directory: Path) -> Iterator[OwnEngine]:
    """A running engine for the time of a test; nothing of it is left.

    Raises:
        PermissionError: only root may start one, and dockerd must be installed.
    """
    if os.geteuid() != 0 or not all(map(shutil.which, ("dockerd", "ip"))):
        raise PermissionError("a second dockerd takes root, dockerd and ip on this machine")
    directory.mkdir(parents=True)
    machines = docker.from_env()
    engine = OwnEngine(directory, str(machines.info()["Driver"]))
    machines.close()
    links = _links()
    try:
        engine.add_bridge()
        engine.start()
        yield engine
    finally:
        engine.stop()
        engine.remove_bridge()
        _unmount_below(directory)
        shutil.rmtree(directory, ignore_errors=True)
    assert links <= _links(), "the machine's own network is as it was"


def _links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


def _unmount_below(directory: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    for place in sorted((place for place in mounts if place.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "-l", place], check=False)
