"""`lab tune` on a made-up file system: it shows, changes only when asked, and puts back exactly what was there."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from lab.cli.wiring import Lab
from lab.core.errors import DataError, UsageError
from lab.verify import tuning
from tests.command import Ran, lab

FILES = {
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_available_governors": "performance powersave",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_available_governors": "performance powersave",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "0",
    "proc/irq/9/smp_affinity_list": "0-1",
    "proc/irq/default_smp_affinity": "00000000,00000003",
    "proc/sys/vm/swappiness": "60",
    "proc/swaps": "Filename Type Size Used Priority\n/swapfile file 1000 0 -2",
    "proc/sys/kernel/core_pattern": "|/usr/share/apport/apport %p",
    "proc/sys/kernel/random/boot_id": "first",
    "proc/sys/kernel/randomize_va_space": "2",
}
OFF = sorted(
    [
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
        "sys/devices/system/cpu/intel_pstate/no_turbo",
        "proc/irq/9/smp_affinity_list",
        "proc/irq/default_smp_affinity",
        "proc/sys/vm/swappiness",
        "proc/sys/kernel/core_pattern",
    ]
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for name, content in FILES.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return tmp_path / "root"


def state(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text().strip() for name in FILES}


def off(root: Path) -> list[str]:
    return sorted(setting.path for setting in tuning.settings(root) if not setting.is_set)


def tune(root: Path, *words: str) -> Ran:
    class Here(Lab):
        """The lab of a machine with that file system."""

        @property
        def root(self) -> Path:
            """Of the made-up file system."""
            return root

    return lab("tune", *words, on=Here())


def test_it_shows_what_it_would_change_and_changes_nothing(root: Path) -> None:
    ran = tune(root)
    assert ran.code == 0, ran.err
    assert "6 of 7 settings would be changed by `lab tune --apply`" in ran.out
    assert "address-space randomisation" in ran.out
    assert state(root) == FILES
    assert off(root) == OFF


def test_applied_settings_are_as_wanted_and_reset_puts_every_byte_back(root: Path) -> None:
    assert tune(root, "--apply").code == 0
    assert off(root) == []
    assert state(root)["proc/sys/kernel/randomize_va_space"] == "2"
    ran = tune(root, "--reset")
    assert ran.code == 0
    assert "6 settings put back" in ran.err
    assert state(root) == FILES
    assert not (root / tuning.RECORD).exists()
    assert "nothing to put back" in tune(root, "--reset").err


def test_applied_twice_the_first_values_are_those_put_back(root: Path) -> None:
    assert tuning.apply(root) == ()
    (root / "proc/sys/vm/swappiness").write_text("10\n")
    assert tuning.apply(root) == ()
    tuning.reset(root)
    assert state(root) == FILES


def test_what_something_else_has_set_meanwhile_stays(root: Path) -> None:
    tuning.apply(root)
    (root / "proc/sys/vm/swappiness").write_text("30\n")
    undone = tuning.reset(root)
    assert undone is not None
    assert undone.left == ("proc/sys/vm/swappiness",)
    assert state(root) == {**FILES, "proc/sys/vm/swappiness": "30"}


def test_after_a_restart_there_is_nothing_to_put_back(root: Path) -> None:
    tuning.apply(root)
    (root / tuning.BOOT).write_text("second\n")
    (root / "proc/sys/vm/swappiness").write_text("1\n")
    assert tuning.reset(root) is None
    assert state(root)["proc/sys/vm/swappiness"] == "1", "nothing is written"
    assert not (root / tuning.RECORD).exists()


def test_old_values_are_on_disk_before_anything_is_changed(root: Path) -> None:
    (root / "var").write_text("no directory can be made here")
    with pytest.raises(UsageError, match=r"cannot be written .*: nothing was changed"):
        tuning.apply(root)
    assert state(root) == FILES


def test_a_setting_that_cannot_be_written_is_named_and_the_others_are_set(root: Path) -> None:
    swap = root / "proc/sys/vm/swappiness"
    swap.unlink()
    swap.symlink_to("/proc/version")  # can be read, and written by nobody
    ran = tune(root, "--apply")
    assert ran.code == 1
    assert "could not set proc/sys/vm/swappiness: " in ran.err
    assert off(root) == ["proc/sys/vm/swappiness"]


def test_a_damaged_record_is_refused(root: Path) -> None:
    tuning.apply(root)
    (root / tuning.RECORD).write_bytes(b"{")
    with pytest.raises(DataError, match=r"tuned\.json"):
        tuning.reset(root)


def test_settings_that_mean_nothing_here_are_left_out(root: Path) -> None:
    (root / "proc/swaps").write_text("Filename Type Size Used Priority\n")
    (root / "proc/sys/kernel/core_pattern").write_text("/var/crash/core\n")
    (root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_available_governors").write_text("powersave\n")
    names = {setting.name for setting in tuning.settings(root)}
    assert not {"swap", "core dumps"} & names
    assert OFF[3] not in off(root)


def test_both_at_once_are_refused_and_json_lists_settings(root: Path) -> None:
    what, _ = tune(root, "--apply", "--reset").error
    assert "undo each other" in what
    listed = msgspec.json.decode(tune(root, "--json").out)
    assert {entry["path"] for entry in listed} >= set(OFF)
    assert state(root) == FILES
