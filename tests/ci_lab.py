"""``lab`` as docs/ci.md runs it, on a fake engine: how long Wasmtime takes is what its artifact says.

``python -m tests.ci_lab WORDS``; the artifact holds a number, by which every time of a wasm arm is multiplied.
"""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from lab.builds.artifacts import read_sums
from lab.builds.together import BuiltEdition
from lab.campaign.materials import Materials
from lab.cli.app import main
from lab.core.case import Case
from lab.core.manifest import Manifest
from lab.core.probe import ProbeReport
from lab.disk.paths import home
from lab.engines.engine import Job, JobResult
from tests.fakes import FakeEngine, FakeLab, make_materials, stretched

MODELS = ("yunet", "mobilenet_v1_0.25_128", "mobilenet_v2_1.0_224")
ARMS = ("wasmtime-jit-cranelift@o3", "wasmtime-aot-cranelift@o3")
PLAN = [Case.parse(f"{arm} {model} b1") for arm in ARMS for model in MODELS]


class ArtifactLab(FakeLab):
    """A lab whose Wasmtime comes out of ``LAB_ARTIFACTS``; images that were built are kept below ``LAB_HOME``."""

    def __init__(self, directory: Path) -> None:
        made = make_materials(directory, ("tiny",))
        models = {name: msgspec.structs.replace(made.models["tiny"], name=name) for name in MODELS}
        self._made = msgspec.structs.replace(made, models=models)
        self._kept = home() / "images"
        engine = FakeEngine(self._made, misbehaves={case.id: self._answer for case in PLAN})
        engine.isolation = "container"
        super().__init__(self._made, engine)

    def gather(self, cases: Iterable[Case], experiment: object, progress: object) -> Materials:
        """With the artifact's Wasmtime."""
        return self._with(self._build())

    def build_together(
        self, runtimes: Mapping[str, Iterable[str]], guests: object, progress: object
    ) -> dict[str, BuiltEdition]:
        """The artifact's Wasmtime is here from now on."""
        self._build()
        return super().build_together(runtimes, guests, progress)

    def recorded(self, manifest: Manifest, cases: Iterable[Case], progress: object) -> Materials:
        """With the Wasmtime that was recorded, if it was built here."""
        checksum = manifest.runtimes["wasmtime"].binary_sha256
        assert (self._kept / checksum).is_file(), "the image that was measured is not on this machine"
        return self._with(checksum)

    def _build(self) -> str:
        directory = Path(os.environ["LAB_ARTIFACTS"])
        ((name, checksum),) = read_sums(directory).items()
        self._kept.mkdir(parents=True, exist_ok=True)
        (self._kept / checksum).write_bytes(lzma.decompress((directory / name).read_bytes()))
        return checksum

    def _with(self, checksum: str) -> Materials:
        known = self._made.images["wasmtime"]
        image = msgspec.structs.replace(known, image_id=f"sha256:{checksum}", binary_sha256=checksum)
        return msgspec.structs.replace(self._made, images={**self._made.images, "wasmtime": image})

    def _answer(self, job: Job, report: ProbeReport) -> JobResult:
        by = float((self._kept / job.image.removeprefix("sha256:")).read_text())
        return JobResult(stretched(report, by), oom_killed=False)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        main(ArtifactLab(Path(scratch)))
