"""Command lines are written for versions; a pin that moves wants them looked at again."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from lab.core.arm import NATIVE_RUNTIME
from lab.core.names import Edition
from lab.runtimes.base import Runtime
from lab.runtimes.registry import RUNTIMES

ROOT = Path(__file__).parents[2]
PINS = tomllib.loads((ROOT / "lab" / "builds" / "pins.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("edition", list(Edition))
@pytest.mark.parametrize("runtime", RUNTIMES, ids=lambda runtime: runtime.name)
def test_each_module_is_written_for_the_version_that_is_pinned(runtime: type[Runtime], edition: str) -> None:
    pinned = PINS["editions"][edition]["runtimes"].get(runtime.name)
    if pinned is None:
        assert edition not in runtime.versions, "an edition lacks it that the module is written for"
    elif runtime.name == NATIVE_RUNTIME:
        assert "version" not in pinned, "the guest's toolchain is pinned elsewhere"
    else:
        assert runtime.versions[edition] == pinned["version"]


def test_nothing_is_pinned_that_no_module_runs() -> None:
    for edition in Edition:
        assert set(PINS["editions"][edition]["runtimes"]) <= {runtime.name for runtime in RUNTIMES}
    assert set(PINS["editions"][Edition.CURRENT.extends]["runtimes"]) == {runtime.name for runtime in RUNTIMES}


def test_every_runtime_has_its_target_in_the_dockerfile() -> None:
    stages = set(re.findall(r"^FROM .+ AS ([\w-]+)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
    assert {runtime.image for runtime in RUNTIMES} <= stages
