"""The pins file, typed: what each edition is built from. `pins.toml` beside this module is the only place to edit."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec

from lab.core.errors import ExperimentError
from lab.core.near_names import did_you_mean

PINS_PATH = Path(__file__).with_name("pins.toml")


class Supply(StrEnum):
    """Where a runtime's binary came from."""

    ARTIFACT = "artifact"
    UPSTREAM = "upstream"
    REGISTRY = "registry"


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A base image.

    Attributes:
        reference: name and tag in an image registry, for people to read.
        digest: sha256 of the manifest that is pulled.
        suite: the Debian suite that is bootstrapped where no image registry answers.
        epoch: SOURCE_DATE_EPOCH of the bootstrap: no file is younger.
        stand_in: whether the bootstrapped suite is a different system from the pulled image.
    """

    reference: str
    digest: str
    suite: str
    epoch: int
    stand_in: bool = False

    @property
    def pinned(self) -> str:
        """What the engine pulls: ``debian:trixie-slim@sha256:…``."""
        return f"{self.reference}@{self.digest}"


class Upstream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A released tarball.

    Attributes:
        members: file or directory in the tarball, by where it goes in the image.
        version: the tarball's version, where it differs from the runtime's.
    """

    url: str
    sha256: str
    members: dict[str, str]
    version: str | None = None


class Registry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A build from a package registry, or an installation by one.

    Attributes:
        cpu_minutes: CPU-minutes it took where it was measured; expensive builds are started first.
        crate: name of the crate that is built; None for a Debian package.
        crate_sha256: of the crate as the registry serves it; None for a Debian package, whose archive is signed.
        package_sha256: of the Python package's files, one for each kind of processor; empty if it is none.
        cargo_flags: options of cargo that choose the features.
        build_packages: Debian packages that the compilation needs besides a compiler.
    """

    cpu_minutes: float
    crate: str | None = None
    crate_sha256: str | None = None
    package_sha256: tuple[str, ...] = ()
    cargo_flags: str | None = None
    build_packages: tuple[str, ...] = ()


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A binary in a directory of the user's, named by its ``SHA256SUMS``; xz-compressed.

    Attributes:
        sha256: of the compressed file, where only one is to be trusted; None takes what the directory lists.
    """

    file: str
    sha256: str | None = None


class RuntimePins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One runtime in one edition.

    Attributes:
        version: empty for native.
        base: name of its base image, if not the edition's.
        packages: shared libraries the binary needs in the final image.
        patched: whether it is built with a patch of the lab's.
        licence: the licence's terms, where they restrict use.
    """

    version: str = ""
    base: str | None = None
    packages: tuple[str, ...] = ()
    patched: bool = False
    licence: str | None = None
    artifact: Artifact | None = None
    upstream: Upstream | None = None
    registry: Registry | None = None

    def version_from(self, supply: Supply) -> str:
        """The version that comes from a supply."""
        if supply is Supply.UPSTREAM and self.upstream is not None and self.upstream.version is not None:
            return self.upstream.version
        return self.version


class EditionPins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pins of one edition, chosen to work together.

    Attributes:
        base: name of the final images' base.
        guest_rust: version of the compiler that builds guests.
        guest_rust_std: version of the compiler that builds guests with a standard library of their own.
        runtime_rust: version of the compiler that builds runtimes, where the builder's base image has none.
        runtime_rust_builder: name of that builder's base.
        tract: release series of the inference engine in the guest, one of `Pins.tracts`.
        runtimes: the runtimes' pins, by name.
        extends: name of the edition that the rest was taken from.
    """

    base: str
    guest_rust: str
    guest_rust_std: str
    runtime_rust: str
    runtime_rust_builder: str
    tract: str
    runtimes: dict[str, RuntimePins]
    extends: str | None = None

    def runtime(self, name: str) -> RuntimePins:
        """The pins of a runtime.

        Raises:
            ExperimentError: the edition has no such runtime.
        """
        if name not in self.runtimes:
            hint = did_you_mean(name, self.runtimes)
            known = ", ".join(self.runtimes)
            raise ExperimentError(f"there is no runtime '{name}' in this edition", f"{hint}choose one of {known}")
        return self.runtimes[name]


class TractPins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A release of tract, and the image whose compiler builds guests on it.

    Attributes:
        version: of all of tract's crates.
        toolchain: stage of the Dockerfile.
    """

    version: str
    toolchain: str


class Pins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    bases: dict[str, Base]
    tracts: dict[str, TractPins]
    editions: dict[str, EditionPins]

    def edition(self, name: str) -> EditionPins:
        """The edition of that name.

        Raises:
            ExperimentError: there is none.
        """
        if name not in self.editions:
            hint = did_you_mean(name, self.editions)
            known = ", ".join(self.editions)
            raise ExperimentError(f"there is no edition '{name}'", f"{hint}choose one of {known}")
        return self.editions[name]


@cache
def load_pins() -> Pins:
    """The pins this checkout builds from."""
    return read_pins(PINS_PATH.read_bytes())


def read_pins(content: bytes) -> Pins:
    """The pins in a file's bytes: an edition has what it names, and the rest from the edition that it extends.

    Raises:
        msgspec.ValidationError: a value is missing, or is not one that the file may have.
    """
    tables = msgspec.toml.decode(content)
    editions = tables.get("editions", {})
    for name, edition in editions.items():
        if "extends" in edition:
            extended = editions[edition["extends"]]
            runtimes = {**extended["runtimes"], **edition.get("runtimes", {})}
            editions[name] = {**extended, **edition, "runtimes": runtimes}
    return msgspec.convert(tables, type=Pins)


def stage_args(pins: Pins, edition_name: str, runtime: str, supply: Supply | None) -> dict[str, str]:
    """Values of the Dockerfile's ARGs for one runtime's image; base images by name, ``base:NAME``.

    Args:
        pins: the decoded pins file.
        edition_name: name of the edition.
        runtime: name of the runtime whose image is built.
        supply: where its binary comes from; None for native.
    """
    edition = pins.edition(edition_name)
    pin = edition.runtime(runtime)
    args = {f"BASE_{name.upper().replace('-', '_')}": f"base:{name}" for name in pins.bases}
    args |= {
        "BASE": f"base:{pin.base or edition.base}",
        "GUEST_RUST": edition.guest_rust,
        "GUEST_RUST_STD": edition.guest_rust_std,
        "RUNTIME_RUST": edition.runtime_rust,
        "RUNTIME_RUST_BUILDER": edition.runtime_rust_builder,
    }
    for name, runtime_pins in edition.runtimes.items():
        args |= _runtime_args(name.upper(), runtime_pins)
    if supply is not None:
        args[f"{runtime.upper()}_SUPPLY"] = "registry" if supply is Supply.REGISTRY else "given"
    return args


def _runtime_args(prefix: str, pin: RuntimePins) -> dict[str, str]:
    args = {f"{prefix}_VERSION": pin.version, f"{prefix}_PACKAGES": " ".join(pin.packages)}
    if pin.registry is not None:
        args[f"{prefix}_BUILD_PACKAGES"] = " ".join(pin.registry.build_packages)
        args[f"{prefix}_CRATE_SHA256"] = pin.registry.crate_sha256 or ""
        args[f"{prefix}_HASHES"] = " ".join(f"--hash=sha256:{checksum}" for checksum in pin.registry.package_sha256)
        args[f"{prefix}_CARGO_FLAGS"] = pin.registry.cargo_flags or ""
    return args
