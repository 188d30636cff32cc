"""The phases of a trial, in the order in which they end: one list for guest marks, columns, tables and figures."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What the guest is doing; the value is what its mark is called in the probe's report.

    A mark is printed when its phase has ended. `START` is everything from exec to the guest's first instruction.
    """

    START = "start"
    READ = "read"
    DECODE = "decode"
    BUILD = "build"
    OPTIMISE = "optimise"
    INFER = "infer"
    OUTPUT = "output"

    @property
    def is_loading(self) -> bool:
        """Whether the phase belongs to what the paper calls loading."""
        return self in {Phase.READ, Phase.DECODE, Phase.BUILD, Phase.OPTIMISE}

    @property
    def quantity(self) -> str:
        """Name of the quantity that holds the phase's length in one cold inference, as `lab.core.trial` has it."""
        return {Phase.START: "startup_ns", Phase.INFER: "first_infer_ns"}.get(self, f"{self}_ns")

    @property
    def peak_quantity(self) -> str:
        """Name of the quantity that holds the peak resident set of the phase."""
        return f"rss_peak_{self}_bytes"

    @property
    def legend(self) -> str:
        """The phase's name in a figure's legend: ``decode protobuf``."""
        return _TITLES[self]

    @property
    def heading(self) -> str:
        """The phase's name in a table's head: ``start-up``, ``first inference``, otherwise the phase's own name."""
        return {Phase.START: "start-up", Phase.INFER: "first inference"}.get(self, str(self))


_TITLES = {
    Phase.START: "start-up (runtime, module, JIT compilation)",
    Phase.READ: "read model file",
    Phase.DECODE: "decode protobuf",
    Phase.BUILD: "build graph",
    Phase.OPTIMISE: "optimise graph",
    Phase.INFER: "first inference",
    Phase.OUTPUT: "output",
}

LOADING: tuple[Phase, ...] = tuple(phase for phase in Phase if phase.is_loading)
