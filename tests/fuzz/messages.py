"""Mutations of protobuf messages that leave their lengths right: what a byte flip alone would never reach.

Works on the wire format (protobuf.dev/programming-guides/encoding), so that no schema and no TensorFlow is needed.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_DEEPEST = 12
_NUMBERS = (0, 1, 2, 3, 7, 127, 128, 255, 2**16, 2**31 - 1, 2**31, 2**32, 2**61, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 3.4e38, float("inf"), float("-inf"), float("nan"))


@dataclass
class Field:
    """One field of a message: a number, bytes, or the fields of a message within."""

    number: int
    wire: int
    value: int | bytes | list[Field]


def parse(content: bytes, depth: int = 0) -> list[Field] | None:
    """The fields of a message; None if the bytes are none. What reads as a message is taken for one."""
    fields, place = [], 0
    while place < len(content):
        key, place = _varint(content, place)
        number, wire = key >> 3, key & 7
        if place < 0 or not 0 < number < 1000:
            return None
        if wire == VARINT:
            value, place = _varint(content, place)
            if place < 0:
                return None
            fields.append(Field(number, wire, value))
            continue
        size, place = _varint(content, place) if wire == BYTES else ({FIXED64: 8, FIXED32: 4}.get(wire, -1), place)
        if place < 0 or size < 0 or place + size > len(content):
            return None
        piece = content[place : place + size]
        inner = parse(piece, depth + 1) if wire == BYTES and piece and depth < _DEEPEST else None
        fields.append(Field(number, wire, piece if inner is None else inner))
        place += size
    return fields


def serialise(fields: list[Field]) -> bytes:
    """The message's bytes."""
    pieces = []
    for field in fields:
        pieces.append(leb128(field.number << 3 | field.wire))
        if isinstance(field.value, int):
            pieces.append(leb128(field.value))
            continue
        content = field.value if isinstance(field.value, bytes) else serialise(field.value)
        pieces += [leb128(len(content)), content] if field.wire == BYTES else [content]
    return b"".join(pieces)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """A message like another one, with some of its fields changed, and sometimes some of its bytes."""
    fields = parse(content)
    if fields is not None and rng.random() < 0.9:
        for _ in range(rng.randint(1, 3)):
            _change_a_field(fields, rng)
        content = serialise(fields)
    if fields is None or rng.random() < 0.15:
        content = changed_bytes(content, rng)
    return content


def changed_bytes(content: bytes, rng: random.Random) -> bytes:
    """Bits flipped, bytes cut out or put in, or the end cut off."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if not changed:
            break
        place, kind = rng.randrange(len(changed)), rng.randrange(10)
        if kind < 5:
            changed[place] ^= 1 << rng.randrange(8)
        elif kind < 7:
            del changed[place : place + rng.randint(1, 30)]
        elif kind < 9:
            changed[place:place] = rng.randbytes(rng.randint(1, 10))
        else:
            del changed[place:]
    return bytes(changed)


def leb128(number: int) -> bytes:
    """An unsigned number in seven bits a byte, least first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A number and the place behind it; the place is -1 if there is none."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            break
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number, place) if number < 2**64 else (0, -1)
    return 0, -1


def _lists(fields: list[Field]) -> Iterator[list[Field]]:
    """The message and every message within."""
    yield fields
    for field in fields:
        if isinstance(field.value, list):
            yield from _lists(field.value)


def _change_a_field(fields: list[Field], rng: random.Random) -> None:
    holders = [holder for holder in _lists(fields) if holder]
    if not holders:
        return
    holder = rng.choice(holders)
    place = rng.randrange(len(holder))
    field = holder[place]
    kind = rng.randrange(12)
    if kind == 0:
        del holder[place]
    elif kind == 1:
        holder.insert(rng.randrange(len(holder) + 1), field)
    elif kind == 2:
        other = rng.choice(holders)
        other.insert(rng.randrange(len(other) + 1), Field(field.number, field.wire, _copy(field.value)))
    elif kind == 3:
        field.number = max(1, field.number + rng.choice((-1, 1, 2)))
    else:
        field.value = _other_value(field, holders, rng)


def _copy(value: int | bytes | list[Field]) -> int | bytes | list[Field]:
    """A message within itself would have no end."""
    return [Field(each.number, each.wire, _copy(each.value)) for each in value] if isinstance(value, list) else value


def _other_value(field: Field, holders: list[list[Field]], rng: random.Random) -> int | bytes | list[Field]:
    if isinstance(field.value, int):
        return rng.choice((rng.choice(_NUMBERS), (field.value + rng.choice((-1, 1))) % 2**64, rng.randrange(64)))
    if field.wire == FIXED32:
        return struct.pack("<f", rng.choice(_FLOATS))
    if field.wire == FIXED64:
        return struct.pack("<d", rng.choice(_FLOATS))
    others = [
        each.value
        for holder in holders
        for each in holder
        if each.wire == BYTES and (each.number == field.number or isinstance(field.value, bytes))
    ]
    chosen = rng.choice(others)
    if isinstance(field.value, bytes) and rng.random() < 0.4:
        return changed_bytes(field.value, rng)
    return _copy(chosen)
