"""How hot the machine is, whether that slows it down, and what energy it has taken: read before and after a trial.

Linux shows these below /sys, as far as a machine has sensors (kernel: Documentation/ABI/testing/sysfs-class-thermal,
sysfs-class-powercap; admin-guide/pm). Virtual machines have none. What is read is of the whole machine, and of a
little more than the trial: its container starts and is removed in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from lab.core.names import Flag

SYS = Path("/sys")
# Of the Raspberry Pi's firmware: frequency capped, throttled, soft temperature limit; under-voltage caps it, too.
_PI_SLOWED = 0b1111
_PI = "devices/platform/soc/soc:firmware/get_throttled"
# Cooling devices that slow the processor down: a state above 0 says that they do.
_PROCESSOR_COOLERS = ("cpufreq", "thermal-cpufreq", "cpuidle", "thermal-idle", "processor")


class Heat(msgspec.Struct, frozen=True):
    """The machine at one moment; a figure that it does not offer is None.

    Attributes:
        temperature_mc: of its hottest sensor, in thousandths of a degree Celsius.
        slowdowns: how often processors were slowed down for heat since boot, summed.
        is_slowed: whether a processor is slowed down now, for heat or for want of current.
        energy_uj: counters of the processors' packages, in microjoules, by name.
        energy_wraps_uj: where each of them begins again from 0.
    """

    temperature_mc: int | None = None
    slowdowns: int | None = None
    is_slowed: bool | None = None
    energy_uj: dict[str, int] = {}
    energy_wraps_uj: dict[str, int] = {}


class Heating(NamedTuple):
    """What became of the machine over a trial.

    Attributes:
        temperature_mc: at its end.
        energy_uj: that the packages took meanwhile.
        flags: of the trial.
    """

    temperature_mc: int | None
    energy_uj: int | None
    flags: tuple[Flag, ...]


def read_heat(sys: Path = SYS) -> Heat:
    """The machine now.

    Args:
        sys: where the kernel shows it.
    """
    thermal, packages = sys / "class" / "thermal", [*_packages(sys)]
    counters = {package.name: _number(package / "energy_uj") for package in packages}
    wraps = {package.name: _number(package / "max_energy_range_uj") for package in packages}
    return Heat(
        temperature_mc=max(_numbers(thermal.glob("thermal_zone*/temp")), default=None),
        slowdowns=_sum(
            _numbers((sys / "devices" / "system" / "cpu").glob("cpu[0-9]*/thermal_throttle/*_throttle_count"))
        ),
        is_slowed=_is_slowed(sys),
        energy_uj={name: value for name, value in counters.items() if value is not None},
        energy_wraps_uj={name: value for name, value in wraps.items() if value is not None},
    )


def heating(before: Heat, after: Heat) -> Heating:
    """What happened between two readings."""
    grew = None if before.slowdowns is None or after.slowdowns is None else after.slowdowns > before.slowdowns
    is_slowed = bool(grew or before.is_slowed or after.is_slowed)
    return Heating(after.temperature_mc, _energy_uj(before, after), (Flag.HOT,) if is_slowed else ())


def _energy_uj(before: Heat, after: Heat) -> int | None:
    """The growth of all counters; None if there is none, or one has wrapped and does not say where."""
    total = 0
    for name, value in after.energy_uj.items():
        grown = value - before.energy_uj.get(name, value)
        if grown < 0:
            wrap = after.energy_wraps_uj.get(name)
            if wrap is None:
                return None
            grown += wrap
        total += grown
    return total if after.energy_uj and before.energy_uj.keys() == after.energy_uj.keys() else None


def _is_slowed(sys: Path) -> bool | None:
    states = [
        state
        for device in (sys / "class" / "thermal").glob("cooling_device*")
        if _text(device / "type").lower().startswith(_PROCESSOR_COOLERS)
        and (state := _number(device / "cur_state")) is not None
    ]
    with suppress(ValueError):
        states.append(int(_text(sys / _PI), 16) & _PI_SLOWED)
    return any(states) if states else None


def _packages(sys: Path) -> Iterable[Path]:
    """Zones of whole packages: their parts, and zones that count a package once more, are left out."""
    for zone in sorted((sys / "class" / "powercap").glob("*:*")):
        if zone.name.count(":") == 1 and _text(zone / "name").startswith("package") and "mmio" not in zone.name:
            yield zone


def _numbers(paths: Iterable[Path]) -> list[int]:
    return [value for value in map(_number, paths) if value is not None]


def _sum(values: list[int]) -> int | None:
    return sum(values) if values else None


def _number(path: Path) -> int | None:
    try:
        return int(_text(path))
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        # a sensor that is asleep answers with an error
        return ""
