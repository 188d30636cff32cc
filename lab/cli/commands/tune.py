"""`lab tune`: settings of the kernel for quiet measurements, applied when asked, and undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from lab.cli.options import Json
from lab.cli.output import note, say, say_json, say_table
from lab.cli.wiring import lab_of
from lab.core.errors import EXIT_NEGATIVE, UsageError
from lab.verify.tuning import INTERRUPTS, Setting, settings
from lab.verify.tuning import apply as apply_all
from lab.verify.tuning import reset as reset_all

_LEFT_ALONE = "left alone: address-space randomisation and transparent huge pages, which are part of what is measured"


def tune(
    context: typer.Context,
    apply: Annotated[bool, typer.Option("--apply", help="Set what is not as wanted; takes root.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Put back what --apply changed; takes root.")] = False,
    json: Json = False,
) -> None:
    """Show which settings of the kernel disturb measurements, and what they should be.

    Writes nothing unless asked: --apply writes the settings, and their old values into /var/lib/wasm-edge-lab/, from
    where --reset puts them back. A restart of the machine undoes everything, too. Exit code 1 if a setting could not
    be written. `lab doctor` says whether the machine is fit for measuring then.
    """
    root = lab_of(context).root
    if apply and reset:
        raise UsageError("--apply and --reset undo each other", "give one of them")
    failed = False
    if reset:
        undone = reset_all(root)
        note(f"{len(undone.restored)} settings put back" if undone else "nothing to put back")
        for path in undone.left if undone else ():
            note(f"note: {path} was set by something else meanwhile, and stays")
        failed = _complain(undone.failed if undone else ())
    if apply:
        refused = apply_all(root)
        # an interrupt that the kernel keeps where it is disturbs little, and no setting changes that
        failed = _complain((each.path, why) for each, why in refused if each.name != INTERRUPTS)
    found = settings(root)
    if json:
        say_json(found)
    else:
        say_table(_rows(found), ("", "what", "now", "wanted", "why"))
        say(f"\n{_LEFT_ALONE}")
        if not (apply or reset):
            off = sum(not setting.is_set for setting in found)
            say(
                f"{off} of {len(found)} settings would be changed by `lab tune --apply`" if off else "nothing to change"
            )
    if failed:
        raise typer.Exit(EXIT_NEGATIVE)


def _complain(failed: Iterable[tuple[str, str]]) -> bool:
    """Say what could not be written; whether there was anything."""
    lines = [f"could not set {path}: {why}" for path, why in failed]
    for line in lines:
        note(line)
    return bool(lines)


def _rows(found: Iterable[Setting]) -> list[tuple[str, ...]]:
    """One line for each kind of setting and value."""
    groups: dict[tuple[str, str, str], list[Setting]] = {}
    for setting in found:
        groups.setdefault((setting.name, setting.now, setting.wanted), []).append(setting)
    return [
        (
            "ok" if members[0].is_set else "off",
            name if len(members) == 1 else f"{name} ({len(members)})",
            now,
            wanted,
            members[0].why,
        )
        for (name, now, wanted), members in groups.items()
    ]
