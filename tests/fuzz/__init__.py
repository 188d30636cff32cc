"""Mutated graphs and modules through importer, guests and runtimes: ``python -m tests.fuzz`` (`just fuzz`)."""
