"""Fuzz importer, guests and runtimes: ``python -m tests.fuzz`` (`just fuzz`). The same command goes on where it was.

Exit code 1: something crashed that must not, or harm was done; the table's file names the cases.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lab.builds.images.ensure import find_images
from lab.core.arm import Arm
from lab.core.guest import GuestId
from tests.fuzz import graphs, modules
from tests.fuzz.batch import Subject, run
from tests.fuzz.subjects import GRAPH_ARMS, guest_under, importer, materials_of, module_arms, runtime_alone
from tests.fuzz.table import Row, read_rows, show, write_rows
from tests.images import ensure_guests, ensure_images

BATCH = 250
Case = Callable[[int], bytes]


def main(words: Sequence[str]) -> int:
    """Fuzz, print the table, keep it; the exit code."""
    asked = _parser().parse_args(words)
    kept, rows = read_rows(asked.table), []
    with tempfile.TemporaryDirectory() as scratch:
        for subject, cases, count in _plan(asked, Path(scratch)):
            if asked.only not in subject.name:
                continue
            row = kept.get(subject.name)
            if row is None or (row.identity, row.seed) != (subject.identity, asked.seed):
                row = Row(subject.name, subject.identity, asked.seed)
            rows.append(row)
            while row.cases < count:
                numbers = range(row.cases, min(count, row.cases + asked.batch))
                began = time.monotonic()
                ends = run(subject, [cases(number) for number in numbers])
                row.add(ends, time.monotonic() - began)
                kept[subject.name] = row
                write_rows(asked.table, list(kept.values()))
                sys.stderr.write(f"{subject.name}: {row.cases} of {count}, {row.spent_s:.0f} s\n")
    sys.stdout.write(show(rows) + "\n")
    bad = [row for row in rows if row.harmful or (row.kinds.get("crashed") and _must_not_crash(row.subject))]
    for row in bad:
        for finding in row.findings:
            sys.stdout.write(f"{row.subject}, case {finding.case}: {finding.kind}; {finding.harm}; {finding.why}\n")
    return 1 if bad else 0


def _must_not_crash(subject: str) -> bool:
    """The lab's own parts; a runtime that crashes of a module is its makers' matter, if its walls hold."""
    return subject == "importer" or subject.startswith("guest")


def _plan(asked: argparse.Namespace, scratch: Path) -> Iterator[tuple[Subject, Case, int]]:
    images = {**find_images(), **ensure_images(dict.fromkeys(Arm.parse(text).runtime for text in GRAPH_ARMS))}
    arms = module_arms(images)
    materials = materials_of(images, ensure_guests([GuestId.parse("native/o3"), GuestId.parse("wasm/o3")]))
    seeds = graphs.seeds()
    output = seeds[0].output

    def graph(number: int) -> bytes:
        return graphs.mutant(seeds, asked.seed, number).content

    def module(number: int) -> bytes:
        return modules.mutant(originals, asked.seed, number)

    originals = modules.seeds()
    yield importer(images["native"], output), graph, asked.graphs
    for text in GRAPH_ARMS:
        yield guest_under(Arm.parse(text), materials, output, scratch), graph, asked.graphs
    for arm in arms:
        yield runtime_alone(arm, materials), module, asked.modules


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="just fuzz", description="Mutated graphs and modules, in confined containers."
    )
    parser.add_argument("--graphs", type=int, default=2000, help="mutated graphs for importer and guests (2000)")
    parser.add_argument("--modules", type=int, default=500, help="mutated modules for each runtime (500)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (1)")
    parser.add_argument("--batch", type=int, default=BATCH, help=f"cases for each container ({BATCH})")
    parser.add_argument("--only", default="", help="subjects whose name holds this text")
    parser.add_argument("--table", type=Path, default=Path("results/fuzz.json"), help="where the table is kept")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
