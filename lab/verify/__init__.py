"""Bit for bit: what must be the same bytes everywhere, and whether it is."""
