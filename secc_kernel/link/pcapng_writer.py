"""Writes pcapng files: a section with one Ethernet interface, packets with comments, secrets of TLS.

Beside what every reader understands, blocks carry *notes*: bytes of ours in custom options, which Wireshark leaves
alone and copies with the packet that has them. (Custom blocks would do as well, but Wireshark numbers them like
packets.) An option holds 64 KB, so a longer note goes into several. We have no Private Enterprise Number; the one for
examples (RFC 5612) and the first bytes of a note tell that it is ours.

Format: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import IO

from secc_kernel.link.pcap import (
    BYTE_ORDER_MAGIC,
    ENHANCED_PACKET,
    INTERFACE,
    SECRETS,
    SECTION,
    STATISTICS,
    TLS_KEY_LOG,
)

__all__ = ["PcapngWriter", "note_in"]

_END, _COMMENT = 0, 1
_APPLICATION, _NAME, _DESCRIPTION, _RESOLUTION = 4, 2, 3, 9
_CUSTOM_BYTES = 2989
_ENTERPRISE = struct.pack("<I", 32473)
_MARK = b"secc-kernel\n"
_ETHERNET = 1
_NANOSECONDS = b"\x09"
#: Of an option: what fits, and what of a comment is kept, which is text for people.
_MAX_OPTION = 0xFFF0
_MAX_COMMENT = 0x4000

_Option = tuple[int, bytes]


class PcapngWriter:
    """A pcapng file that is being written.

    Parameters
    ----------
    file
        What to write to.
    application
        The program that writes.
    """

    def __init__(self, file: IO[bytes], application: str) -> None:
        self._file = file
        self._application = application

    def section(self, comment: str, note: bytes) -> None:
        """Begin the file, or a part of it."""
        body = struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1)
        self._block(
            SECTION, body, [(_COMMENT, _text(comment)), (_APPLICATION, _text(self._application)), *_noted(note)]
        )

    def interface(self, name: str, description: str) -> None:
        """The Ethernet interface that the packets belong to; times are in nanoseconds."""
        options = [(_NAME, _text(name)), (_DESCRIPTION, _text(description)), (_RESOLUTION, _NANOSECONDS)]
        self._block(INTERFACE, struct.pack("<HHI", _ETHERNET, 0, 0), options)

    def secrets(self, lines: Iterable[str]) -> None:
        """Secrets of TLS, as lines of a key log; before the packets that they decrypt."""
        text = "".join(f"{line}\n" for line in lines).encode()
        self._block(SECRETS, struct.pack("<II", TLS_KEY_LOG, len(text)) + _padded(text), [])

    def packet(self, time: float, data: bytes, comments: Sequence[str] = (), note: bytes = b"") -> None:
        """A packet.

        Parameters
        ----------
        time
            Seconds since the epoch.
        data
            From the Ethernet header on.
        comments
            Shown with the packet.
        note
            What only we read.
        """
        moment = _nanoseconds(time)
        body = struct.pack("<IIIII", 0, moment >> 32, moment & 0xFFFFFFFF, len(data), len(data)) + _padded(data)
        self._block(ENHANCED_PACKET, body, [*((_COMMENT, _text(comment)) for comment in comments), *_noted(note)])

    def statistics(self, time: float, note: bytes) -> None:
        """A note where there is no packet to carry it, in a block that is no packet."""
        moment = _nanoseconds(time)
        self._block(STATISTICS, struct.pack("<III", 0, moment >> 32, moment & 0xFFFFFFFF), _noted(note))

    def _block(self, kind: int, body: bytes, options: Sequence[_Option]) -> None:
        if options:
            parts = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options]
            body += b"".join(parts) + struct.pack("<HH", _END, 0)
        length = struct.pack("<I", len(body) + 12)
        self._file.write(struct.pack("<I", kind) + length + body + length)


def note_in(options: Iterable[tuple[int, bytes]]) -> bytes:
    """The note in a block's options, as `secc_kernel.link.pcap.options` gives them; b'' where there is none of ours."""
    at = len(_ENTERPRISE)
    return b"".join(
        value[at + len(_MARK) :] for code, value in options if code == _CUSTOM_BYTES and value.startswith(_MARK, at)
    )


def _noted(note: bytes) -> list[_Option]:
    size = _MAX_OPTION - len(_ENTERPRISE) - len(_MARK)
    return [(_CUSTOM_BYTES, _ENTERPRISE + _MARK + note[at : at + size]) for at in range(0, len(note), size)]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _text(text: str) -> bytes:
    """Text as UTF-8, whatever came from the wire with it."""
    data = text.encode("utf-8", "backslashreplace")
    return data if len(data) <= _MAX_COMMENT else data[:_MAX_COMMENT].decode("utf-8", "ignore").encode() + "…".encode()


def _nanoseconds(time: float) -> int:
    """A time as the format has it: it knows nothing before the epoch, and no digits that a float of today has not."""
    if not 0 < time < 1 << 33:
        return 0 if not time > 0 else 1 << 62
    return round(time * 1e6) * 1000 if time > 1e6 else round(time * 1e9)
