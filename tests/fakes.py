"""Stand-ins for what a campaign needs of the outside: an engine, built things, someone who watches.

`FakeEngine` is an `Engine`: it answers every job at once, from a toy cost model with seeded noise, and writes down what
it was asked for. Models are small files with invented contents; the right output of a model is its reference.
"""

from __future__ import annotations

import base64
import hashlib
import io
import random
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np

from lab.builds.guests import GuestBuild
from lab.builds.images.ensure import BuildReport
from lab.builds.images.labels import ImageInfo
from lab.builds.together import BuiltEdition
from lab.campaign.materials import Materials
from lab.campaign.outlook import Outlook
from lab.cli.engines import EngineName
from lab.cli.wiring import Lab
from lab.core.arm import Arm, GuestProfile, Mode
from lab.core.case import Case
from lab.core.errors import LabError
from lab.core.guest import ALL_GUESTS, GuestId
from lab.core.model import ConvertedGraph, Model, ModelInput, OutputTensor
from lab.core.names import GraphFormat, Target
from lab.core.probe import PROBE_SCHEMA, CgroupFigures, PhaseMark, ProbeReport, Rusage
from lab.core.trial import Trial
from lab.engines.engine import Engine, Job, JobResult
from lab.runtimes import registry
from lab.verify.items import Item
from lab.verify.lockfile import Lock
from lab.zoo.worker import Launcher, on_host

MACS = {"tiny": 10_000_000, "small": 100_000_000, "large": 5_000_000_000}
# Seconds to start and per 10⁹ multiply-accumulates, by mode; an unoptimised guest is ten times slower.
SPEED = {Mode.NATIVE: (0.002, 0.2), Mode.AOT: (0.05, 0.5), Mode.JIT: (1.0, 0.5), Mode.INTERPRETER: (0.1, 30.0)}
COMPILE_S = 8.0
MACHINE_CODE = b"machine code"
NOISE = 0.01

Answer = Callable[[Job, ProbeReport], JobResult]


def packed_cache(name: str = "entry", content: bytes = MACHINE_CODE) -> bytes:
    """An archive as a first run leaves it of a cache that holds one file."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def make_models(directory: Path, names: Iterable[str] = MACS, batches: tuple[int, ...] = (1, 3)) -> dict[str, Model]:
    """Models in files below `directory`; each has one output of four numbers per image."""
    return {name: _model(directory / name, batches) for name in names}


def make_materials(directory: Path, names: Iterable[str] = MACS) -> Materials:
    """Images of every runtime at the version its module was written for, every guest, and `make_models`."""
    images = {runtime.name: _image(runtime.name, runtime.version_in("current") or "") for runtime in registry.RUNTIMES}
    python = GuestId(Target.NATIVE, GuestProfile.PYTHON)
    guests = {guest: _guest(directory / "guests", guest.target, guest.profile) for guest in (*ALL_GUESTS, python)}
    return Materials(images, guests, make_models(directory / "models", names))


class FakeEngine(Engine):
    """Answers jobs by a toy cost model.

    Args:
        materials: of the campaign.
        misbehaves: what becomes of a job instead, by its case; of a precompilation by its arm, too.
        interrupt_at: how many jobs are answered before Ctrl-C is pressed; None for never.
        log: what happened, in order; to be shared with a `LoggingObserver`.
    """

    isolation = "fake"

    def __init__(
        self,
        materials: Materials,
        *,
        misbehaves: Mapping[str, Answer] | None = None,
        interrupt_at: int | None = None,
        log: list[str] | None = None,
    ) -> None:
        self.log = [] if log is None else log
        self.jobs: list[Job] = []
        self.ran: Counter[str] = Counter()
        self.materials, self._misbehaves, self._interrupt_at = materials, misbehaves or {}, interrupt_at

    def run(self, job: Job) -> JobResult:
        """Answer at once; the time is in the report."""
        if self._interrupt_at is not None and len(self.jobs) >= self._interrupt_at:
            raise KeyboardInterrupt
        self.jobs.append(job)
        if job.case.endswith((" precompilation", " preparation")):
            return self._make(job, Arm.parse(job.case.split(" ")[0]))
        arm, model, batch = job.case.split(" ")
        case = Case(Arm.parse(arm), model, int(batch.removeprefix("b")))
        self.log.append(f"run {case.id}")
        report = self._report(job, case)
        self.ran[case.id] += 1
        answer = self._misbehaves.get(case.id)
        return JobResult(report, oom_killed=False) if answer is None else answer(job, report)

    def remove_leftovers(self, campaign: str) -> int:
        """Write it down."""
        self.log.append(f"remove leftovers of {campaign}")
        return 0

    def describe(self) -> str:
        """A name."""
        return "fake 1.0"

    def _make(self, job: Job, arm: Arm) -> JobResult:
        subject, _, noun = job.case.rpartition(" ")
        self.log.append(f"{'prepare' if noun == 'preparation' else 'compile'} {subject}")
        module = packed_cache() if registry.pinned(arm, "").is_cached else MACHINE_CODE
        if noun == "preparation":
            module = f"loaded: {job.argv}".encode()
        report = ProbeReport(
            PROBE_SCHEMA,
            0,
            None,
            False,
            False,
            round(COMPILE_S * 1e9),
            (),
            _rusage(COMPILE_S),
            50_000_000,
            None,
            output_base64=base64.b64encode(module).decode(),
            file_sha256=hashlib.sha256(module).hexdigest(),
            file_bytes=len(module),
        )
        answer = self._misbehaves.get(job.case, self._misbehaves.get(arm.id))
        return JobResult(report, oom_killed=False) if answer is None else answer(job, report)

    def _report(self, job: Job, case: Case) -> ProbeReport:
        model = self.materials.models[case.model]
        output = model.input_for(case.batch).reference_path.read_bytes()
        iterations = int(job.argv[job.argv.index("--iterations") + 1])
        startup_s, infer_s = seconds_of(case, model, self.ran[case.id])
        loading = ["read"] if case.arm.guest.is_prepared else ["read", "decode", "build", "optimise"]
        phases = [*loading, *["infer"] * iterations, "output"]
        marks, now = [PhaseMark("start", round(startup_s * 1e9), None, 10_000_000)], startup_s
        for phase in phases:
            length = infer_s if phase == "infer" else 0.001
            now += length
            marks.append(PhaseMark(phase, round(now * 1e9), round(length * 1e9), 20_000_000))
        return ProbeReport(
            schema=PROBE_SCHEMA,
            exit_code=0,
            signal=None,
            timed_out=False,
            output_limited=False,
            total_ns=round((now + 0.001) * 1e9),
            marks=tuple(marks),
            rusage=_rusage(now + 0.001),
            rss_peak_bytes=20_000_000,
            cgroup=CgroupFigures(1, 25_000_000, 15_000_000, 5_000_000, 0, 1_000_000, 0),
            linear_memory_bytes=None if case.arm.is_native else 1 << 24,
            output_sha256=hashlib.sha256(output).hexdigest(),
            output_base64=base64.b64encode(output).decode() if job.return_file else None,
            file_sha256=hashlib.sha256(output).hexdigest(),
            file_bytes=len(output),
        )


class LoggingObserver:
    """Writes down what a campaign does."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def on_trial_start(self, what: str, block: int, left_s: float) -> None:
        """See `lab.campaign.session.Observer`."""
        assert left_s >= 0
        self.log.append(f"starts {what} in block {block}")

    def on_trial_end(self, trial: Trial) -> None:
        """See `lab.campaign.session.Observer`."""
        self.log.append(f"ends {trial.number} {trial.kind} {trial.outcome}")

    def on_block_end(self, block: int, *, last: bool) -> None:
        """See `lab.campaign.session.Observer`."""
        self.log.append(f"block {block} ends" + (", the last" if last else ""))


def seconds_of(case: Case, model: Model, nth: int) -> tuple[float, float]:
    """Start-up and one inference of the nth run of a case: the same at every call."""
    startup_s, s_per_gmac = SPEED[case.arm.mode]
    slower = 10.0 if case.arm.guest == "o0" else 1.0
    noise = random.Random(f"{case.id} {nth}").gauss(1.0, NOISE)  # noqa: S311 - noise, no secret
    return startup_s * noise, s_per_gmac * slower * noise * model.macs * case.batch / 1e9


def stretched(report: ProbeReport, by: float) -> ProbeReport:
    """The report of a run in which everything took so many times as long."""
    marks = tuple(_later(mark, by) for mark in report.marks)
    return msgspec.structs.replace(report, marks=marks, total_ns=round(report.total_ns * by))


def _later(mark: PhaseMark, by: float) -> PhaseMark:
    length = None if mark.guest_ns is None else round(mark.guest_ns * by)
    return msgspec.structs.replace(mark, seen_ns=round(mark.seen_ns * by), guest_ns=length)


def crash(_job: Job, report: ProbeReport) -> JobResult:
    """Ends by SIGABRT before it has printed anything."""
    ended = msgspec.structs.replace(
        report, exit_code=None, signal=6, marks=(), output_sha256=None, output_base64=None, stderr_tail="it broke\n"
    )
    return JobResult(ended, oom_killed=False)


def time_out(job: Job, report: ProbeReport) -> JobResult:
    """Is killed at its time-out."""
    late = msgspec.structs.replace(
        report, exit_code=None, signal=9, timed_out=True, total_ns=round(job.timeout_s * 1e9), output_sha256=None
    )
    return JobResult(late, oom_killed=False)


def run_out_of_memory(_job: Job, _report: ProbeReport) -> JobResult:
    """The whole sandbox is killed, the probe with it."""
    return JobResult(None, oom_killed=True)


def answer_wrongly(job: Job, report: ProbeReport) -> JobResult:
    """Says something that no model gives."""
    output = np.full(4, 1e9, dtype="<f4").tobytes()
    returned = base64.b64encode(output).decode() if job.return_file else None
    digest = hashlib.sha256(output).hexdigest()
    wrong = msgspec.structs.replace(report, output_sha256=digest, file_sha256=digest, output_base64=returned)
    return JobResult(wrong, oom_killed=False)


def _rusage(total_s: float) -> Rusage:
    """Of a run that had a processor to itself."""
    return Rusage(20_000_000, round(total_s * 0.9e9), round(total_s * 0.05e9), 1000, 0, 10, 0)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _image(runtime: str, version: str) -> ImageInfo:
    return ImageInfo(
        runtime=runtime,
        edition="current",
        reference=f"lab-{runtime}",
        image_id=f"sha256:{_sha(runtime)}",
        version=version,
        says=version or None,
        supply="registry",
        binary_sha256=_sha(f"{runtime} binary"),
        inputs_hash=_sha(f"{runtime} inputs"),
        patched=False,
        size_bytes=1 << 27,
    )


def _guest(directory: Path, target: str, profile: str) -> GuestBuild:
    path = directory / f"{target}-{profile}" / "guest"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.parent.name.encode())
    return GuestBuild(
        path=path, sha256=_sha(path.parent.name), size_bytes=path.stat().st_size, toolchain="rustc 1.85.1"
    )


def _model(directory: Path, batches: tuple[int, ...]) -> Model:
    directory.mkdir(parents=True, exist_ok=True)
    graph = directory / "graph.pb"
    graph.write_bytes(directory.name.encode() * 1000)
    return Model(
        name=directory.name,
        weights="seeded",
        graph_path=graph,
        graph_sha256=hashlib.sha256(graph.read_bytes()).hexdigest(),
        input_node="input",
        outputs=(OutputTensor("logits", (1, 4)),),
        parameters=1000,
        conv_layers=3,
        macs=MACS[directory.name],
        inputs=tuple(_input(directory, batch) for batch in batches),
        converted=tuple(_converted(directory, kind) for kind in GraphFormat if kind is not GraphFormat.PB),
    )


def _converted(directory: Path, kind: GraphFormat) -> ConvertedGraph:
    path = directory / f"graph.{kind}"
    path.write_bytes(f"{directory.name} as {kind}".encode())
    return ConvertedGraph(kind, path, hashlib.sha256(path.read_bytes()).hexdigest())


def _input(directory: Path, batch: int) -> ModelInput:
    prebuilt, reference = directory / f"input{batch}.f32", directory / f"reference{batch}.f32"
    shape = (batch, 2, 2, 3)
    np.linspace(-1, 1, int(np.prod(shape)), dtype="<f4").tofile(prebuilt)
    np.linspace(-3, 5, 4 * batch, dtype="<f4").tofile(reference)
    input_sha256, reference_sha256 = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (prebuilt, reference))
    return ModelInput(batch, shape, prebuilt, input_sha256, reference, reference_sha256)


class FakeLab(Lab):
    """A lab in which everything is built already, and whose engine is a fake.

    Args:
        materials: what is built.
        engine: runs the jobs; one that obeys by default.
        problems: what cannot be built, by runtime.
    """

    def __init__(
        self,
        materials: Materials,
        engine: FakeEngine | None = None,
        problems: Mapping[str, LabError] | None = None,
    ) -> None:
        self._materials, self._engine = materials, engine or FakeEngine(materials)
        self._problems = dict(problems or {})

    def engine(self, name: EngineName) -> FakeEngine:
        """The fake one, whatever its name."""
        return self._engine

    def outlook(self, cases: Iterable[Case], experiment: object) -> Outlook:
        """Everything is built already."""
        return Outlook((), 60.0, 0.0)

    def gather(self, cases: Iterable[Case], experiment: object, progress: object) -> Materials:
        """The materials."""
        return self._materials

    def build_images(self, runtimes: Mapping[str, Iterable[str]], progress: object) -> dict[str, BuildReport]:
        """The images that have no problem."""
        images = {name: image for name, image in self._materials.images.items() if name not in self._problems}
        return dict.fromkeys(runtimes, BuildReport(images, self._problems))

    def counter_image(self, progress: object) -> str:
        """A name."""
        return "lab-count"

    def find_images(self, edition: str) -> dict[str, ImageInfo]:
        """The images."""
        return self._materials.images

    def find_guests(self, edition: str) -> dict[GuestId, GuestBuild]:
        """The guests."""
        return self._materials.guests

    def import_launcher(self, name: object, progress: object) -> Launcher:
        """Processes, whatever the engine."""
        return on_host

    def build_together(
        self, runtimes: Mapping[str, Iterable[str]], guests: object, progress: object
    ) -> dict[str, BuiltEdition]:
        """The images that have no problem, and the guests."""
        reports = self.build_images(runtimes, progress)
        return {edition: BuiltEdition(report, self._materials.guests) for edition, report in reports.items()}

    def check_images(self, images: object, progress: object, *, rebuild: bool) -> Iterator[Item]:
        """None: they are in no engine."""
        return iter(())

    def read_lock(self) -> Lock:
        """An empty one: the committed one is of real guests."""
        return Lock()
