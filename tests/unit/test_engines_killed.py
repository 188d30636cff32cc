"""Who killed a container: distinguished by the engine's flag and the kernel's count."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from lab.engines.docker_sdk import Container
from lab.engines.killed import kernel_oom_kills, killed_for_memory


class Ended:
    """A container that has ended, whose flag is set after so many looks; never if that is None."""

    def __init__(self, code: int, flag_after: int | None) -> None:
        self._code, self._flag_after, self.looks = code, flag_after, 0

    @property
    def attrs(self) -> dict[str, Any]:
        is_set = self._flag_after is not None and self.looks >= self._flag_after
        return {"State": {"ExitCode": self._code, "OOMKilled": is_set}}

    def reload(self) -> None:
        self.looks += 1


def is_for_memory(code: int, flag_after: int | None, before: int | None = 3) -> bool:
    return killed_for_memory(cast(Container, Ended(code, flag_after)), before, lambda: 3, lambda _: None)


def test_a_flag_that_is_set_late_is_waited_for() -> None:
    assert is_for_memory(137, flag_after=0)
    assert is_for_memory(137, flag_after=7)


def test_a_kill_that_the_kernel_did_not_count_came_from_outside() -> None:
    assert not is_for_memory(137, flag_after=None)
    assert not is_for_memory(137, flag_after=None, before=None)


def test_a_flag_that_an_engine_lost_is_made_up_for_by_the_kernels_count() -> None:
    assert is_for_memory(137, flag_after=None, before=2)


def test_any_other_end_is_no_kill() -> None:
    assert not is_for_memory(143, flag_after=None, before=2)


def test_the_kernels_count_is_read_where_it_is_kept(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("pgfault 7\noom_kill 42\n")
    assert kernel_oom_kills(vmstat) == 42
    vmstat.write_text("pgfault 7\n")
    assert kernel_oom_kills(vmstat) is None
    assert kernel_oom_kills(tmp_path / "none") is None
