"""The words beside a verdict: what is missing, what differs from the paper's setting, and what stands in for it."""

from __future__ import annotations

from lab.core.arm import NATIVE_RUNTIME
from lab.core.case import Case
from lab.core.manifest import Manifest
from lab.report.claims.claim_file import Claim
from lab.report.display import runtime_name
from lab.report.results import NOT_RUN, Cell
from lab.runtimes.registry import source_tree

PAPER_CPU = "Ryzen 9 5900X"
_IN_PLACE = "in place of"


def missing_cases(absent: tuple[Cell | Case, ...]) -> str:
    """The first missing case with its reason, and how many more there are."""
    first = absent[0]
    case, word, why = (first.case, first.status, first.why) if isinstance(first, Cell) else (first, NOT_RUN, None)
    more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
    return f"{case.id}: {word}{f', {why}' if why else ''}{more}"


def differences(claim: Claim, manifest: Manifest) -> str:
    """What else differs between this campaign and the paper's, as far as the manifest says."""
    versions = ", ".join(
        f"{runtime_name(name)} {manifest.runtimes[name].version}" for name in _runtimes(claim, manifest)
    )
    other = f"other versions ({versions})" if versions else ""
    cpu = f"another CPU ({manifest.host.cpu_model}; the paper's: {PAPER_CPU})"
    return join(claim.note or "", other, stand_ins(claim, manifest), cpu)


def stand_ins(claim: Claim, manifest: Manifest) -> str:
    """What ran in place of what the paper names: source trees that are years apart, and systems below the runtimes."""
    found = []
    for name in _runtimes(claim, manifest):
        runtime = manifest.runtimes[name]
        if (tree := source_tree(name, runtime.version)) is not None:
            found.append(f"{runtime_name(name)} is {tree}")
    bases = {manifest.runtimes[name].base for name in _runtimes(claim, manifest)}
    found += sorted(base for base in bases if base is not None and _IN_PLACE in base)
    return f"stand-ins: {', '.join(found)}" if found else ""


def join(*parts: str) -> str:
    """The parts that say something, in one line."""
    return "; ".join(part for part in parts if part)


def _runtimes(claim: Claim, manifest: Manifest) -> list[str]:
    """Runtimes of the claim that the campaign holds, native left out."""
    names = {system.split("-", 1)[0] for system in (*claim.systems, *claim.over.systems)} - {NATIVE_RUNTIME}
    return sorted(names & manifest.runtimes.keys())
