"""Bills of materials and statements: valid by the standards' own schemas, complete, and the same bytes each time."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format  # type: ignore[import-untyped]
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from lab.builds.guests import GuestBuild
from lab.builds.pins import load_pins
from lab.builds.provenance.crates import lock_of_crate, parse_lock, reachable
from lab.builds.provenance.gather import guest_material
from lab.builds.provenance.packages import DebianPackage, Installed, parse_status
from lab.builds.provenance.sbom import Material, Program, write_sbom
from lab.builds.provenance.statement import BuildDefinition, Resource, statement
from lab.core.errors import DataError
from lab.core.guest import GuestId

ROOT = Path(__file__).parents[2]
SHA = "a" * 64
LOCK = b"""
version = 4
[[package]]
name = "root"
version = "1.0.0"
dependencies = ["left", "right 2.0.0"]
[[package]]
name = "left"
version = "0.1.0"
checksum = "11"
dependencies = ["right 1.0.0 (registry+https://registry)", "root"]
[[package]]
name = "right"
version = "1.0.0"
checksum = "22"
[[package]]
name = "right"
version = "2.0.0"
checksum = "33"
[[package]]
name = "unrelated"
version = "9.0.0"
checksum = "44"
"""
STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12
Description: a library
 Version: of the description

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: tzdata
Status: hold ok installed
Architecture: all
Version: 2026a-0
"""


def crates(root: str = "root") -> dict[str, tuple[str, ...]]:
    return {crate.id: crate.depends_on for crate in reachable(parse_lock(LOCK, "it"), root, "it")}


def material(**other: Any) -> Material:
    lock = reachable(parse_lock(LOCK.replace(b'"11"', b'"%s"' % (b"1" * 64)), "it"), "root", "it")
    lock = tuple(msgspec.structs.replace(crate, checksum=crate.checksum and SHA) for crate in lock)
    programs = (
        Program("probe", "", SHA, crates=lock[1:]),
        Program("runtime", "1.0.0", SHA, "pkg:cargo/root@1.0.0", lock, {"lab:patched": ""}),
    )
    installed = Installed("debian", "trixie", tuple(parse_status(STATUS)))
    return msgspec.structs.replace(Material("lab/runtime", "tag", SHA, True, programs, installed), **other)


def test_only_installed_packages_are_listed_each_with_its_own_version() -> None:
    assert list(parse_status(STATUS)) == [
        DebianPackage("libc6", "2.41-12", "amd64"),
        DebianPackage("tzdata", "2026a-0", "all"),
    ]


def test_the_crates_of_a_program_are_those_that_its_package_rests_on() -> None:
    assert crates() == {
        "root 1.0.0": ("left 0.1.0", "right 2.0.0"),
        "left 0.1.0": ("right 1.0.0", "root 1.0.0"),
        "right 1.0.0": (),
        "right 2.0.0": (),
    }
    assert set(crates("left")) == set(crates())


def test_a_lock_that_is_none_or_lacks_the_program_is_a_data_error() -> None:
    for content in (b"package = 3", b"\xff", b"[[package]]\nname='x'"):
        with pytest.raises(DataError, match=r"Cargo.lock of it is damaged"):
            parse_lock(content, "it")
    with pytest.raises(DataError, match="no package elsewhere"):
        crates("elsewhere")


def crate_file(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_a_crates_lock_is_the_one_at_its_top(tmp_path: Path) -> None:
    files = {"root-1.0.0/tests/Cargo.lock": b"another", "root-1.0.0/Cargo.lock": LOCK}
    assert lock_of_crate(crate_file(tmp_path / "root.crate", files)) == LOCK
    with pytest.raises(DataError, match="carries no"):
        lock_of_crate(crate_file(tmp_path / "none.crate", {"root-1.0.0/src/lib.rs": b""}))
    (tmp_path / "torn.crate").write_bytes((tmp_path / "root.crate").read_bytes()[:40])
    with pytest.raises(DataError, match="is no crate"):
        lock_of_crate(tmp_path / "torn.crate")


def test_a_bill_is_valid_by_the_strict_schema_and_the_same_each_time() -> None:
    text = write_sbom(material())
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert write_sbom(material()) == text
    other = json.loads(write_sbom(material(sha256="b" * 64)))
    assert other["serialNumber"] != json.loads(text)["serialNumber"]


def test_the_validator_sees_a_bill_that_is_not_valid() -> None:
    bill = json.loads(write_sbom(material()))
    bill["components"][0]["hashes"] = [{"alg": "SHA-256", "content": "no hash"}]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is not None


def test_a_bill_lists_packages_programs_and_crates_once_and_says_what_rests_on_what() -> None:
    bill = json.loads(write_sbom(material()))
    parts = {part["bom-ref"]: part for part in bill["components"]}
    assert len(parts) == len(bill["components"])
    assert parts["deb libc6 amd64"]["purl"] == "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie"
    assert parts["crate right 2.0.0"]["purl"] == "pkg:cargo/right@2.0.0"
    assert parts["program runtime"]["purl"] == "pkg:cargo/root@1.0.0"
    assert "crate unrelated 9.0.0" not in parts
    rests_on = {entry["ref"]: set(entry.get("dependsOn", ())) for entry in bill["dependencies"]}
    assert rests_on["subject"] == {"deb libc6 amd64", "deb tzdata all", "program probe", "program runtime"}
    assert rests_on["program runtime"] == {"crate left 0.1.0", "crate right 2.0.0"}
    assert set().union(*rests_on.values()) <= parts.keys(), "nothing is named that is not listed"


@pytest.mark.parametrize(
    ("edition", "guest_id", "tract"),
    [
        ("current", "wasm/o3", "0.23.9"),
        ("2026-11", "wasm/o3", "0.22.5"),
        ("paper", "wasm/o3", "0.20.7"),
        ("current", "native/o3+tract-0.23", "0.23.9"),
    ],
)
def test_a_guests_bill_lists_the_tract_that_it_is_built_on(
    edition: str, guest_id: str, tract: str, tmp_path: Path
) -> None:
    guest = GuestBuild(tmp_path, SHA, 1, "rustc 1.85.1")
    text = write_sbom(guest_material(GuestId.parse(guest_id), guest, edition))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    purls = {part.get("purl") for part in json.loads(text)["components"]}
    assert f"pkg:cargo/tract-tensorflow@{tract}" in purls


def test_a_statement_is_read_by_the_standards_own_library() -> None:
    definition = BuildDefinition("urn:x", {"edition": "current"}, {}, (Resource("a", digest={"sha256": SHA}),))
    made = statement((Resource("image", digest={"sha256": SHA}),), definition, {"lab": "1"})
    whole = json.loads(msgspec.json.encode(made))
    Statement.copy_from_pb(json_format.ParseDict(whole, StatementMessage())).validate()
    with pytest.raises(ValueError, match="Wrong statement type"):
        Statement.copy_from_pb(json_format.ParseDict({**whole, "_type": "another"}, StatementMessage())).validate()
    predicate = json_format.ParseDict(whole["predicate"], Provenance())
    assert predicate.build_definition.build_type == "urn:x"
    assert predicate.build_definition.resolved_dependencies[0].digest["sha256"] == SHA
    assert predicate.run_details.builder.id
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict({**whole["predicate"], "buildDefinitions": {}}, Provenance())


@pytest.mark.parametrize("edition", load_pins().editions)
def test_a_crate_is_pinned_by_name_and_checksum_and_the_dockerfile_builds_it(edition: str) -> None:
    text = (ROOT / "Dockerfile").read_text()
    for runtime in load_pins().edition(edition).runtimes.values():
        registry = runtime.registry
        if registry is not None:
            assert (registry.crate is None) == (registry.crate_sha256 is None)
            assert registry.crate is None or f"cargo install {registry.crate} " in text or f'"{registry.crate}@' in text
