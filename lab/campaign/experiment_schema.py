"""The JSON Schema of experiment files, for editors: ``python -m lab.campaign.experiment_schema`` writes it.

msgspec makes it from `lab.core.experiment`; each key's description comes from the docstring that documents it there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from lab.core.experiment import Experiment, Matrix, Measure, Tier
from lab.core.names import Edition

PATH = Path("experiments/schema.json")
_ATTRIBUTE = re.compile(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", re.MULTILINE)


def schema() -> bytes:
    """The schema as the file holds it."""
    made: dict[str, Any] = msgspec.json.schema(Experiment)
    for record in (Experiment, Matrix, Measure, Tier):
        properties = made["$defs"][record.__name__]["properties"]
        made["$defs"][record.__name__]["description"] = (record.__doc__ or "").partition("\n")[0]
        for key, text in descriptions(record).items():
            properties[key]["description"] = text
    made["$defs"]["Experiment"]["properties"]["edition"]["enum"] = [edition.value for edition in Edition]
    titled = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Experiment", **made}
    return msgspec.json.format(msgspec.json.encode(titled), indent=2) + b"\n"


def descriptions(record: type[msgspec.Struct]) -> dict[str, str]:
    """What a record's docstring says of each of its attributes."""
    found = dict(_ATTRIBUTE.findall(record.__doc__ or ""))
    return {key: " ".join(text.split()).replace("``", "`") for key, text in found.items()}


if __name__ == "__main__":
    PATH.write_bytes(schema())
