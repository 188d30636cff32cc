"""What makes a campaign another one, and how it is said."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lab.core.experiment import Tier
from lab.core.manifest import Manifest
from lab.store import campaigns as store
from lab.store.fingerprint import differences, fingerprint
from tests.synthetic import make_manifest

GRAIN = 64 << 20


def with_host(manifest: Manifest, **facts: object) -> Manifest:
    return msgspec.structs.replace(manifest, host=msgspec.structs.replace(manifest.host, **facts))


def with_another_image(manifest: Manifest) -> Manifest:
    image = msgspec.structs.replace(manifest.runtimes["wasmtime"], image_id="sha256:other", binary_sha256="f" * 64)
    return msgspec.structs.replace(manifest, runtimes={**manifest.runtimes, "wasmtime": image})


def test_a_reboot_that_moves_the_memory_by_some_pages_is_the_same_machine() -> None:
    before = with_host(make_manifest(), memory_bytes=100 * GRAIN)
    after = with_host(before, memory_bytes=100 * GRAIN - 4096)
    assert fingerprint(before) == fingerprint(after)
    assert differences(before, after) == ()


def test_what_has_changed_is_said_in_words() -> None:
    before = with_host(make_manifest(), memory_bytes=128 * GRAIN, kernel="6.1.0")
    after = with_another_image(with_host(before, memory_bytes=16 * GRAIN, kernel="6.2.0"))
    assert differences(before, after) == (
        "host.kernel (6.1.0, now 6.2.0)",
        "host.memory (8.0 GiB, now 1.0 GiB)",
        "wasmtime binary",
        "wasmtime image",
    )


def test_whatever_makes_another_campaign_is_named() -> None:
    before = make_manifest()
    guest = msgspec.structs.replace(before.guests["wasm/o3"], sha256="e" * 64)
    for after in (
        with_another_image(before),
        msgspec.structs.replace(before, guests={**before.guests, "wasm/o3": guest}),
        msgspec.structs.replace(before, argv={"native@o3": ("other",)}),
        msgspec.structs.replace(before, isolation="process"),
        msgspec.structs.replace(before, models={}),
    ):
        assert fingerprint(before) != fingerprint(after)
        assert differences(before, after) != ()


def test_an_unfinished_campaign_that_cannot_go_on_is_named_with_the_reason(tmp_path: Path) -> None:
    before = make_manifest()
    directory = store.create(tmp_path, before)
    assert store.why_not_resumed(tmp_path, before) is None
    assert store.why_not_resumed(tmp_path, with_another_image(before)) == (
        directory,
        ("wasmtime binary", "wasmtime image"),
    )


def test_a_finished_campaign_or_another_tier_is_no_reason_to_remark_on_anything(tmp_path: Path) -> None:
    before = make_manifest()
    after = with_another_image(before)
    directory = store.create(tmp_path, before)
    full = msgspec.structs.replace(after.experiment, tiers={"full": Tier(budget="2h")})
    assert store.why_not_resumed(tmp_path, msgspec.structs.replace(after, tier="full", experiment=full)) is None
    store.mark_finished(directory, 0, 1.0)
    assert store.why_not_resumed(tmp_path, after) is None
