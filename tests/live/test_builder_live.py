"""Builders' containers: compilers and crates' build scripts run there, without rights, over read-only sources."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.builds.builder_container import Mounted, run_in
from lab.builds.guests import Tools, ensure_tools
from lab.builds.images.labels import ImageInfo
from lab.engines.docker_sdk import connect
from tests.damage import change_a_byte

pytestmark = pytest.mark.live

ATTEMPTS = """
grep -E '^(CapEff|CapBnd|NoNewPrivs):' /proc/self/status
id -u
touch /src/planted || echo 'sources are read-only'
echo changed > /src/main.rs || echo 'a source stays as it is'
chmod 600 /opt/ca/host.crt || echo 'certificates stay as they are'
touch /out/made && echo 'made'
"""


@pytest.mark.fault("a damaged file in a cache", seconds=5)
def test_a_damaged_probe_is_taken_from_its_image_again(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    probe = ensure_tools().probe
    assert probe.read_bytes() == tools.probe.read_bytes()
    change_a_byte(probe)
    assert ensure_tools().probe == probe
    assert probe.read_bytes() == tools.probe.read_bytes()


def test_a_builder_has_no_rights_and_cannot_write_to_its_sources(tmp_path: Path, native_image: ImageInfo) -> None:
    sources, out, log = tmp_path / "src", tmp_path / "out", tmp_path / "log"
    sources.mkdir()
    out.mkdir()
    (sources / "main.rs").write_text("fn main() {}")
    mounts = (Mounted(sources, "/src", read_only=True), Mounted(out, "/out"))
    code = run_in(connect(), native_image.image_id, ATTEMPTS, mounts, log, lambda _step, _done: None)
    said = log.read_text()
    none = "0" * 16
    assert code == 0, said
    assert [line.split() for line in said.splitlines() if line.startswith(("Cap", "NoNew"))] == [
        ["CapEff:", none],
        ["CapBnd:", none],
        ["NoNewPrivs:", "1"],
    ]
    assert str(os.getuid()) in said.splitlines()
    assert {"sources are read-only", "a source stays as it is", "certificates stay as they are", "made"} <= set(
        said.splitlines()
    )
    assert [path.name for path in sources.iterdir()] == ["main.rs"]
    assert (sources / "main.rs").read_text() == "fn main() {}"
