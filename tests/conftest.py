"""What live tests share: images, guests, models and tools, built once if they are not here (see README.md)."""

from __future__ import annotations

import os

import pytest

from lab.builds.guests import GuestBuild, Tools, ensure_tools
from lab.builds.images.labels import ImageInfo
from lab.core.guest import GuestId
from lab.core.model import Model
from lab.disk.paths import home
from lab.zoo import catalog
from tests.images import ensure_guests, ensure_images

pytest_plugins = ["tests.faults"]

NO_ENGINE = "LAB_NO_ENGINE"
SMALL_MODEL = "mobilenet_v1_0.25_128"
# Pictures that take no compiler, or a quick one: what `just test` builds on a bare machine.
QUICK_RUNTIMES = ("native", "wasmtime", "wasmedge", "wamr", "node", "bun", "wasmi", "wasm3")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without an engine live tests fail, unless it was said beforehand that there is none."""
    if not os.environ.get(NO_ENGINE):
        return
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.skip(reason=f"{NO_ENGINE} is set: no container engine on this machine"))


@pytest.fixture(autouse=True)
def _own_measuring_lock(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that measures on this machine is not disturbed by tests that only pretend to, nor they by it."""
    monkeypatch.setenv("LAB_LOCKS", str(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def images() -> dict[str, ImageInfo]:
    """Pictures of the quick runtimes, by name."""
    return ensure_images(QUICK_RUNTIMES)


@pytest.fixture(scope="session")
def native_image() -> ImageInfo:
    """The image without a runtime: only the probe is in it."""
    return ensure_images(["native"])["native"]


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The probe and the program of known behaviour, as host binaries."""
    return ensure_tools()


@pytest.fixture(scope="session")
def guests() -> dict[GuestId, GuestBuild]:
    """The guests at opt-level 3, native and wasm."""
    return ensure_guests([GuestId.parse("native/o3"), GuestId.parse("wasm/o3")])


@pytest.fixture(scope="session")
def small_model() -> Model:
    """The smallest MobileNet with seeded weights, in the lab's own cache."""
    return catalog.prepare([SMALL_MODEL], home(), "seeded", (1,))[SMALL_MODEL]
