"""Guest builds, and the tools that run on the host: made in the toolchain's container, kept by content.

The compiler writes no paths of this machine into a guest: sources are always seen at ``/src`` and the target directory
at ``/target``, so that two machines (or two directories, see `build_guest_fresh`) make the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from lab.builds.builder_container import Mounted, run_in
from lab.builds.images.candidates import Catalogue
from lab.builds.images.ensure import build_steps
from lab.builds.images.files import read_file
from lab.builds.pins import load_pins
from lab.builds.steps import context
from lab.builds.steps.step import BuildStep
from lab.core.arm import GuestProfile
from lab.core.errors import BuildFailed
from lab.core.guest import ALL_GUESTS, GUEST_PYTHON, GuestId
from lab.core.names import Edition, GraphFormat, Target
from lab.core.progress import Progress, silent
from lab.disk.checked import read_checked, write_checked
from lab.disk.content import file_sha256, sha256
from lab.disk.locks import lock
from lab.disk.paths import LOGS, ROOT, home
from lab.disk.whole import write_whole
from lab.engines.docker_sdk import DockerClient, connect

# Link-time optimisation runs on one core: a second build fills the other.
BUILDS_AT_ONCE = 2
# CPU-minutes of an optimised guest and of one that is not, where they were tried.
WASM_MINUTES, NATIVE_MINUTES, PLAIN_MINUTES = 10.0, 7.5, 2.0
_WORKSPACE = "rust-guest"
_PYTHON_SOURCE = "python-guest/infer.py"
# What a guest is made from, by release series of tract; the tests beside it are not.
_SHARED = ("build.sh", "infer/src")
_ADAPTER = "tract-0.22/src"
# The one whose workspace holds the tools, too.
_NEWEST_TRACT = "0.23"
_SOURCES = {
    "0.20": ("tract-0.20/Cargo.toml", "tract-0.20/Cargo.lock", "tract-0.20/src", _ADAPTER, *_SHARED),
    "0.22": ("tract-0.22/Cargo.toml", "tract-0.22/Cargo.lock", _ADAPTER, *_SHARED),
    _NEWEST_TRACT: ("Cargo.toml", "Cargo.lock", "infer/Cargo.toml", "dense/Cargo.toml", "dense/src", *_SHARED),
}
# The native guest that starts with its model loaded: a program of its own, of the newest tract's sources.
_PREPARED = "prepared"
_PREPARED_SOURCES = (
    *(f"{_PREPARED}/{name}" for name in ("Cargo.toml", "Cargo.lock", "build.sh", "src")),
    *("Cargo.toml", "dense/Cargo.toml", "dense/src", "infer/src"),
)
_PYTHON = "the image's Python"
"""Toolchain of a guest that is not compiled."""
# The guests of other formats: a program of their own, with a reader each.
_FRONT = "front"
_FRONT_SOURCES = (
    *(f"{_FRONT}/{name}" for name in ("Cargo.toml", "Cargo.lock", "build.sh", "src")),
    *(_ADAPTER, *(f"infer/src/{name}.rs" for name in ("args", "marks", "model", "output", "read"))),
)
SEE_LOG = "see that log; the same command goes on from here"
_RECORD = "build.json"


class GuestBuild(msgspec.Struct, frozen=True):
    """One compiled guest.

    Attributes:
        path: the WebAssembly module, or the native binary.
        sha256: hash of that file, in hex.
        size_bytes: size of that file.
        toolchain: the compiler's version line, as it prints it.
    """

    path: Path
    sha256: str
    size_bytes: int
    toolchain: str


class _Record(msgspec.Struct, frozen=True):
    """A `GuestBuild` as it is kept beside the file, wherever the cache is moved to."""

    file: str
    sha256: str
    size_bytes: int
    toolchain: str


class Tools(msgspec.Struct, frozen=True):
    """Host-side binaries for the process engine and for live tests.

    Attributes:
        probe: the measuring launcher.
        fixture: the program of known behaviour that tests measure.
    """

    probe: Path
    fixture: Path


class GuestStep(BuildStep, frozen=True, kw_only=True):
    """The build of one guest; its tag is where the guest is kept.

    Attributes:
        edition: name of the edition whose guest it is.
        guest: which build.
    """

    edition: str
    guest: GuestId

    @property
    def title(self) -> str:
        """See `BuildStep.title`."""
        return _title(self.edition, self.guest)

    @property
    def minutes(self) -> float:
        """See `BuildStep.minutes`."""
        if not self.guest.profile.variant.startswith("o3"):
            return PLAIN_MINUTES
        return WASM_MINUTES if self.guest.target is Target.WASM else NATIVE_MINUTES

    def is_there(self, client: DockerClient) -> bool:  # noqa: ARG002 - no engine holds it
        """See `BuildStep.is_there`: a guest that is not what its record describes is built again."""
        return intact_build(Path(self.tag)) is not None

    def build(self, client: DockerClient, progress: Progress) -> None:
        """See `BuildStep.build`."""
        _build(client, self.parents[0], self.edition, self.guest, progress)


def guest_steps(builds: Iterable[GuestId], catalogue: Catalogue) -> dict[GuestId, GuestStep]:
    """The build of each of these guests; those that are not compiled need none (`script_guests`)."""
    edition = catalogue.edition
    steps: dict[GuestId, GuestStep] = {}
    for variant in sorted({build for build in builds if build.profile is not GuestProfile.PYTHON}):
        toolchain = catalogue.stage(toolchain_of(edition, variant))
        directory = place(toolchain.key, edition, variant)
        steps[variant] = GuestStep(
            f"guest {variant.id}", directory.name, str(directory), (toolchain,), edition=edition, guest=variant
        )
    return steps


def script_guests(builds: Iterable[GuestId]) -> dict[GuestId, GuestBuild]:
    """Those of these guests that are not compiled."""
    return {variant: _script() for variant in set(builds) if variant.profile is GuestProfile.PYTHON}


def built_guests(steps: Mapping[GuestId, GuestStep]) -> dict[GuestId, GuestBuild]:
    """The guests that these steps have built.

    Raises:
        BuildFailed: one is not there.
    """
    kept = {variant: intact_build(Path(step.tag)) for variant, step in steps.items()}
    missing = [variant.id for variant, build in kept.items() if build is None]
    if missing:
        raise BuildFailed(f"guest {missing[0]} could not be built", "see its log under logs/; repeat the command")
    return {variant: build for variant, build in kept.items() if build is not None}


def _script() -> GuestBuild:
    """The program in Python, kept by content like a compiled guest: an edit does not reach a running campaign."""
    content = (ROOT / _PYTHON_SOURCE).read_bytes()
    checksum = sha256(content)
    path = _script_place(checksum)
    if not path.is_file() or file_sha256(path) != checksum:
        write_whole(path, content, mode=0o644)
    return GuestBuild(path, checksum, len(content), _PYTHON)


def _script_place(checksum: str) -> Path:
    return home() / "guests" / f"{Target.NATIVE}-{GuestProfile.PYTHON}-{checksum[:16]}" / GUEST_PYTHON


def find_guests(edition: str = Edition.CURRENT) -> dict[GuestId, GuestBuild]:
    """The guests of the present sources and compiler that are here already; nothing is built.

    Raises:
        EngineMissing, EngineForbidden: no engine to ask for the compiler's identity.
    """
    catalogue = Catalogue(edition, connect())
    keys = {name: catalogue.stage(name).key for name in {pins.toolchain for pins in load_pins().tracts.values()}}
    kept = {variant: _kept(place(keys[toolchain_of(edition, variant)], edition, variant)) for variant in ALL_GUESTS}
    return {variant: build for variant, build in kept.items() if build is not None}


def guest_by_content(guest: GuestId, checksum: str) -> GuestBuild | None:
    """A guest that was built here some day, by the sha256 of its file; None if it is not kept any more."""
    for directory in sorted((home() / "guests").glob("*")):
        kept = _kept(directory)
        # only the build that its record names is read
        if kept is not None and (kept.path.name, kept.sha256) == (guest.file_name, checksum):
            kept = intact_build(directory)
            if kept is not None:
                return kept
    if guest.profile is GuestProfile.PYTHON:
        path = _script_place(checksum)
        if path.is_file() and file_sha256(path) == checksum:
            return GuestBuild(path, checksum, path.stat().st_size, _PYTHON)
    return None


def ensure_tools(progress: Progress = silent) -> Tools:
    """The probe and the fixture, taken out of the image they were built in.

    Raises:
        BuildFailed, NoSpace: they could not be built.
        EngineMissing, EngineForbidden: no engine to build on.
    """
    client = connect()
    catalogue = Catalogue(Edition.CURRENT, client)
    paths = {}
    for name in ("probe", "fixture"):
        step = catalogue.stage(name)
        directory = home() / "tools" / step.key[:16]
        with lock(f"tools-{step.key[:16]}"):
            kept = intact_build(directory)
            if kept is None:
                _require([step], client, progress)
                kept = _keep(directory / name, read_file(client, step.tag, f"/out/usr/local/bin/{name}"), toolchain="")
        paths[name] = kept.path
    return Tools(**paths)


def build_guest_fresh(
    guest: GuestId, directory: Path, progress: Progress = silent, edition: str = Edition.CURRENT, which: str = ""
) -> Path:
    """Build a guest again from a copy of its sources, with nothing compiled earlier; its file below `directory`.

    Args:
        guest: which build.
        directory: an empty one, for sources, compiled crates and result; the caller's to remove.
        progress: called with each step of the build.
        edition: name of the edition whose guest is built.
        which: distinguishes several builds at once; part of the names of its steps and its log.

    Raises:
        BuildFailed: it did not build.
    """
    client = connect()
    catalogue = Catalogue(edition, client)
    toolchain = catalogue.stage(toolchain_of(edition, guest))
    _require([toolchain], client, progress)
    shutil.copytree(ROOT / _WORKSPACE, directory / "src", ignore=shutil.ignore_patterns("target"))
    _compile(client, toolchain.tag, edition, guest, directory, directory / "src", progress, which)
    return directory / "out" / guest.file_name


def _name(edition: str, build: GuestId) -> str:
    """The name of what one variant has to itself: directories, lock and log. Editions on one tract share it."""
    name = f"{build.target}-{build.profile.variant}-tract-{tract_of(edition, build)}"
    if _is_front(build):
        name = f"{name}-{build.profile.graph_format}"
    return f"{name}-{_PREPARED}" if build.profile.is_prepared else name


def tract_of(edition: str, build: GuestId) -> str:
    """The release series of the tract that a guest is built on: its own, or the edition's."""
    return build.profile.tract or load_pins().edition(edition).tract


def toolchain_of(edition: str, build: GuestId) -> str:
    """The stage of the Dockerfile that has the guest's compiler."""
    return load_pins().tracts[tract_of(edition, build)].toolchain


def workspace_of(edition: str, build: GuestId) -> str:
    """The directory, in the checkout, of the Cargo.lock that a guest is built with."""
    if build.profile.is_prepared:
        return f"{_WORKSPACE}/{_PREPARED}"
    if _is_front(build):
        return f"{_WORKSPACE}/{_FRONT}"
    tract = tract_of(edition, build)
    return _WORKSPACE if tract == _NEWEST_TRACT else f"{_WORKSPACE}/tract-{tract}"


def package_of(build: GuestId) -> str:
    """The package that the guest is the program of."""
    if build.profile.is_prepared:
        return _PREPARED
    return _FRONT if _is_front(build) else "infer"


def _is_front(build: GuestId) -> bool:
    return build.profile.graph_format is not GraphFormat.PB


def _title(edition: str, build: GuestId) -> str:
    """What progress and errors call a build."""
    return f"guest {build.id}" + ("" if edition == Edition.CURRENT else f" ({edition})")


def sources(edition: str, build: GuestId) -> dict[str, Path]:
    """Every file that a guest is made from, by its name in the checkout."""
    files: dict[str, Path] = {}
    of_tract = _FRONT_SOURCES if _is_front(build) else _SOURCES[tract_of(edition, build)]
    for path in _PREPARED_SOURCES if build.profile.is_prepared else of_tract:
        files |= context.files_under(ROOT, f"{_WORKSPACE}/{path}")
    return files


def place(toolchain_key: str, edition: str, build: GuestId) -> Path:
    """Where a guest is kept: by its sources, its compiler and its variant, whatever edition asks for it."""
    name = _name(edition, build)
    inputs = f"{context.digest(sources(edition, build))} {toolchain_key} {name}"
    return home() / "guests" / f"{name}-{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"


def _kept(directory: Path) -> GuestBuild | None:
    record = directory / _RECORD
    if not record.is_file():
        return None
    try:
        kept = read_checked(record, _Record)
    except ValueError:
        return None  # damaged: it is built again
    return GuestBuild(directory / kept.file, kept.sha256, kept.size_bytes, kept.toolchain)


def intact_build(directory: Path) -> GuestBuild | None:
    """The guest or tool that is kept there if it is the one that its record describes: what differs is built again."""
    kept = _kept(directory)
    if kept is None or not kept.path.is_file() or file_sha256(kept.path) != kept.sha256:
        return None
    return kept


def _build(client: DockerClient, toolchain: BuildStep, edition: str, build: GuestId, progress: Progress) -> GuestBuild:
    directory, name = place(toolchain.key, edition, build), _name(edition, build)
    with lock(f"guest-{name}"):  # one compilation per variant: they share a directory of compiled crates
        kept = intact_build(directory)
        if kept is not None:
            return kept
        work = home() / "cargo" / name
        compiler = _compile(client, toolchain.tag, edition, build, work, ROOT / _WORKSPACE, progress)
        return _keep(directory / build.file_name, (work / "out" / build.file_name).read_bytes(), compiler)


def _keep(path: Path, content: bytes, toolchain: str) -> GuestBuild:
    """Put a binary in place, with the record that `intact_build` compares it with."""
    write_whole(path, content, mode=0o755)
    made = GuestBuild(path, sha256(content), len(content), toolchain)
    write_checked(path.parent / _RECORD, _Record(path.name, made.sha256, made.size_bytes, toolchain))
    return made


def _compile(
    client: DockerClient,
    image: str,
    edition: str,
    build: GuestId,
    work: Path,
    workspace: Path,
    progress: Progress,
    which: str = "",
) -> str:
    """Run build.sh in `work`, which keeps ``target`` and ``out``; what compiler it was."""
    item = f"{_title(edition, build)} {which}".rstrip()
    mounts = (
        Mounted(workspace, "/src", read_only=True),
        Mounted(work / "target", "/target"),
        Mounted(work / "out", "/out"),
        Mounted(home() / "cargo" / "registry", "/cargo"),
    )
    for mounted in mounts:
        mounted.source.mkdir(parents=True, exist_ok=True)
    log = LOGS / ("-".join(("guest", _name(edition, build), *which.split())) + ".log")
    making = f"build.sh {build.profile.variant} {build.target} /out {tract_of(edition, build)}"
    if build.profile.is_prepared:
        making = f"{_PREPARED}/build.sh /out"
    elif _is_front(build):
        making = f"{_FRONT}/build.sh {build.profile.variant} {build.target} /out {build.profile.graph_format}"
    script = f"rustc --version > /out/toolchain && sh /src/{making}"
    code = run_in(client, image, script, mounts, log, lambda line, done: progress(item, line, done))
    if code != 0 or not (work / "out" / build.file_name).is_file():
        raise BuildFailed(f"building {item} failed with exit code {code}: {log}", SEE_LOG)
    progress(item, "built", 1.0)
    return (work / "out" / "toolchain").read_text().strip()


def _require(steps: list[BuildStep], client: DockerClient, progress: Progress) -> None:
    failures = build_steps(steps, client, progress)
    for failure in failures.values():
        raise failure
