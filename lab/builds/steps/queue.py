"""Runs build steps: parents first, in parallel where cores allow, each once although several commands may want it."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from lab.builds.steps.step import BuildStep
from lab.core.errors import LabError
from lab.disk.locks import lock

LIGHT_MINUTES = 1.0
"""A step below this mostly waits for packages and for the engine's disk, and so never waits for a compilation."""


def run_all(
    steps: Iterable[BuildStep], build: Callable[[BuildStep], None], exists: Callable[[BuildStep], bool], workers: int
) -> dict[str, LabError]:
    """Build steps and all they rest on; what does not rest on a failure goes on.

    Of those that can be built now, the one at the head of the longest way goes first: its own minutes and those of the
    most expensive chain of builds resting on it. One light step (`LIGHT_MINUTES`) may run beside as many compilations
    as there are workers.

    Args:
        steps: wanted; shared parents are built once.
        build: makes what one step makes, its parents being there.
        exists: whether that is there already; the parents of a step that is are left alone.
        workers: builds at a time.

    Returns:
        The error behind every step that has no image now, by tag: its own, or that of the parent that failed.
    """
    needed = _needed(steps, exists)
    graph = {tag: [parent.tag for parent in step.parents if parent.tag in needed] for tag, step in needed.items()}
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    ways = _longest_ways(graph, {tag: step.minutes for tag, step in needed.items()})
    failures: dict[str, LabError] = {}
    waiting: list[tuple[float, str]] = []
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=workers + 1) as pool:
        while sorter.is_active():
            for tag in sorter.get_ready():
                inherited = next((failures[p.tag] for p in needed[tag].parents if p.tag in failures), None)
                if inherited is None:
                    bisect.insort(waiting, (-ways[tag], tag))
                else:
                    failures[tag] = inherited
                    sorter.done(tag)
            while (entry := _next(waiting, needed, set(running.values()), workers)) is not None:
                waiting.remove(entry)
                running[pool.submit(_build_locked, needed[entry[1]], build, exists)] = entry[1]
            if running:
                _collect(running, failures, sorter)
    return failures


def _next(
    waiting: list[tuple[float, str]], needed: Mapping[str, BuildStep], running: set[str], workers: int
) -> tuple[float, str] | None:
    """The first that may start now of those that wait, in their order."""
    light = sum(needed[tag].minutes < LIGHT_MINUTES for tag in running)
    has_room = len(running) < workers

    def may_start(tag: str) -> bool:
        if needed[tag].minutes < LIGHT_MINUTES:
            return has_room or (len(running) == workers and not light)
        return len(running) <= workers and len(running) - light < workers

    return next((entry for entry in waiting if may_start(entry[1])), None)


def _needed(steps: Iterable[BuildStep], exists: Callable[[BuildStep], bool]) -> dict[str, BuildStep]:
    needed: dict[str, BuildStep] = {}
    pending = list(steps)
    while pending:
        step = pending.pop()
        if step.tag not in needed and not exists(step):
            needed[step.tag] = step
            pending += step.parents
    return needed


def _longest_ways(graph: Mapping[str, list[str]], costs: Mapping[str, float]) -> dict[str, float]:
    ways = dict(costs)
    for tag in reversed(list(TopologicalSorter(graph).static_order())):  # children before their parents
        for parent in graph[tag]:
            ways[parent] = max(ways[parent], costs[parent] + ways[tag])
    return ways


def _build_locked(step: BuildStep, build: Callable[[BuildStep], None], exists: Callable[[BuildStep], bool]) -> None:
    with lock(step.tag):  # another command may be building the same
        if not exists(step):
            build(step)


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
