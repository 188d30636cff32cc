"""Runs build steps: parents first, in parallel where cores allow, each once although several commands may want it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from lab.builds.steps.step import BuildStep
from lab.core.errors import LabError
from lab.disk.locks import lock


def run_all(
    steps: Iterable[BuildStep], build: Callable[[BuildStep], None], exists: Callable[[str], bool], workers: int
) -> dict[str, LabError]:
    """Build steps and all they rest on; what does not rest on a failure goes on.

    Of those that can be built now, the one at the head of the longest way goes first: its own minutes and those of the
    most expensive chain of builds resting on it.

    Args:
        steps: wanted; shared parents are built once.
        build: makes one step's image, its parents being there.
        exists: whether a tag is there already; the parents of one that is are left alone.
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


def _needed(steps: Iterable[BuildStep], exists: Callable[[str], bool]) -> dict[str, BuildStep]:
    needed: dict[str, BuildStep] = {}
    pending = list(steps)
    while pending:
        step = pending.pop()
        if step.tag not in needed and not exists(step.tag):
            needed[step.tag] = step
            pending += step.parents
    return needed


def _longest_ways(graph: Mapping[str, list[str]], costs: Mapping[str, float]) -> dict[str, float]:
    ways = dict(costs)
    for tag in reversed(list(TopologicalSorter(graph).static_order())):  # children before their parents
        for parent in graph[tag]:
            ways[parent] = max(ways[parent], costs[parent] + ways[tag])
    return ways


def _build_locked(step: BuildStep, build: Callable[[BuildStep], None], exists: Callable[[str], bool]) -> None:
    with lock(step.tag):  # another command may be building the same
        if not exists(step.tag):
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
