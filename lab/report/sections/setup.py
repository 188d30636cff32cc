"""The campaign in short: what ran where, from which bytes."""

from __future__ import annotations

from lab.core.manifest import Manifest
from lab.core.units import show_bytes
from lab.report.display import runtime_name
from lab.report.document import Column, Table

_SHORT_SHA = 12


def _short(text: object) -> str:
    return str(text).removeprefix("sha256:")[:_SHORT_SHA]


def facts(manifest: Manifest) -> list[Table]:
    """Host, runtimes and guests."""
    return [_host(manifest), _runtimes(manifest), _guests(manifest)]


def _host(manifest: Manifest) -> Table:
    host, experiment = manifest.host, manifest.experiment
    measure = experiment.measure
    limits = f"{measure.timeout} and {measure.memory} at most per trial"
    pairs = {
        "experiment": f"{experiment.name}, tier {manifest.tier}, edition {experiment.edition}",
        "weights": experiment.weights,
        "started": manifest.created_at,
        "measuring": f"{measure.iterations} inferences per trial, {limits}, seed {measure.seed}",
        "isolation": manifest.isolation if manifest.isolation == "container" else f"{manifest.isolation} (unpinned)",
        "processor": f"{host.cpu_model}, {host.cores} cores",
        "memory": show_bytes(host.memory_bytes),
        "system": f"{host.os}, kernel {host.kernel}, cgroup v{host.cgroup_version or 'unknown'}",
        "engine": host.engine,
        "frequency governor": host.governor or "unknown",
        "turbo": {True: "on", False: "off", None: "unknown"}[host.turbo],
        "virtual machine": {True: "yes", False: "no", None: "unknown"}[host.virtualised],
        "lab": manifest.lab_version,
    }
    rows = [{"what": what, "value": value} for what, value in pairs.items()]
    return Table("campaign and host", (Column("what", "what"), Column("value", "value")), rows)


def _runtimes(manifest: Manifest) -> Table:
    columns = (
        Column("runtime", "runtime", runtime_name),
        Column("version", "version"),
        Column("supply", "supply"),
        Column("binary", "binary sha256", _short),
        Column("image", "image", _short),
    )
    rows = [
        {
            "runtime": name,
            "version": fingerprint.version,
            "supply": fingerprint.supply,
            "binary": fingerprint.binary_sha256,
            "image": fingerprint.image_id,
        }
        for name, fingerprint in sorted(manifest.runtimes.items())
    ]
    return Table("runtimes", columns, rows)


def _guests(manifest: Manifest) -> Table:
    columns = (
        Column("guest", "guest"),
        Column("sha256", "sha256", _short),
        Column("size_bytes", "size", show_bytes),
        Column("toolchain", "toolchain"),
    )
    rows = [
        {
            "guest": name,
            "sha256": fingerprint.sha256,
            "size_bytes": fingerprint.size_bytes,
            "toolchain": fingerprint.toolchain,
        }
        for name, fingerprint in sorted(manifest.guests.items())
    ]
    return Table("guests", columns, rows)
