"""The style of figures: one set of fixed parameters, so that the same data give the same bytes.

Colours are Okabe and Ito's ("Color universal design", 2008), distinguishable with every common colour blindness. The
runtime is the colour, and the variants of one runtime differ in marker and hatch, so that a figure survives greyscale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure

from lab.core.arm import Arm
from lab.core.plain_text import printable
from lab.runtimes.registry import RUNTIMES

_OTHER_COLOURS = ("#56B4E9", "#8C6D31", "#7F7F7F", "#F0E442")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oooo")
PHASE_COLOURS = {
    "startup": "#0072B2",
    "read": "#F0E442",
    "decode": "#E69F00",
    "build": "#D55E00",
    "optimise": "#CC79A7",
    "infer": "#009E73",
    "rest": "#BBBBBB",
}
INK, FAINT, BAND = "#222222", "#999999", "#F3F3F3"

_PARAMETERS: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same glyphs on every machine
    "text.parse_math": False,  # a name with dollar signs is a name
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "figure.dpi": 150,  # layout and drawing at one resolution: text is not quite as wide at another
    "savefig.dpi": "figure",
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.08,
    "svg.hashsalt": "wasm-edge-lab",
    "svg.fonttype": "path",
}


class ArmStyle(NamedTuple):
    """How one arm is drawn."""

    colour: str
    marker: str
    hatch: str


def arm_styles(arms: Sequence[Arm]) -> dict[Arm, ArmStyle]:
    """A style for every arm: the runtime's colour, and a marker and hatch of its own among that runtime's arms."""
    colours = {runtime.name: runtime.colour for runtime in RUNTIMES}
    unknown_runtimes = sorted({arm.runtime for arm in arms} - set(colours))
    colours |= {name: _OTHER_COLOURS[i % len(_OTHER_COLOURS)] for i, name in enumerate(unknown_runtimes)}
    seen: dict[str, int] = {}
    found = {}
    for arm in arms:
        place = seen.setdefault(arm.runtime, 0) % len(_MARKERS)
        seen[arm.runtime] += 1
        found[arm] = ArmStyle(colours[arm.runtime], _MARKERS[place], _HATCHES[place])
    return found


@contextmanager
def house_style() -> Iterator[None]:
    """Fixed parameters for the time of drawing, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_PARAMETERS)
        yield


def save(figure: Figure) -> dict[str, bytes]:
    """The figure as ``svg`` and ``png`` bytes without date or program version in them."""
    content = {}
    with house_style():
        figure.draw_without_rendering()  # one layout for both formats
        figure.set_layout_engine("none")
        for axes in figure.axes:
            # a layout's last digits differ from run to run, and names within an SVG file are made of them
            left, bottom, width, height = (round(float(value), 6) for value in axes.get_position().bounds)
            axes.set_position((left, bottom, width, height))
        for kind, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            buffer = BytesIO()
            figure.savefig(buffer, format=kind, metadata=metadata)
            content[kind] = buffer.getvalue()
    # names are in its comments as they came
    content["svg"] = printable(content["svg"].decode()).encode()
    return content
