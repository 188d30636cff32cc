"""The page's controls: they work once the script has run, and are not shown without it."""

from __future__ import annotations


def _choice(name: str, legend: str, options: dict[str, str]) -> str:
    labels = "".join(
        f'<label><input type="radio" name="{name}" value="{value}"{"" if place else " checked"}>{text}</label>'
        for place, (value, text) in enumerate(options.items())
    )
    return f'<fieldset class="choices" id="choose-{name}"><legend>{legend}</legend>{labels}</fieldset>'


THEME = (
    '<div class="theme needs-script"><label for="theme">Colours</label> <select id="theme">'
    '<option value="auto">as the system</option><option value="light">light</option>'
    '<option value="dark">dark</option></select></div>'
)
FILTERS = (
    '<div id="filters" class="needs-script" role="group" aria-label="Filters of all figures and tables">'
    '<span aria-hidden="true">Show</span><span id="shown" role="status"></span></div>'
)
CONTROLS = "\n".join(
    [
        "<noscript><p>These figures need JavaScript. Drawings of them are in the sections below, and in "
        "<code>figures/</code> beside this page.</p></noscript>",
        '<div class="controls needs-script">',
        _choice(
            "view",
            "Figure",
            {
                "costs": "costs",
                "memory": "overhead against memory",
                "start": "start against speed",
                "totals": "total by number of inferences",
                "phases": "phases",
            },
        ),
        _choice(
            "quantity",
            "Quantity",
            {"cold": "one cold run", "steady": "each further inference", "memory": "peak memory"},
        ),
        _choice("relative", "Values", {"relative": "relative", "absolute": "absolute"}),
        _choice("scale", "Scale", {"log": "logarithmic", "linear": "linear", "paper": "as the paper's bars"}),
        "</div>",
        '<ul id="key" class="key" aria-label="Key"></ul>',
        '<div id="panels"></div>',
        '<section id="trials" aria-labelledby="trials-title" hidden></section>',
    ]
)
"""Choice of a figure, the figure's panels, and the trials behind one of its marks."""
