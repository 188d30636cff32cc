"""A quick part of `just fuzz`: whatever a graph or a module holds, it is an error or a result, and harms nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.builds.guests import GuestBuild
from lab.builds.images.labels import ImageInfo
from lab.core.arm import Arm
from lab.core.guest import GuestId
from tests.fuzz import graphs, modules
from tests.fuzz.batch import End, Subject, run
from tests.fuzz.subjects import guest_under, importer, materials_of, runtime_alone

pytestmark = pytest.mark.live

SEED = 20
CASES = 25
QUICK_ARMS = ("wasmtime-jit-cranelift@o3", "wasmedge-interpreter@o3", "wamr-interpreter-fast@o3")


@pytest.fixture(scope="module")
def seeds() -> list[graphs.Seed]:
    return graphs.seeds()


def ends_of(subject: Subject, originals: list[bytes], mutants: list[bytes]) -> list[End]:
    """What became of the mutants; the originals, before them, all give a result."""
    *works, _ = ends = run(subject, [*originals, *mutants])
    assert len(ends) == len(originals) + len(mutants)
    assert [end for end in works[: len(originals)] if end.kind != "result"] == []
    assert [end for end in ends if end.harm] == []
    mutated = ends[len(originals) :]
    assert {end.kind for end in mutated} > {"refused"}, "some of what is mutated is still valid"
    return mutated


@pytest.mark.fault("a graph mutated, to the native guest", seconds=60)
def test_a_mutated_graph_is_an_error_or_a_result_to_the_native_guest(
    native_image: ImageInfo, guests: dict[GuestId, GuestBuild], seeds: list[graphs.Seed], tmp_path: Path
) -> None:
    subject = guest_under(
        Arm.parse("native@o3"), materials_of({"native": native_image}, guests), seeds[0].output, tmp_path
    )
    mutants = [graphs.mutant(seeds, SEED, number).content for number in range(4 * CASES)]
    ends = ends_of(subject, [], mutants)
    assert [end for end in ends if end.kind == "crashed"] == []


@pytest.mark.fault("a graph mutated, to the importer", seconds=60)
def test_a_mutated_graph_is_an_error_or_a_model_to_the_importer(
    native_image: ImageInfo, seeds: list[graphs.Seed]
) -> None:
    mutants = [graphs.mutant(seeds, SEED, number).content for number in range(4 * CASES)]
    ends = ends_of(importer(native_image, seeds[0].output), [seed.content for seed in seeds[:2]], mutants)
    assert [end for end in ends if end.kind == "crashed"] == []


@pytest.mark.fault("a module mutated, to a runtime", seconds=60)
@pytest.mark.parametrize("arm", QUICK_ARMS)
def test_a_mutated_module_is_an_error_or_a_result_and_a_crash_stays_within(
    images: dict[str, ImageInfo], arm: str
) -> None:
    originals = modules.seeds()
    mutants = [modules.mutant(originals, SEED, number) for number in range(CASES)]
    ends_of(runtime_alone(Arm.parse(arm), materials_of(images, {})), list(map(modules.encoded, originals)), mutants)


def test_the_same_seed_makes_the_same_mutants(seeds: list[graphs.Seed]) -> None:
    originals = modules.seeds()
    for number in (0, 7, 41):
        assert graphs.mutant(seeds, 1, number) == graphs.mutant(graphs.seeds(), 1, number)
        assert modules.mutant(originals, 1, number) == modules.mutant(modules.seeds(), 1, number)
    assert modules.mutant(originals, 1, 7) != modules.mutant(originals, 2, 7)
