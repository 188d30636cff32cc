"""Small WebAssembly modules for WASI, as lists of instructions; and mutants, invalid ones and valid ones.

Encoded by hand after the core specification's binary format (chapter 5), so that no compiler is needed.
"""

from __future__ import annotations

import random
import struct
from copy import deepcopy
from dataclasses import dataclass, field

from tests.fuzz.messages import changed_bytes, leb128

I32, I64, F32, F64 = 0x7F, 0x7E, 0x7D, 0x7C
_BLOCK, _END = 0x40, b"\x0b"
_INTS = (0, 1, -1, 2, 7, 63, 64, 1024, 65535, 65536, 2**20, 2**31 - 1, -(2**31))
_SIZES = (0, 1, 2, 16, 255, 1024, 65535, 65536, 65537, 2**31, 2**32 - 1)
# instructions that may stand for each other: the same operands, the same result
_ALIKE = (
    [bytes([code]) for code in range(0x6A, 0x79)],  # two i32 to one
    [bytes([code]) for code in range(0x46, 0x50)],  # comparisons of i32
    [bytes([code]) for code in range(0x92, 0x99)],  # two f32 to one
    [bytes([code]) for code in range(0x8B, 0x92)],  # one f32 to one
    [b"\xa8", b"\xa9", b"\xfc\x00", b"\xfc\x01", b"\xbc"],  # f32 to i32
    [b"\xb2", b"\xb3", b"\xbe"],  # i32 to f32
    [b"\x28\x02\x00", b"\x2c\x00\x00", b"\x2d\x00\x00", b"\x2e\x01\x00", b"\x2f\x01\x00"],  # loads of i32
    [b"\x36\x02\x00", b"\x3a\x00\x00", b"\x3b\x01\x00"],  # stores of i32
)


@dataclass
class Function:
    """A type by its number, locals by type, and instructions without the last `end`."""

    type: int
    body: list[bytes]
    locals: list[int] = field(default_factory=list)


@dataclass
class Module:
    """What a module holds; imports are of functions, and come first among them."""

    types: list[tuple[list[int], list[int]]]
    imports: list[tuple[str, str, int]]
    functions: list[Function]
    exports: list[tuple[str, int, int]]
    memory: tuple[int, int] = (2, 16)
    elements: list[int] = field(default_factory=list)
    table: int = 4
    data: list[tuple[int, bytes]] = field(default_factory=list)


def seeds() -> list[Module]:
    """Each of them runs, and ends with 0."""
    return [_integers(), _floats(), _files()]


def mutant(chosen: list[Module], seed: int, number: int) -> bytes:
    """The mutant of that number: the same for the same seed, whichever were made before."""
    rng = random.Random(f"module {seed} {number}")  # noqa: S311 - seeded on purpose
    module = deepcopy(chosen[number % len(chosen)])
    for _ in range(rng.randint(1, 3)):
        _change(module, rng)
    sections = _sections(module)
    if rng.random() < 0.2:
        _change_sections(sections, rng)
    content = joined(sections)
    return changed_bytes(content, rng) if rng.random() < 0.25 else content


def encoded(module: Module) -> bytes:
    """The module's bytes."""
    return joined(_sections(module))


def joined(sections: list[tuple[int, bytes]]) -> bytes:
    """A module of these sections."""
    return b"\0asm\x01\0\0\0" + b"".join(bytes([number]) + _sized(content) for number, content in sections)


def _sections(module: Module) -> list[tuple[int, bytes]]:
    minimum, maximum = module.memory
    kinds = [b"\x60" + _vector([bytes([t]) for t in a]) + _vector([bytes([t]) for t in b]) for a, b in module.types]
    imports = [_name(space) + _name(name) + b"\0" + leb128(number) for space, name, number in module.imports]
    exports = [_name(name) + bytes([kind]) + leb128(number) for name, kind, number in module.exports]
    elements = [b"\0" + _i32(0) + _END + _vector([leb128(number) for number in module.elements])]
    data = [b"\0" + _i32(place) + _END + _sized(content) for place, content in module.data]
    return [
        (1, _vector(kinds)),
        (2, _vector(imports)),
        (3, _vector([leb128(function.type) for function in module.functions])),
        (4, _vector([b"\x70\0" + leb128(module.table)])),
        (5, _vector([b"\x01" + leb128(minimum) + leb128(maximum)])),
        (7, _vector(exports)),
        (9, _vector(elements)),
        (10, _vector([_sized(_code(function)) for function in module.functions])),
        (11, _vector(data)),
    ]


def _code(function: Function) -> bytes:
    return _vector([b"\x01" + bytes([kind]) for kind in function.locals]) + b"".join(function.body) + _END


def _change(module: Module, rng: random.Random) -> None:
    kind = rng.randrange(14)
    if kind == 0:
        module.memory = (rng.choice(_SIZES), rng.choice(_SIZES))
    elif kind == 1:
        module.table = rng.choice(_SIZES)
    elif kind == 2:
        module.elements.append(rng.choice(_SIZES[:6]))
    elif kind == 3 and module.data:
        module.data[0] = (rng.choice(_INTS), rng.randbytes(rng.choice((0, 1, 100, 70_000))))
    elif kind == 4:
        place = rng.randrange(len(module.imports))
        space, name, number = module.imports[place]
        module.imports[place] = rng.choice(
            [(space, name + "x", number), ("env", name, number), (space, name, number ^ 1)]
        )
    elif kind == 5:
        rng.choice(module.functions).type = rng.choice((0, 1, 2, 200))
    elif kind == 6:
        rng.choice(module.functions).locals += rng.choice([[I32], [F64], [0x6F], [I64] * 300])
    else:
        _change_an_instruction(rng.choice(module.functions).body, rng)


def _change_an_instruction(body: list[bytes], rng: random.Random) -> None:
    place = rng.randrange(len(body))
    instruction = body[place]
    alike = next((group for group in _ALIKE if instruction in group), None)
    kind = rng.randrange(8)
    if alike is not None and kind < 5:
        body[place] = rng.choice(alike)
    elif instruction[:1] == b"\x41" and kind < 6:
        body[place] = _i32(rng.choice(_INTS))
    elif instruction[:1] in (b"\x0c", b"\x0d") and kind < 4:
        body[place] = instruction[:1] + leb128(rng.choice((0, 1, 2, 3, 1000)))
    elif kind == 6:
        del body[place]
    elif kind == 7:
        body.insert(place, rng.choice(body))
    else:
        body[place] = rng.choice(
            [bytes([rng.randrange(256)]), b"\x00", b"\x0f", b"\x1a", b"\x40\x00", _i32(65536) + b"\x40\0"]
        )


def _change_sections(sections: list[tuple[int, bytes]], rng: random.Random) -> None:
    place, kind = rng.randrange(len(sections)), rng.randrange(5)
    number, content = sections[place]
    if kind == 0:
        del sections[place]
    elif kind == 1:
        sections.insert(rng.randrange(len(sections)), (number, content))
    elif kind == 2:
        sections[place] = (rng.randrange(16), content)
    elif kind == 3:
        sections[place] = (number, leb128(rng.choice(_SIZES)) + content[1:])
    else:
        sections.insert(place, (0, _name("x" * rng.choice((0, 1, 5000))) + rng.randbytes(rng.choice((0, 50)))))


def _integers() -> Module:
    """Fills memory with a recurrence, sums it up and prints one byte."""
    step = [_get(0), _get(0), _i32(1103515245), b"\x6c", _i32(12345), b"\x6a", b"\x36\x02\x00"]
    loop = [
        *(b"\x03" + bytes([_BLOCK]), *step),
        *(_get(1), _get(0), b"\x28\x02\x00", b"\x73", _set(1)),
        *(_get(0), _i32(4), b"\x6a", _tee(0), _i32(65536), b"\x48", b"\x0d\0", _END),
    ]
    write = [*_store(8, 16), *_store(12, 1), _i32(16), _get(1), b"\x3a\x00\x00", *_print(8)]
    return _module([Function(0, [_i32(64), _set(0), *loop, *write], [I32, I32])])


def _floats() -> Module:
    """Newton's square root by an indirect call, conversions, a table of branches, and more memory."""
    halve = Function(2, [_get(0), _f32(2.0), b"\x95", _f32(0.5), b"\x92", b"\x91", b"\x8b"])
    body = [
        *(_f32(2.0), _i32(0), b"\x11\x02\x00", b"\xa8", _set(0)),
        *(b"\x02\x40", b"\x02\x40", _get(0), b"\x0e\x01\x00\x01", _END, _i32(1), _set(0), _END),
        *(_i32(1), b"\x40\x00", b"\x1a", _i32(0), _get(0), b"\xb2", b"\x38\x02\x00"),
        *(*_store(8, 32), *_store(12, 3)),
        *_print(8),
    ]
    module = _module([Function(0, body, [I32]), halve])
    module.elements = [len(module.imports) + 1]
    module.data = [(32, b"ok\n")]
    return module


def _files() -> Module:
    """Writes a file into the output directory, copies and fills memory in bulk, and ends by itself."""
    path, size = 64, 5
    body = [
        *(*_open(path, size), b"\x1a", *_store(8, path), *_store(12, size)),
        *(_i32(4), b"\x28\x02\x00", _i32(8), _i32(1), _i32(20), b"\x10\x00", b"\x1a"),
        *(_i32(1024), _i32(path), _i32(64), b"\xfc\x0a\0\0", _i32(2048), _i32(7), _i32(512), b"\xfc\x0b\0"),
        *(_i32(0), b"\x10\x02"),
    ]
    module = _module([Function(0, body, [])])
    module.data = [(path, b"out/x")]
    return module


def opening(path: str) -> Module:
    """Makes and opens a file, and exits with WASI's error number: 0 if it could."""
    module = _module([Function(0, [*_open(64, len(path)), b"\x10\x02"], [])])
    module.data = [(64, path.encode())]
    return module


def _open(place: int, size: int) -> list[bytes]:
    """``path_open`` of a new file below the first open directory; leaves its error number."""
    return [_i32(3), _i32(0), _i32(place), _i32(size), _i32(9), _i64(64), _i64(0), _i32(0), _i32(4), b"\x10\x01"]


def _module(functions: list[Function]) -> Module:
    types = [
        ([], []),
        ([I32] * 4, [I32]),
        ([F32], [F32]),
        ([I32, I32, I32, I32, I32, I64, I64, I32, I32], [I32]),
        ([I32], []),
    ]
    wasi = "wasi_snapshot_preview1"
    imports = [(wasi, "fd_write", 1), (wasi, "path_open", 3), (wasi, "proc_exit", 4)]
    return Module(types, imports, functions, [("memory", 2, 0), ("_start", 0, len(imports))])


def _print(pieces: int) -> list[bytes]:
    return [_i32(1), _i32(pieces), _i32(1), _i32(20), b"\x10\x00", b"\x1a"]


def _store(place: int, value: int) -> list[bytes]:
    return [_i32(place), _i32(value), b"\x36\x02\x00"]


def _get(number: int) -> bytes:
    return b"\x20" + leb128(number)


def _set(number: int) -> bytes:
    return b"\x21" + leb128(number)


def _tee(number: int) -> bytes:
    return b"\x22" + leb128(number)


def _i32(value: int) -> bytes:
    return b"\x41" + _signed(value)


def _i64(value: int) -> bytes:
    return b"\x42" + _signed(value)


def _f32(value: float) -> bytes:
    return b"\x43" + struct.pack("<f", value)


def _signed(value: int) -> bytes:
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value & 0x7F])


def _name(text: str) -> bytes:
    return _sized(text.encode())


def _sized(content: bytes) -> bytes:
    return leb128(len(content)) + content


def _vector(items: list[bytes]) -> bytes:
    return leb128(len(items)) + b"".join(items)
