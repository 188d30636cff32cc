"""`lab build --newer`: pins that have newer versions in the package registries; nothing is built or changed."""

from __future__ import annotations

from lab.builds.newer import Answers, CannotAsk, Newest, Source, ask_apt, ask_cargo, ask_pip, in_base, newer
from lab.builds.newer import pinned_packages as packages_of
from lab.builds.pins import load_pins
from lab.cli.output import note, say, say_json, say_table
from lab.core.errors import LabError
from lab.core.names import Edition
from lab.engines.docker_sdk import connect


def show_newer(editions: list[str], *, json: bool) -> None:
    """Print every pin that has a newer version, and what could not be asked.

    Args:
        editions: whose pins; all if there are none.
        json: print every pin with what was found, as JSON.

    Raises:
        ExperimentError: there is no such edition.
    """
    pins = load_pins()
    for edition in editions:
        pins.edition(edition)
    wanted = [pin for pin in packages_of(pins) if not editions or pin.edition in editions]
    suite = pins.bases[pins.edition(Edition.CURRENT).base].suite

    def ask_debian(packages: list[str]) -> Answers:
        try:
            client = connect()
        except LabError as error:
            return dict.fromkeys(packages, CannotAsk(f"apt is asked in a container: {error.message}"))
        return ask_apt(packages, suite, in_base(pins, client))

    note(f"asking cargo, pip and apt about {len({(pin.source, pin.package) for pin in wanted})} packages")
    found = newer(wanted, {Source.CRATES: ask_cargo, Source.PYPI: ask_pip, Source.DEBIAN: ask_debian})
    if json:
        say_json(found)
        return
    _show(found)


def _show(found: list[Newest]) -> None:
    rows = [
        (each.pinned.edition, each.pinned.source.value, each.pinned.package, each.pinned.version, each.newest)
        for each in found
        if each.is_newer
    ]
    if rows:
        say_table(rows, ("edition", "registry", "package", "pinned", "newest"))
    unasked = [each for each in found if each.problem is not None]
    for each in unasked:
        note(f"not asked: {each.pinned.package} ({each.pinned.source.value}, {each.pinned.edition}): {each.problem}")
    current = len(found) - len(rows) - len(unasked)
    say(f"\n{len(rows)} pins have newer versions, {current} are the newest, {len(unasked)} could not be asked about")
