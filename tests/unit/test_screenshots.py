"""Pictures of the documents: colours survive the palette, and none loads anything."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from benchmarks.screenshots import smaller, terminal
from lab.report.render import ReportPaths
from lab.runtimes.registry import RUNTIMES


def test_the_colour_of_every_runtime_survives_in_a_picture_of_many_greys() -> None:
    pixels = np.repeat(np.arange(600 * 400).reshape(400, 600, 1) % 256, 3, axis=2).astype(np.uint8)
    colours = [ImageColor.getrgb(runtime.colour)[:3] for runtime in RUNTIMES]
    for place, colour in enumerate(colours):
        pixels[10 * place : 10 * place + 3, 5:8] = colour
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    found = np.asarray(Image.open(BytesIO(smaller(buffer.getvalue()))).convert("RGB")).astype(int)
    for place, colour in enumerate(colours):
        assert np.abs(found[10 * place + 1, 6] - colour).max() <= 20


def test_the_picture_of_the_terminal_names_no_address_but_its_format() -> None:
    made = ReportPaths(Path(), Path(), Path(), {}, {}, summary="", answer="One cold run: least with Wasmtime")
    svg = terminal(made)
    assert "lab" in svg
    assert "@font-face" not in svg
    assert "url(http" not in svg
