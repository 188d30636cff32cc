"""Reference lab for one question: what does WebAssembly cost, and give, for neural-network inference on edge devices?"""

__version__ = "0.1.0"
