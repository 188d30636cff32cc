"""Counts the fuel that the guest takes under Wasmtime, with a clock that stands still and random bytes that are zeros.

    count-fuel.py compile GUEST MODULE
    count-fuel.py run MODULE ARGUMENTS...

Fuel is counted in code that Wasmtime adds when it compiles: about one unit for each instruction of WebAssembly. After a
run the last line of standard error is "fuel UNITS wasmtime VERSION".
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from wasmtime import Caller, Config, Engine, ExitTrap, FuncType, Linker, Memory, Module, Store, ValType, WasiConfig

WASI = "wasi_snapshot_preview1"
BUDGET = 1 << 62
SUCCESS = 0


def counting_engine() -> Engine:
    """An engine whose code counts fuel."""
    config = Config()
    config.consume_fuel = True
    return Engine(config)


def write(caller: Caller, content: bytes, place: int) -> int:
    """Put bytes into the guest's memory."""
    memory = caller["memory"]
    if not isinstance(memory, Memory):
        raise TypeError("the guest exports no memory")
    memory.write(caller, content, place)
    return SUCCESS


def clock(caller: Caller, _clock: int, _precision: int, result: int) -> int:
    """``clock_time_get``: always the same moment, since longer numbers take longer to print."""
    return write(caller, bytes(8), result)


def random(caller: Caller, place: int, length: int) -> int:
    """``random_get``: zeros, since hash maps are laid out by random keys."""
    return write(caller, bytes(length), place)


def run(module: str, arguments: list[str]) -> int:
    """Run a module that `compile_guest` made; its exit code."""
    engine = counting_engine()
    linker = Linker(engine)
    linker.define_wasi()
    linker.allow_shadowing = True
    i32, i64 = ValType.i32(), ValType.i64()
    linker.define_func(WASI, "clock_time_get", FuncType([i32, i64, i32], [i32]), clock, access_caller=True)
    linker.define_func(WASI, "random_get", FuncType([i32, i32], [i32]), random, access_caller=True)
    wasi = WasiConfig()
    wasi.argv = ["guest", *arguments]
    wasi.inherit_stdout()
    wasi.inherit_stderr()
    wasi.preopen_dir(".", ".")
    store = Store(engine)
    store.set_wasi(wasi)
    store.set_fuel(BUDGET)
    instance = linker.instantiate(store, Module.deserialize_file(engine, module))
    code = SUCCESS
    try:
        instance.exports(store)["_start"](store)
    except ExitTrap as ended:
        code = ended.code
    sys.stderr.write(f"fuel {BUDGET - store.get_fuel()} wasmtime {version('wasmtime')}\n")
    return code


def compile_guest(guest: str, module: str) -> int:
    """Compile a guest so that it counts its fuel."""
    Path(module).write_bytes(Module.from_file(counting_engine(), guest).serialize())
    return SUCCESS


if __name__ == "__main__":
    command, file, *others = sys.argv[1:]
    sys.exit(compile_guest(file, *others) if command == "compile" else run(file, others))
