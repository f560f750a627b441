"""What compiled readers and writers call for values of variable length.

A reader is given the stream as one integer ``n`` and the number ``r`` of its bits not yet read; it returns the value
and the new ``r``. Reading beyond the end shifts by a negative count, which raises ValueError. A writer is
given the bits so far as one integer led by a 1 bit, and returns it with its own appended.
"""

from __future__ import annotations

from .bits import MAX_INTEGER, MAX_OCTETS, code_points


class Odd(Exception):  # noqa: N818 (control flow, never seen by a caller)
    """Something that the compiled code does not handle and the careful code may."""


def more(n: int, r: int, octet: int) -> tuple[int, int]:
    """The rest of an unsigned integer whose first octet announces more."""
    value = octet & 0x7F
    shift = 7
    while octet > 0x7F:
        r -= 8
        octet = n >> r & 0xFF
        value |= (octet & 0x7F) << shift
        shift += 7
        if shift > 7 * MAX_OCTETS:
            raise Odd
    return value, r


def octets(n: int, r: int, count: int) -> tuple[bytes, int]:
    """So many bytes."""
    width = 8 * count
    if width > r:
        raise Odd
    r -= width
    return (n >> r & (1 << width) - 1).to_bytes(count, "big"), r


def characters(n: int, r: int, length: int) -> tuple[str, int]:
    """The characters of a string literal, ``length`` being two more than their number."""
    if length < 2:
        raise Odd  # a string-table reference
    plain, after = octets(n, r, length - 2)
    if plain.isascii():
        return plain.decode("ascii"), after
    # Characters have at most three octets; they are taken out of the stream at once, which keeps a long text linear.
    data, _ = octets(n, r, min(r >> 3, 3 * (length - 2)))
    found = []
    position = 0
    for _ in range(length - 2):
        point = data[position]
        position += 1
        if point > 0x7F:
            point = point & 0x7F | data[position] << 7
            position += 1
            if point > 0x3FFF:
                point = point & 0x3FFF | data[position] << 14
                position += 1
            if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
                raise Odd
        found.append(chr(point))
    return "".join(found), r - 8 * position


def put_unsigned(a: int, value: int) -> int:
    """Append an unsigned integer."""
    if not 0 <= value <= MAX_INTEGER:
        raise Odd
    while value > 0x7F:
        a = a << 8 | value & 0x7F | 0x80
        value >>= 7
    return a << 8 | value


def put_integer(a: int, value: int) -> int:
    """Append a sign bit and an unsigned integer."""
    return put_unsigned(a << 1 | 1, -value - 1) if value < 0 else put_unsigned(a << 1, value)


def put_string(a: int, value: str) -> int:
    """Append a string literal."""
    if value.__class__ is not str:
        raise Odd  # among them `NO_TEXT`
    plain = value.encode()
    length = len(plain)
    if length == len(value):
        a = a << 8 | length + 2 if length < 126 else put_unsigned(a, length + 2)
        return a << 8 * length | int.from_bytes(plain, "big")
    plain = code_points(value)
    return put_unsigned(a, len(value) + 2) << 8 * len(plain) | int.from_bytes(plain, "big")


def put_binary(a: int, value: bytes) -> int:
    """Append binary content."""
    if value.__class__ is not bytes:
        raise Odd  # among them `NO_BYTES`
    length = len(value)
    a = a << 8 | length if length < 128 else put_unsigned(a, length)
    return a << 8 * length | int.from_bytes(value, "big")


def joined(parts: list[int], last: int) -> int:
    """The parts of a long list's bits as one: the first with what stands before it, the others led by a 1 bit."""
    a = parts[0]
    for part in (*parts[1:], last):
        width = part.bit_length() - 1
        a = a << width | part ^ 1 << width
    return a
