"""What something was built from, and how: an in-toto Statement v1 with a SLSA Provenance v1 predicate.

Not signed: whoever has the file can have written it. It says what to look at, and each part carries a sha256, so that a
reader with the sources checks it, or builds again and compares (docs/provenance.md).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILDER_ID = "urn:x-wasm-edge-lab:builder:container"
IMAGE_BUILD = "urn:x-wasm-edge-lab:build:image:v1"
GUEST_BUILD = "urn:x-wasm-edge-lab:build:guest:v1"


class Resource(msgspec.Struct, frozen=True, omit_defaults=True):
    """An in-toto ResourceDescriptor.

    Attributes:
        name: of the file or thing.
        uri: where it is known under.
        digest: hash in hexadecimal by algorithm; empty where it was not recorded.
        annotations: what else is known of it.
    """

    name: str
    uri: str = ""
    digest: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}


class BuildDefinition(msgspec.Struct, frozen=True, rename="camel"):
    """What was asked of the builder, and everything that it took.

    Attributes:
        build_type: names the meaning of the parameters; docs/provenance.md describes both.
        external_parameters: chosen by whoever builds.
        internal_parameters: set by the lab.
        resolved_dependencies: what went in.
    """

    build_type: str
    external_parameters: Mapping[str, str]
    internal_parameters: Mapping[str, str]
    resolved_dependencies: tuple[Resource, ...]


class Builder(msgspec.Struct, frozen=True):
    """Who built: containers of this machine's engine, started by the lab."""

    id: str
    version: Mapping[str, str]


class RunDetails(msgspec.Struct, frozen=True):
    """The build itself; its times are left out, so that the same thing has one statement."""

    builder: Builder


class Provenance(msgspec.Struct, frozen=True, rename="camel"):
    """SLSA Provenance v1."""

    build_definition: BuildDefinition
    run_details: RunDetails


class Statement(msgspec.Struct, frozen=True, rename={"type": "_type", "predicate_type": "predicateType"}):
    """An in-toto Statement v1."""

    type: str
    subject: tuple[Resource, ...]
    predicate_type: str
    predicate: Provenance


def statement(subject: tuple[Resource, ...], definition: BuildDefinition, version: Mapping[str, str]) -> Statement:
    """The statement that `subject` was built as `definition` says.

    Args:
        subject: what was built; each with a digest.
        definition: how, and from what.
        version: of the parts of the builder, by name.
    """
    return Statement(
        STATEMENT_TYPE, subject, PREDICATE_TYPE, Provenance(definition, RunDetails(Builder(BUILDER_ID, version)))
    )
