"""Reference lab: what WebAssembly costs, and gives, for neural-network inference on edge devices."""

__version__ = "0.1.0"
