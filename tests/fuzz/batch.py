"""One confined container that takes many cases in turn, and what became of each."""

from __future__ import annotations

import base64
import hashlib
import io
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lab.engines.confined import Confined, run_confined
from lab.engines.docker_sdk import Container, connect
from lab.engines.owner import CAMPAIGN_LABEL

CASES = "/work/cases"
LOOP = Path(__file__).with_name("loop.sh")
PURPOSE = "fuzz"
_KILLED, _ABORTED, _SIGNALS = 137, 134, 128
_OVERHEAD_S = 120.0


class End(NamedTuple):
    """What became of one case.

    Attributes:
        kind: ``result``, ``refused``, ``time`` or ``memory`` (stopped at that limit), or ``crashed``.
        seconds: that it took.
        output: what it saved.
        why: what it said last.
        harm: what it did beyond its container or left running in it; empty if nothing.
    """

    kind: str
    seconds: float
    output: bytes | None
    why: str
    harm: str = ""


class Subject(NamedTuple):
    """What cases are given to.

    Attributes:
        name: for tables.
        identity: hash of everything that makes it what it is.
        limit_s: seconds for each case.
        confined: the container for a directory of so many cases, numbered from 0.
        suffix: of the cases' names: some programs take a file for what its name says.
    """

    name: str
    identity: str
    limit_s: float
    confined: Callable[[Path, int], Confined]
    suffix: str = ""


def commanded(
    image: str,
    reads: Mapping[str, Path],
    command: Callable[[str], Sequence[str]],
    *,
    env: Mapping[str, str],
    limit_s: float,
    memory_bytes: int,
    suffix: str = "",
) -> Callable[[Path, int], Confined]:
    """Containers that run a command on each case.

    Args:
        image: that holds the program, a shell and coreutils.
        reads: what it sees, beside the cases, by path in the container.
        command: its words for the path of a case, relative to ``/work``.
        env: its environment.
        limit_s: seconds for each.
        memory_bytes: for all that is in the container at a time.
        suffix: of the cases' names.
    """

    def confined(cases: Path, count: int) -> Confined:
        lines = [shlex.join(command(f"cases/{number}{suffix}")) for number in range(count)]
        (cases / "commands").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return Confined(
            image=image,
            argv=("/bin/sh", "/work/loop.sh", f"{CASES}/commands", f"{limit_s:g}"),
            reads={**reads, CASES: cases, "/work/loop.sh": LOOP},
            out="/work/out",
            out_bytes=64 << 20,
            env=env,
            memory_bytes=memory_bytes,
            timeout_s=count * limit_s + _OVERHEAD_S,
            purpose=PURPOSE,
        )

    return confined


def run(subject: Subject, cases: Sequence[bytes]) -> list[End]:
    """What became of these cases, in their order. A case that takes its container with it is followed by a new one."""
    ends: list[End] = []
    while len(ends) < len(cases):
        rest = cases[len(ends) :]
        found = list(_run(subject, rest))
        if len(found) < len(rest):
            found.append(End("memory", 0.0, None, "its container was ended with it"))
        ends += found[: len(rest)]
    return ends


def _run(subject: Subject, cases: Sequence[bytes]) -> Iterator[End]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        directory = Path(name) / "cases"
        directory.mkdir()
        for number, content in enumerate(cases):
            (directory / f"{number}{subject.suffix}").write_bytes(content)
        what = subject.confined(directory, len(cases))
        for path in (Path(name), directory, *directory.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        given = [*directory.iterdir(), *(path for path in what.reads.values() if path.is_file())]
        before = [(path, _identity(path)) for path in given]
        end = run_confined(what, io.BytesIO())
        harm = [f"{path} was changed" for path, was in before if not path.is_file() or _identity(path) != was]
        harm += [f"{path} was made" for path in set(directory.iterdir()) - set(given)]
        harm += [f"container {each.short_id} is left" for each in _left()]
        lines = [line for line in end.complaints if line.startswith("fuzz ")]
    for number, line in enumerate(lines):
        last = "; ".join(harm) if number == len(lines) - 1 else ""
        yield _read(line, subject.limit_s, last)


def _identity(path: Path) -> tuple[int, str]:
    return path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest()


def _left() -> list[Container]:
    label = f"{CAMPAIGN_LABEL}={PURPOSE}"
    return list(connect().containers.list(all=True, filters={"label": label}, ignore_removed=True))


def _read(line: str, limit_s: float, harm: str) -> End:
    _, _, code, ms, left, output, *why = line.split(" ", 6)
    said = " ".join(why).strip()
    harms = [harm] if harm else []
    harms += [f"{left} processes left"] if int(left) > 0 else []
    seconds = int(ms) / 1000
    content = None if output == "-" else base64.b64decode(output)
    return End(_kind(int(code), seconds, limit_s, said), seconds, content, said, "; ".join(harms))


def _kind(code: int, seconds: float, limit_s: float, said: str) -> str:
    if code == 0:
        return "result"
    if code == _KILLED:
        return "time" if seconds >= limit_s else "memory"
    # Wasmtime exits so after a trap, and Rust where memory ran out: both say why
    if code <= _SIGNALS or (code == _ABORTED and said not in ("", "-")):
        return "refused"
    return "crashed"
