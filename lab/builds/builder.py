"""Runs recipes on the engine: one build each, in parallel where cores allow, every one with a log of its own."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO

from lab.builds import build_context
from lab.builds.steps import Recipe
from lab.core.errors import BuildFailed, LabError, NoSpace
from lab.core.progress import Progress
from lab.disk.locks import lock
from lab.disk.paths import LOGS
from lab.engines.docker_sdk import DockerClient, failures_as_lab_errors

# What a long step says of itself: cargo's crates, make's percentage, apt's packages.
_WITHIN = re.compile(
    r"^\s*(?:Compiling\s+)?(?P<crate>[\w-]+ v\d[\d.]+)\s*$|\[\s*(?P<percent>\d+)%\]|^Setting up (?P<package>\S+)",
    re.MULTILINE,
)
_EXIT = re.compile(r"returned a non-zero code: (\d+)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)", re.DOTALL)
FREE_DISK = "free some disk (`docker system df` shows what the engine holds)"


def has_image(client: DockerClient, tag: str) -> bool:
    """Whether the engine holds an image of that tag."""
    with failures_as_lab_errors():
        return bool(client.images.list(filters={"reference": tag}))


def log_path(recipe: Recipe) -> Path:
    """Where a build writes its log: named as its image's tag, since two editions may build a stage at once."""
    return LOGS / f"{recipe.name.replace(':', '-')}-{recipe.key[:8]}.log"


def build_stage(client: DockerClient, recipe: Recipe, progress: Progress, *, anew: bool = False) -> None:
    """Build one recipe's Dockerfile into its tag.

    Args:
        client: of the engine.
        recipe: what to build; what it rests on is there.
        progress: told of the steps.
        anew: run every step, those too that the engine has kept the outcome of.

    Raises:
        BuildFailed: a step failed; the message names it and the log.
        NoSpace: the disk is full.
    """
    log = log_path(recipe)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as log_file, failures_as_lab_errors():
        lines = client.api.build(
            fileobj=build_context.pack(recipe.dockerfile, recipe.files),
            custom_context=True,
            tag=recipe.tag,
            nocache=anew,
            rm=True,
            forcerm=True,
            decode=True,
        )
        _follow(lines, recipe, log_file, progress)


def _follow(lines: Iterable[Mapping[str, str]], recipe: Recipe, log: IO[str], progress: Progress) -> None:
    step, number, count = "before its first step", 0, 1
    for line in lines:
        said = _COLOUR.sub("", line.get("stream") or line.get("error") or "")
        log.write(said)
        log.flush()
        match = _STEP.match(said)
        if match is not None:
            number, count, instruction = int(match[1]), int(match[2]), " ".join(match[3].split())
            step = f"at step {number} of {count} ({instruction[:70]})"
            progress(recipe.name, f"step {number}/{count} {instruction[:50]}", (number - 1) / count)
        elif (within := _WITHIN.search(said)) is not None:
            part = int(within["percent"] or 0) / 100
            what = within["crate"] or within["package"] or f"{within['percent']} %"
            # only the end of it all is 1.0: a compiler that says 100 % may have several parts
            progress(recipe.name, f"step {number}/{count} {what}", min((max(number, 1) - 1 + part) / count, 0.99))
        if "error" in line:
            if "no space left" in said.lower():
                raise NoSpace(f"building {recipe.name} filled the disk {step}", FREE_DISK)
            code = _EXIT.search(said)
            reason = f"exit code {code[1]}" if code is not None else " ".join(said.split())[:200] or "no reason given"
            raise BuildFailed(
                f"building {recipe.name} failed {step}: {reason}",
                f"see {log.name}; the same command goes on from the last good step",
            )
    progress(recipe.name, "built", 1.0)


def run_all(
    recipes: Iterable[Recipe],
    build: Callable[[Recipe], None],
    exists: Callable[[str], bool],
    cost: Callable[[Recipe], float],
    workers: int,
) -> dict[str, LabError]:
    """Build recipes and all they rest on; what does not rest on a failure goes on.

    Of those that can be built now, the one at the head of the longest way goes first: its own cost and that of the
    dearest chain of builds resting on it.

    Args:
        recipes: wanted; shared parents are built once.
        build: makes one recipe's image, its parents being there.
        exists: whether a tag is there already; the parents of one that is are left alone.
        cost: of one recipe alone, in any unit.
        workers: builds at a time.

    Returns:
        The error behind every recipe that has no image now, by tag: its own, or that of the parent that failed.
    """
    needed = _needed(recipes, exists)
    graph = {tag: [parent.tag for parent in one.parents if parent.tag in needed] for tag, one in needed.items()}
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    ways = _longest_ways(graph, {tag: cost(one) for tag, one in needed.items()})
    failures: dict[str, LabError] = {}
    waiting: list[tuple[float, str]] = []
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        while sorter.is_active():
            for tag in sorter.get_ready():
                inherited = next((failures[p.tag] for p in needed[tag].parents if p.tag in failures), None)
                if inherited is None:
                    heapq.heappush(waiting, (-ways[tag], tag))
                else:
                    failures[tag] = inherited
                    sorter.done(tag)
            while waiting and len(running) < workers:
                tag = heapq.heappop(waiting)[1]
                running[pool.submit(_build_locked, needed[tag], build, exists)] = tag
            if running:
                _collect(running, failures, sorter)
    return failures


def _needed(recipes: Iterable[Recipe], exists: Callable[[str], bool]) -> dict[str, Recipe]:
    needed: dict[str, Recipe] = {}
    pending = list(recipes)
    while pending:
        recipe = pending.pop()
        if recipe.tag not in needed and not exists(recipe.tag):
            needed[recipe.tag] = recipe
            pending += recipe.parents
    return needed


def _longest_ways(graph: Mapping[str, list[str]], costs: Mapping[str, float]) -> dict[str, float]:
    ways = dict(costs)
    for tag in reversed(list(TopologicalSorter(graph).static_order())):  # children before their parents
        for parent in graph[tag]:
            ways[parent] = max(ways[parent], costs[parent] + ways[tag])
    return ways


def _build_locked(recipe: Recipe, build: Callable[[Recipe], None], exists: Callable[[str], bool]) -> None:
    with lock(recipe.tag):  # another command may be building the same
        if not exists(recipe.tag):
            build(recipe)


def _collect(running: dict[Future[None], str], failures: dict[str, LabError], sorter: TopologicalSorter[str]) -> None:
    finished, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in finished:
        tag = running.pop(future)
        error = future.exception()
        if isinstance(error, LabError):
            failures[tag] = error
        elif error is not None:
            raise error
        sorter.done(tag)
