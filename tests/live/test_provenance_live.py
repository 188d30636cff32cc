"""Bills of materials and statements of real images: what they say is what the image holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from lab.builds.guests import GuestBuild
from lab.builds.images.files import read_file
from lab.builds.images.labels import ImageInfo
from lab.builds.pins import load_pins
from lab.builds.provenance.packages import installed_in
from lab.core.guest import GuestId
from lab.engines.docker_sdk import connect
from tests.command import lab

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]


def digests(statement: dict[str, Any]) -> dict[str, str]:
    parts = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {part["name"]: part["digest"]["sha256"] for part in parts}


def printed(*words: str) -> dict[str, Any]:
    ran = lab("provenance", *words)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_the_packages_of_an_image_are_those_that_its_package_manager_lists(images: dict[str, ImageInfo]) -> None:
    client = connect()
    for image in (images["native"], images["wasmedge"]):
        query = ["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Architecture}\n"]
        said = client.containers.run(image.image_id, entrypoint=query, network_disabled=True, remove=True)
        listed = sorted(bytes(said).decode().splitlines())
        installed = installed_in(client, image.image_id)
        assert (
            sorted(f"{package.name} {package.version} {package.architecture}" for package in installed.packages)
            == listed
        )
        assert (installed.distribution, installed.suite) == ("debian", "trixie")


def test_a_bill_and_a_statement_name_what_is_in_the_image(images: dict[str, ImageInfo]) -> None:
    """Fetches Wasmtime's crate by cargo the first time."""
    image = images["wasmtime"]
    bill, statement = printed("sbom", "wasmtime"), printed("statement", "wasmtime")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    parts = {part["bom-ref"]: part for part in bill["components"]}
    binary = hashlib.sha256(read_file(connect(), image.image_id, "/usr/local/bin/wasmtime")).hexdigest()
    assert parts["program wasmtime"]["hashes"] == [{"alg": "SHA-256", "content": binary}]
    assert {subject["digest"]["sha256"] for subject in statement["subject"]} == {
        image.image_id.removeprefix("sha256:"),
        binary,
    }
    resolved = digests(statement)
    registry = load_pins().edition("current").runtime("wasmtime").registry
    if image.supply != "upstream":
        assert registry is not None
        assert sum(name.startswith("crate cranelift-") for name in parts) > 5
        assert resolved[f"wasmtime-cli-{image.version}.crate"] == registry.crate_sha256
        assert f"Cargo.lock of wasmtime-cli {image.version}" in resolved
    for name in ("Dockerfile", "rust-guest/probe/src/main.rs", "rust-guest/Cargo.lock"):
        assert resolved[name] == hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def test_a_guests_statement_names_every_source_and_its_compiler(guests: dict[GuestId, GuestBuild]) -> None:
    guest = guests[GuestId.parse("wasm/o3")]
    statement = printed("statement", "wasm/o3")
    assert statement["subject"] == [
        {"name": "wasm/o3", "digest": {"sha256": hashlib.sha256(guest.path.read_bytes()).hexdigest()}}
    ]
    assert statement["predicate"]["buildDefinition"]["internalParameters"]["toolchain"].startswith("rustc 1.")
    resolved = digests(statement)
    sources = [path for path in (ROOT / "rust-guest" / "infer" / "src").rglob("*") if path.is_file()]
    for path in [ROOT / "rust-guest" / "Cargo.lock", *sources]:
        assert resolved[path.relative_to(ROOT).as_posix()] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_everything_that_is_here_is_written_to_a_directory(native_image: ImageInfo, tmp_path: Path) -> None:
    ran = lab("provenance", "write", "native", "-o", tmp_path)
    assert ran.code == 0, ran.err
    assert {path.name for path in tmp_path.iterdir()} == {"native.cdx.json", "native.intoto.json"}
    unknown = lab("provenance", "sbom", "natve")
    assert "no image or guest natve" in unknown.error[0]
    assert "did you mean native" in unknown.error[1]
