"""Bits of a stream, one value at a time, for the careful reader and writer."""

from __future__ import annotations

from .errors import DecodeError

MAX_OCTETS = 2000
"""Octets of an integer. EXI sets no limit; this one keeps the time bounded, and the number printable."""

MAX_INTEGER = (1 << 7 * MAX_OCTETS) - 1
"""The greatest magnitude of an integer."""


class BitReader:
    """Reads EXI's elementary representations (EXI 1.0, 7.1) from bytes.

    Attributes
    ----------
    offset : int
        Bits read so far.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.length = 8 * len(data)
        self.offset = 0

    @property
    def left(self) -> int:
        """Bits not yet read."""
        return self.length - self.offset

    def bits(self, width: int) -> int:
        """An n-bit unsigned integer."""
        end = self.offset + width
        if end > self.length:
            raise DecodeError(f"the stream ends: {width} bits wanted, {self.left} left", self.offset)
        chunk = int.from_bytes(self.data[self.offset >> 3 : (end + 7) >> 3], "big")
        self.offset = end
        return chunk >> (-end & 7) & ((1 << width) - 1)

    def unsigned(self) -> int:
        """An unsigned integer in groups of seven bits, least significant first."""
        start = self.offset
        value = shift = 0
        while shift < 7 * MAX_OCTETS:
            octet = self.bits(8)
            value |= (octet & 0x7F) << shift
            if octet < 0x80:
                return value
            shift += 7
        raise DecodeError(f"an integer of more than {MAX_OCTETS} bytes", start)

    def integer(self) -> int:
        """A sign bit and an unsigned integer."""
        negative = self.bits(1)
        magnitude = self.unsigned()
        return -magnitude - 1 if negative else magnitude

    def octets(self, count: int) -> bytes:
        """So many bytes, which need not be aligned."""
        if 8 * count > self.left:
            raise self._too_long("length", count, "bytes")
        return self.bits(8 * count).to_bytes(count, "big")

    def _too_long(self, what: str, count: int, unit: str) -> DecodeError:
        number = count if count < 1 << 64 else "more than 2^64"
        left = f"{self.left // 8} {'' if unit == 'bytes' else 'bytes '}are left"
        return DecodeError(f"a {what} of {number} {unit} is announced, {left}", self.offset)

    def characters(self, count: int) -> str:
        """So many characters, each an unsigned integer."""
        if 8 * count > self.left:
            raise self._too_long("string", count, "characters")
        start = self.offset
        plain = self.octets(count)
        if plain.isascii():
            return plain.decode("ascii")
        self.offset = start
        found = []
        for _ in range(count):
            at = self.offset
            point = self.unsigned()
            if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
                raise DecodeError(f"{point:#x} is no character", at)
            found.append(chr(point))
        return "".join(found)


def code_points(value: str) -> bytes:
    """A string's characters, each as an unsigned integer."""
    if value.isascii():
        return value.encode("ascii")
    found = bytearray()
    for point in map(ord, value):
        while point > 0x7F:
            found.append(point & 0x7F | 0x80)
            point >>= 7
        found.append(point)
    return bytes(found)


class BitWriter:
    """Collects EXI's elementary representations."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._rest = 1  # the bits after those bytes, led by a 1 bit

    def bits(self, value: int, width: int) -> None:
        """An n-bit unsigned integer."""
        self._rest = self._rest << width | value
        if self._rest >> 4096:
            self._settle()

    def _settle(self) -> None:
        """Move whole bytes out of the integer, whose length each further bit costs."""
        width = self._rest.bit_length() - 1
        odd = width & 7
        self._bytes += (self._rest >> odd ^ 1 << width - odd).to_bytes(width // 8, "big")
        self._rest = 1 << odd | self._rest & (1 << odd) - 1

    def unsigned(self, value: int) -> None:
        """An unsigned integer in groups of seven bits, least significant first."""
        while value > 0x7F:
            self.bits(value & 0x7F | 0x80, 8)
            value >>= 7
        self.bits(value, 8)

    def integer(self, value: int) -> None:
        """A sign bit and an unsigned integer."""
        self.bits(1 if value < 0 else 0, 1)
        self.unsigned(-value - 1 if value < 0 else value)

    def octets(self, value: bytes) -> None:
        """Bytes."""
        self.bits(int.from_bytes(value, "big"), 8 * len(value))

    def characters(self, value: str) -> None:
        """Characters, each an unsigned integer."""
        self.octets(code_points(value))

    def after(self, bits: int) -> int:
        """Everything written, appended to other bits."""
        rest = self._rest.bit_length() - 1
        bits = bits << 8 * len(self._bytes) | int.from_bytes(self._bytes, "big")
        return bits << rest | self._rest ^ 1 << rest

    def getvalue(self) -> bytes:
        """Everything written, padded with zero bits to a whole byte."""
        return bytes(self._bytes) + finished(self._rest)


def finished(value: int) -> bytes:
    """Bits led by a 1 bit as bytes, padded with zero bits."""
    width = value.bit_length() - 1
    padding = -width & 7
    return ((value ^ 1 << width) << padding).to_bytes((width + padding) // 8, "big")
