"""A foreign graph of another format than TensorFlow's, read in a process of its own: ``python -m MODULE JOB…``.

The file stays as it is: guests read what was given. What is written beside it is what the file says of its graph.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from lab.disk.content import file_sha256
from lab.disk.whole import write_whole
from lab.zoo.fronts import inspect
from lab.zoo.fronts.facts import GraphFacts
from lab.zoo.model_directory import FACTS_FILE, Built, graph_file
from lab.zoo.worker import ImportJob, run_worker

_CHANNELS = (1, 3)


def adopt(job: ImportJob) -> None:
    """Read and check one graph, then write it and its facts.

    Raises:
        ModelError: the file is damaged, or of a kind that guests cannot take.
    """
    source, directory = Path(job.path), Path(job.directory)
    facts = inspect(job.format, source, job.shape, job.outputs)
    write_whole(directory / graph_file(job.format), source.read_bytes())
    write_whole(directory / FACTS_FILE, msgspec.json.encode(_built(job, facts, file_sha256(source))))


def _built(job: ImportJob, facts: GraphFacts, sha256: str) -> Built:
    given = facts.input
    first = _is_channels_first(given.shape)
    channels, *sizes = given.shape
    batch = given.fixed_batch or 1
    return Built(
        graph_sha256=sha256,
        input_node=given.name,
        image_shape=(*sizes, channels) if first else given.shape,
        outputs=tuple((output.name, _at_batch_one(output.shape, batch)) for output in facts.outputs),
        facts=facts.stats,
        format=job.format,
        is_channels_first=first,
        fixed_batch=given.fixed_batch,
        takes_any_float=given.is_float,
        bounds=given.bounds,
    )


def _is_channels_first(shape: tuple[int, ...]) -> bool:
    """Whether these are sizes of an image with its channels in front; where both ends fit, they are at the end."""
    return len(shape) == 3 and shape[0] in _CHANNELS and shape[2] not in _CHANNELS


def _at_batch_one(shape: tuple[int, ...], batch: int) -> tuple[int, ...]:
    """The shape of one image's share; a tensor that has no batch in front stays as it is."""
    return (shape[0] // batch, *shape[1:]) if shape and shape[0] % batch == 0 else shape


if __name__ == "__main__":
    run_worker(ImportJob, adopt)
