"""One module per runtime: its modes, its command lines, its limits. `registry` gathers them."""
