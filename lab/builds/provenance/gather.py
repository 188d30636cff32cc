"""What engine and checkout know of an image or a guest: what is in it, and what it was built from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from lab import __version__
from lab.builds.guests import GuestBuild, package_of, sources, toolchain_of, workspace_of
from lab.builds.images.candidates import Catalogue, executable
from lab.builds.images.files import read_file
from lab.builds.images.labels import PROBE, ImageInfo
from lab.builds.pins import PINS_PATH, RuntimePins, Supply
from lab.builds.provenance.crates import LOCK_NAME, LockedCrate, fetch_crate, lock_of_crate, parse_lock, reachable
from lab.builds.provenance.packages import installed_in
from lab.builds.provenance.sbom import Material, Program
from lab.builds.provenance.statement import (
    GUEST_BUILD,
    IMAGE_BUILD,
    BuildDefinition,
    Resource,
    Statement,
    statement,
)
from lab.builds.steps import context
from lab.builds.steps.bases import BaseStep
from lab.builds.steps.step import BuildStep, StageStep
from lab.core.arm import NATIVE_RUNTIME
from lab.core.guest import GuestId
from lab.core.progress import Progress
from lab.disk.content import file_sha256, sha256
from lab.disk.paths import ROOT
from lab.engines.docker_sdk import DockerClient, failures_as_lab_errors

_PROBES_WORKSPACE = "rust-guest"
_VERSION = {"wasm-edge-lab": __version__}


class _Crate(msgspec.Struct, frozen=True):
    """The crate of a package registry that a runtime was built from, with its Cargo.lock if cargo followed that."""

    name: str
    version: str
    sha256: str
    lock: bytes | None

    @property
    def purl(self) -> str:
        return f"pkg:cargo/{self.name}@{self.version}"

    def compiled(self) -> tuple[LockedCrate, ...]:
        of = f"{self.name} {self.version}"
        return () if self.lock is None else reachable(parse_lock(self.lock, of), self.name, of)


def image_material(client: DockerClient, image: ImageInfo, catalogue: Catalogue, progress: Progress) -> Material:
    """What is in an image.

    Args:
        client: connection to the container engine.
        image: an image that is here.
        catalogue: of the image's edition.
        progress: called with what has to be fetched to know it.

    Raises:
        Unreachable, SupplyError, BuildFailed: as `fetch_crate`.
        DataError: a Cargo.lock is damaged.
    """
    probe = sha256(read_file(client, image.image_id, PROBE))
    of = f"the workspace {_PROBES_WORKSPACE}"
    lock = parse_lock((ROOT / _PROBES_WORKSPACE / LOCK_NAME).read_bytes(), of)
    programs = [Program("probe", "", probe, crates=reachable(lock, "probe", of))]
    if image.runtime != NATIVE_RUNTIME:
        crate = _crate_of(client, image, catalogue, progress)
        about = {
            "lab:supply": image.supply,
            "lab:patched": "yes" if image.patched else "",
            "lab:licence": _pins_of(image, catalogue).licence or "",
            "lab:crate_sha256": crate.sha256 if crate else "",
            "lab:crates": "" if crate and crate.lock else "not known",
        }
        crates, purl = (crate.compiled(), crate.purl) if crate else ((), "")
        programs.append(Program(image.runtime, image.version, image.binary_sha256, purl, crates, about))
    about = {
        "lab:edition": image.edition,
        "lab:base": image.base,
        "lab:contents_sha256": image.contents_sha256 or "",
        "lab:inputs": image.inputs_hash,
    }
    name, tag = image.reference.split(":")
    installed = installed_in(client, image.image_id)
    return Material(name, tag, _hexadecimal(image), True, tuple(programs), installed, about)


def image_statement(client: DockerClient, image: ImageInfo, catalogue: Catalogue, progress: Progress) -> Statement:
    """What an image was built from; arguments and errors as of `image_material`."""
    crate = _crate_of(client, image, catalogue, progress) if image.runtime != NATIVE_RUNTIME else None
    supply = None if image.runtime == NATIVE_RUNTIME else Supply(image.supply)
    steps = catalogue.candidate(image.runtime, supply).step.closure()
    pin, edition = _pins_of(image, catalogue), catalogue.pins.edition(image.edition)
    compiled_here = supply is Supply.REGISTRY and crate is not None and crate.lock is not None
    definition = BuildDefinition(
        IMAGE_BUILD,
        external_parameters={"edition": image.edition, "runtime": image.runtime, "supply": image.supply},
        internal_parameters={
            "version": image.version,
            "inputs": image.inputs_hash,
            "rustc of the probe": edition.guest_rust,
            **({"rustc of the runtime": edition.runtime_rust} if compiled_here else {}),
            **({"cargo flags": pin.registry.cargo_flags or ""} if compiled_here and pin.registry else {}),
        },
        resolved_dependencies=(
            *_bases(client, steps),
            *_supplied(image, pin, crate),
            _checked_out("Dockerfile", ROOT / "Dockerfile"),
            _checked_out(PINS_PATH.relative_to(ROOT).as_posix(), PINS_PATH),
            *_sources(steps),
        ),
    )
    subject = (
        Resource(
            image.reference,
            digest={"sha256": _hexadecimal(image)},
            annotations={"contents_sha256": image.contents_sha256 or ""},
        ),
        Resource(executable(image.runtime) or PROBE, digest={"sha256": image.binary_sha256}),
    )
    return statement(subject, definition, _VERSION)


def guest_material(guest_id: GuestId, guest: GuestBuild, edition: str) -> Material:
    """What a guest was compiled from: the crates of its workspace's Cargo.lock.

    Raises:
        DataError: the Cargo.lock is damaged.
    """
    workspace = workspace_of(edition, guest_id)
    of = f"the workspace {workspace}"
    crates = reachable(parse_lock((ROOT / workspace / LOCK_NAME).read_bytes(), of), package_of(guest_id), of)
    program = Program(guest_id.file_name, "", guest.sha256, crates=crates)
    about = {"lab:edition": edition, "lab:toolchain": guest.toolchain}
    return Material(f"guest {guest_id.target}", guest_id.profile, guest.sha256, False, (program,), about=about)


def guest_statement(client: DockerClient, guest_id: GuestId, guest: GuestBuild, catalogue: Catalogue) -> Statement:
    """What a guest was built from: every source file, its Cargo.lock among them, the compiler, and that one's base."""
    toolchain = catalogue.stage(toolchain_of(catalogue.edition, guest_id))
    made_from = sources(catalogue.edition, guest_id)
    definition = BuildDefinition(
        GUEST_BUILD,
        external_parameters={
            "edition": catalogue.edition,
            "target": guest_id.target.value,
            "profile": guest_id.profile.value,
        },
        internal_parameters={"toolchain": guest.toolchain, "toolchain inputs": toolchain.key},
        resolved_dependencies=(
            *_bases(client, toolchain.closure()),
            _checked_out("Dockerfile", ROOT / "Dockerfile"),
            *(_checked_out(name, path) for name, path in sorted(made_from.items())),
        ),
    )
    return statement((Resource(guest_id.id, digest={"sha256": guest.sha256}),), definition, _VERSION)


def _pins_of(image: ImageInfo, catalogue: Catalogue) -> RuntimePins:
    return catalogue.pins.edition(image.edition).runtime(image.runtime)


def _hexadecimal(image: ImageInfo) -> str:
    return image.image_id.removeprefix("sha256:")


def _crate_of(client: DockerClient, image: ImageInfo, catalogue: Catalogue, progress: Progress) -> _Crate | None:
    """The crate behind a binary that was compiled here, or by whoever made the artifact; a released one names none."""
    registry = _pins_of(image, catalogue).registry
    if image.supply == Supply.UPSTREAM or registry is None or registry.crate is None or registry.crate_sha256 is None:
        return None
    lock = None
    if registry.cargo_flags is not None:  # else the crate only carries C++ sources
        lock = lock_of_crate(fetch_crate(client, registry.crate, image.version, registry.crate_sha256, progress))
    return _Crate(registry.crate, image.version, registry.crate_sha256, lock)


def _supplied(image: ImageInfo, pin: RuntimePins, crate: _Crate | None) -> Iterator[Resource]:
    if image.supply == Supply.ARTIFACT and pin.artifact is not None:
        yield Resource(f"{pin.artifact.file}, unpacked", digest={"sha256": image.binary_sha256})
    if image.supply == Supply.UPSTREAM and pin.upstream is not None:
        yield Resource(pin.upstream.url.rsplit("/", 1)[-1], pin.upstream.url, {"sha256": pin.upstream.sha256})
    if image.supply == Supply.REGISTRY and pin.registry is not None:
        for checksum in pin.registry.package_sha256:  # one for each kind of processor
            yield Resource(f"Python package of {image.runtime} {image.version}", digest={"sha256": checksum})
    if crate is not None:
        yield Resource(f"{crate.name}-{crate.version}.crate", crate.purl, {"sha256": crate.sha256})
        if crate.lock is not None:
            yield Resource(f"{LOCK_NAME} of {crate.name} {crate.version}", digest={"sha256": sha256(crate.lock)})


def _bases(client: DockerClient, steps: Mapping[str, BuildStep]) -> Iterator[Resource]:
    """The base images: a pulled one by its manifest's digest, a bootstrapped one by its tarball's sha256."""
    for step in steps.values():
        if isinstance(step, BaseStep):
            if step.is_pulled:
                digest = step.base.digest.removeprefix("sha256:")
            else:
                with failures_as_lab_errors():
                    digest = client.images.get(step.tag).labels.get("lab.base.tar_sha256", "")
            yield Resource(
                step.tag, f"urn:x-wasm-edge-lab:base:{step.describe()}".replace(" ", "-"), {"sha256": digest}
            )


def _sources(steps: Mapping[str, BuildStep]) -> Iterator[Resource]:
    """Every file of the checkout that a step copies; what is laid out from outside is named by its own checksum."""
    files = {name: path for step in steps.values() if isinstance(step, StageStep) for name, path in step.files.items()}
    for name, path in sorted(files.items()):
        if name != context.CA_FILE and not name.startswith("supply/"):
            # what is no file is a part of one: a stage's own lines of packages/lock
            yield _checked_out(name, path if isinstance(path, Path) else ROOT / name)


def _checked_out(name: str, path: Path) -> Resource:
    return Resource(name, digest={"sha256": file_sha256(path)})
