"""A software bill of materials, CycloneDX 1.6 as JSON: the Debian packages and Rust crates in an image or a guest.

The bill of one thing has the same bytes whenever it is written: no time, and a serial number made from its content.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

import msgspec
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from lab import __version__
from lab.builds.provenance.crates import LockedCrate
from lab.builds.provenance.packages import DebianPackage, Installed

CRATES_AT_MOST = "lab:crates"
"""Property of a program whose crates are listed: what the list means."""

_NAMESPACE = uuid.UUID("5b3a4c0e-0f55-5d43-9a53-6a0b8f3f3c7e")  # of the lab's bills; any constant would do


class Program(msgspec.Struct, frozen=True):
    """An executable or module, and the crates that it was compiled from.

    Attributes:
        name: of the program, such as ``wasmtime``.
        version: as its supply gives it; empty if it has none.
        sha256: of its file; None if it was not recorded.
        crates: the crate that is the program itself, first, and those it may have been compiled from; empty where
            that is not known.
        purl: package URL of what it was built from; empty if it is in no package registry.
        about: what else is known of it, by name.
    """

    name: str
    version: str
    sha256: str | None
    purl: str = ""
    crates: tuple[LockedCrate, ...] = ()
    about: Mapping[str, str] = {}


class Material(msgspec.Struct, frozen=True):
    """What a bill is about.

    Attributes:
        name: of the image or the guest.
        version: tag of the image, profile of the guest.
        sha256: the image's id, or of the guest's file.
        is_image: whether it is a container image.
        programs: in the image; of a guest, itself.
        installed: packages of the image; None for a guest, which has none.
        about: what else is known of it, by name.
    """

    name: str
    version: str
    sha256: str
    is_image: bool
    programs: tuple[Program, ...]
    installed: Installed | None = None
    about: Mapping[str, str] = {}


def write_sbom(material: Material) -> str:
    """The bill as a CycloneDX 1.6 document."""
    kind = ComponentType.CONTAINER if material.is_image else ComponentType.APPLICATION
    subject = _component(material.name, material.version, "subject", kind, material.sha256, about=material.about)
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, _identity(material)))
    bom.metadata.component = subject
    bom.metadata.timestamp = None  # type: ignore[assignment]  # optional by the standard, and it would differ each time
    bom.metadata.tools.components.add(_component("wasm-edge-lab", __version__, "tool", ComponentType.APPLICATION))
    parts: list[BomRef] = []
    for package in material.installed.packages if material.installed else ():
        found = _of_package(package, material.installed)
        bom.components.add(found)
        parts.append(found.bom_ref)
    parts += [_add_program(bom, program) for program in material.programs]
    bom.dependencies.add(_rests_on(subject.bom_ref, parts))
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _add_program(bom: Bom, program: Program) -> BomRef:
    """Add a program and its crates, each once though two programs share it."""
    about = dict(program.about)
    if program.crates:
        about[CRATES_AT_MOST] = "those of Cargo.lock: at most these were compiled"
    kind = ComponentType.APPLICATION
    found = _component(program.name, program.version, f"program {program.name}", kind, program.sha256, about=about)
    found.purl = PackageURL.from_string(program.purl) if program.purl else None
    bom.components.add(found)
    listed = {crate.id for crate in program.crates}
    itself = program.crates[0].id if program.crates else None

    def ref(crate_id: str) -> BomRef:
        return found.bom_ref if crate_id == itself else BomRef(f"crate {crate_id}")

    known = {str(component.bom_ref.value) for component in bom.components}
    for crate in program.crates:
        if crate.id != itself and f"crate {crate.id}" not in known:
            bom.components.add(_of_crate(crate))
        bom.dependencies.add(_rests_on(ref(crate.id), [ref(part) for part in crate.depends_on if part in listed]))
    return found.bom_ref


def _of_package(package: DebianPackage, installed: Installed | None) -> Component:
    distribution, suite = (installed.distribution, installed.suite) if installed else ("", "")
    qualifiers = {"arch": package.architecture, "distro": suite}
    purl = PackageURL(
        "deb",
        distribution or None,
        package.name,
        package.version,
        {name: value for name, value in qualifiers.items() if value},
    )
    return _component(package.name, package.version, f"deb {package.name} {package.architecture}", purl=purl)


def _of_crate(crate: LockedCrate) -> Component:
    # what is built from the checkout has no checksum, and no registry has it
    purl = PackageURL("cargo", None, crate.name, crate.version) if crate.checksum else None
    return _component(crate.name, crate.version, f"crate {crate.id}", sha256=crate.checksum, purl=purl)


def _component(
    name: str,
    version: str,
    ref: str,
    kind: ComponentType = ComponentType.LIBRARY,
    sha256: str | None = None,
    *,
    purl: PackageURL | None = None,
    about: Mapping[str, str] | None = None,
) -> Component:
    return Component(
        name=name,
        version=version or None,
        type=kind,
        bom_ref=ref,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else (),
        purl=purl,
        properties=[Property(name=key, value=value) for key, value in (about or {}).items() if value],
    )


def _rests_on(ref: BomRef, parts: Iterable[BomRef]) -> Dependency:
    return Dependency(ref, [Dependency(part) for part in parts])


def _identity(material: Material) -> str:
    return msgspec.json.encode(material).decode()
