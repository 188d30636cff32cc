"""Settings of the kernel that disturb measurements: what they are, what they should be, set and undone.

As pyperf's ``system tune`` does, with less: address-space randomisation stays on, since what it does is part of what
worlds measure (docs/statistics.md), and so do transparent huge pages, which the programs measured would have elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from lab.core.errors import UsageError
from lab.disk.content import decode_json
from lab.disk.whole import write_whole

RECORD = Path("var/lib/wasm-edge-lab/tuned.json")
"""Where old values are kept, below the root: one place for all users of the machine."""
BOOT = Path("proc/sys/kernel/random/boot_id")
AS_ROOT = "run it as root: `sudo lab tune --apply`, later `sudo lab tune --reset`"


class _Knob(NamedTuple):
    """A kind of setting.

    Attributes:
        name: for readers.
        pattern: of its files, below the root.
        wanted: its value while measuring.
        why: what it does to measurements otherwise.
    """

    name: str
    pattern: str
    wanted: str
    why: str


_FALLS = "the clock rises with the load and falls as the processor warms"
_INTERRUPTS = "interrupts take time from whatever runs on their processor; trials get the highest-numbered ones"
_KNOBS = (
    _Knob("cpu governor", "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor", "performance", _FALLS),
    _Knob("turbo", "sys/devices/system/cpu/intel_pstate/no_turbo", "1", _FALLS),
    _Knob("turbo", "sys/devices/system/cpu/cpufreq/boost", "0", _FALLS),
    _Knob("interrupts", "proc/irq/[0-9]*/smp_affinity_list", "0", _INTERRUPTS),
    _Knob("new interrupts", "proc/irq/default_smp_affinity", "1", _INTERRUPTS),
    _Knob("swap", "proc/sys/vm/swappiness", "1", "pages of the lab and the engine are written out for file caches"),
    _Knob("core dumps", "proc/sys/kernel/core_pattern", "core", "a crash of a trial starts a program beside the next"),
)
INTERRUPTS = "interrupts"
"""Of these, some cannot be moved: the kernel refuses, and nothing is wrong."""


class Setting(msgspec.Struct, frozen=True):
    """One file of the kernel's.

    Attributes:
        name: the kind of setting.
        path: the file, below the root.
        now: its value.
        wanted: its value while measuring.
        why: what it does to measurements otherwise.
    """

    name: str
    path: str
    now: str
    wanted: str
    why: str

    @property
    def is_set(self) -> bool:
        """Whether it is as wanted."""
        return _plain(self.now) == _plain(self.wanted)


class OldValue(msgspec.Struct, frozen=True):
    """What a setting was, and what it was set to."""

    path: str
    old: str
    new: str


class _Record(msgspec.Struct, frozen=True):
    """The file that `reset` reads.

    Attributes:
        boot: identity of the start of the machine that it holds for: with the next, old values are back by themselves.
        values: in the order in which they were set.
    """

    boot: str
    values: tuple[OldValue, ...]


class Undone(msgspec.Struct, frozen=True):
    """What `reset` did.

    Attributes:
        restored: settings that are what they were.
        left: those that something else has set meanwhile; they stay.
        failed: those that could not be written, with the reason.
    """

    restored: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


def settings(root: Path = Path("/")) -> tuple[Setting, ...]:
    """Every setting that this machine has, those that are as wanted included.

    Args:
        root: of the file system that holds ``proc`` and ``sys``.
    """
    return tuple(_settings(root))


def apply(root: Path = Path("/")) -> tuple[tuple[Setting, str], ...]:
    """Set what is not as wanted; old values are on disk before anything changes.

    Returns:
        The settings that could not be set, with the reason.

    Raises:
        UsageError: old values cannot be written down; nothing is changed then.
        DataError: the file of old values is damaged.
    """
    todo = [setting for setting in settings(root) if not setting.is_set]
    record = _read_record(root)
    known = {} if record is None else {value.path: value for value in record.values}
    for setting in todo:
        earlier = known.get(setting.path)
        known[setting.path] = OldValue(setting.path, setting.now if earlier is None else earlier.old, setting.wanted)
    if todo:
        _write_record(root, _Record(_boot(root), tuple(known.values())))
    tried = ((setting, _write(root / setting.path, setting.wanted)) for setting in todo)
    return tuple((setting, reason) for setting, reason in tried if reason is not None)


def reset(root: Path = Path("/")) -> Undone | None:
    """Put back what `apply` changed, the last one first; None if it changed nothing since this machine was started.

    Raises:
        UsageError: the file of old values cannot be removed.
        DataError: it is damaged.
    """
    record = _read_record(root)
    if record is None:
        _forget(root)
        return None
    restored, left, failed = [], [], []
    for value in reversed(record.values):
        now = _read(root / value.path)
        if now is None or _plain(now) == _plain(value.old):
            continue  # it is gone, or was never set
        if _plain(now) != _plain(value.new):
            left.append(value.path)
        elif (reason := _write(root / value.path, value.old)) is None:
            restored.append(value.path)
        else:
            failed.append((value.path, reason))
    if not failed:
        _forget(root)
    return Undone(tuple(restored), tuple(left), tuple(failed))


def _settings(root: Path) -> Iterator[Setting]:
    for knob in _KNOBS:
        for path in sorted(root.glob(knob.pattern)):
            now = _read(path)
            if now is not None and _applies(knob, path, now, root):
                yield Setting(knob.name, str(path.relative_to(root)), now, knob.wanted, knob.why)


def _applies(knob: _Knob, path: Path, now: str, root: Path) -> bool:
    """Whether a setting means anything on this machine."""
    if knob.name == "cpu governor":
        return knob.wanted in (_read(path.with_name("scaling_available_governors")) or "").split()
    if knob.name.endswith(INTERRUPTS):
        return (os.cpu_count() or 1) > 1
    if knob.name == "swap":
        return len((_read(root / "proc/swaps") or "").splitlines()) > 1
    return knob.name != "core dumps" or now.startswith("|") or now == knob.wanted


def _plain(value: str) -> str:
    """A mask of processors without what only pads it, other values as they are: ``00000000,00000001`` is ``1``."""
    return value.replace(",", "").lstrip("0") or "0"


def _boot(root: Path) -> str:
    return _read(root / BOOT) or ""


def _read_record(root: Path) -> _Record | None:
    """What `apply` wrote down since this machine was started."""
    path = root / RECORD
    if not path.exists():
        return None
    remedy = "delete it; the settings are back when the machine is started again"
    record = decode_json(path, _Record, remedy)
    return record if record.boot == _boot(root) else None


def _write_record(root: Path, record: _Record) -> None:
    path = root / RECORD
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(record)) + b"\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): nothing was changed", AS_ROOT) from error


def _forget(root: Path) -> None:
    path = root / RECORD
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be removed ({error.strerror})", AS_ROOT) from error


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _write(path: Path, value: str) -> str | None:
    """Write a setting; why it did not take, None if it did."""
    try:
        # not by a rename: these are files of the kernel's
        with path.open("w", encoding="utf-8") as file:
            file.write(f"{value}\n")
    except OSError as error:
        return error.strerror or str(error)
    return None if _plain(_read(path) or "") == _plain(value) else "the kernel keeps its own value"
