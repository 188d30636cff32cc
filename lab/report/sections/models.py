"""Table I: the networks, from the sizes that were computed off their graphs and stand in the manifest."""

from __future__ import annotations

from lab.report.display import digits, model_name
from lab.report.document import Column, Section, Table
from lab.report.results import Results


def _millions(count: int) -> str:
    return f"{digits(count / 1e6, 4)} M"


def _giga(count: int) -> str:
    return f"{digits(count / 1e9)} G"


def models_section(results: Results) -> Section:
    """Table I of this campaign."""
    columns = (
        Column("model", "network", model_name),
        Column("parameters", "trainable scalars", _millions),
        Column("published_parameters", "as published", _millions),
        Column("conv_layers", "conv layers"),
        Column("input_shape", "input"),
        Column("batches", "batch sizes"),
        Column("macs", "multiply-accumulates", _giga),
        Column("weights", "weights"),
        Column("graph_sha256", "graph sha256", lambda text: str(text)[:12]),
    )
    rows = []
    for model in results.models:
        facts = results.manifest.models.get(model)
        batches = sorted({case.batch for case in results.cells if case.model == model})
        row: dict[str, object] = {"model": model, "batches": ", ".join(map(str, batches))}
        if facts:
            row |= {
                "parameters": facts.parameters,
                "published_parameters": facts.published_parameters,
                "conv_layers": facts.conv_layers,
                "input_shape": "×".join(map(str, facts.input_shape)),
                "macs": facts.macs,
                "weights": facts.weights,
                "graph_sha256": facts.graph_sha256,
            }
        rows.append(row)
    lead = (
        "Computed from the frozen graphs. As published: parameters counted by the rule of the network's publishers, "
        "which the paper's Table I follows. Multiply-accumulates are of one inference at batch 1."
    )
    return Section("table-1-models", "Networks (Table I)", lead, [Table("networks, smallest first", columns, rows)])
