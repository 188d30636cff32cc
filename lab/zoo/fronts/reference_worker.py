"""What a format's own runtime makes of input tensors, in a process of its own: ``python -m MODULE JOB…``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lab.core.errors import ModelError
from lab.disk.whole import write_whole
from lab.zoo.fronts import run
from lab.zoo.worker import ReferenceJob, run_worker


def compute(job: ReferenceJob) -> None:
    """Compute the outputs for each input: raw little-endian float32, concatenated in the order asked for.

    Raises:
        ModelError: the runtime refuses the graph, or an output is not finite.
    """
    tensors = [np.fromfile(each.input, "<f4").reshape(each.shape) for each in job.runs]
    for each, results in zip(job.runs, run(job.format, Path(job.graph), job.outputs, tensors), strict=True):
        for name, result in zip(job.outputs, results, strict=True):
            if not np.isfinite(result).all():
                raise ModelError(f"output '{name}' is not finite", "check the weights and the preprocessing")
        write_whole(Path(each.result), b"".join(result.astype("<f4").tobytes() for result in results))


if __name__ == "__main__":
    run_worker(ReferenceJob, compute)
