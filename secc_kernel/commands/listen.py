"""Show somebody else's session as it goes on, without sending anything.

Everything on a network interface is overheard (this needs the privilege CAP_NET_RAW), or a pcap or pcapng file that
somebody writes is followed, such as tcpdump or dumpcap. The table is that of `secc-kernel decode`: matching, SDP and
V2G messages in one timeline. Interrupt it (Ctrl-C) to see a line for each plug-in. What is overheard can be kept as
a journal, which `secc-kernel decode` and Python read.
"""

from __future__ import annotations

import argparse
import os
import select
import socket
import sys
from contextlib import ExitStack
from time import monotonic

from secc_kernel.commands import CommandError
from secc_kernel.commands._timeline import TITLES, Timeline
from secc_kernel.commands.decode import SHOWN, layers_argument
from secc_kernel.link.follow import FollowedInterface, Source, followed
from secc_kernel.link.pcap import CaptureError
from secc_kernel.session.journal import Entry, FindingEntry, Journal, JournalError

#: Seconds after which the end of a run of equal messages is shown though it goes on.
_SHOW = 5.0
#: Seconds between two looks at what does not tell by itself.
_LOOK = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("where", metavar="INTERFACE|FILE", help="what to listen to: a network interface, or a capture")
    parser.add_argument(
        "--layers",
        type=layers_argument,
        default=frozenset(),
        metavar="LAYERS",
        help="which rows: slac, sdp, tls, v2gtp or all, separated by commas (slac,sdp,v2gtp)",
    )
    parser.add_argument("--keylog", metavar="FILE", help="a file with secrets of TLS connections; it may grow")
    parser.add_argument("--journal", metavar="FILE", help="keep what is overheard there (a new file)")


def main(arguments: argparse.Namespace) -> int:
    """Listen until interrupted."""
    with ExitStack() as stack:
        try:
            journal = None if arguments.journal is None else stack.enter_context(Journal(arguments.journal))
            source = _source(arguments.where, arguments.keylog)
        except (OSError, JournalError) as error:
            raise CommandError(str(error)) from error
        stack.callback(source.close)
        print(f"listening, without sending anything, to {source.place}; Ctrl-C ends it", file=sys.stderr)
        if source.still and not os.path.exists(source.place):
            print(source.still, file=sys.stderr)
        layers = SHOWN if arguments.layers == frozenset() else arguments.layers
        timeline = Timeline(os.path.basename(source.place), layers, _print)
        _print(TITLES)
        try:
            _follow(source, timeline, journal)
        except KeyboardInterrupt:
            pass
        except CaptureError as error:
            raise CommandError(str(error)) from error
        finally:
            timeline.finish()
    return 0


def _source(where: str, keylog: str | None) -> Source:
    is_interface = where in {name for _, name in socket.if_nameindex()}
    if is_interface:
        return followed(interface=where, keylog=keylog)
    if not os.path.exists(where) and os.sep not in where and not os.path.splitext(where)[1]:
        names = ", ".join(name for _, name in socket.if_nameindex())
        raise CommandError(f"there is no interface and no file {where}: this machine has the interfaces {names}")
    return followed(file=where, keylog=keylog)


def _follow(source: Source, timeline: Timeline, journal: Journal | None) -> None:
    shown = monotonic()
    while True:
        for entry in source.entries():
            if journal is not None:
                journal.append(entry)
            _show(entry, timeline)
        if monotonic() - shown > _SHOW:
            timeline.flush()
            shown = monotonic()
        sys.stdout.flush()
        ready = [source] if isinstance(source, FollowedInterface) else []
        select.select(ready, (), (), _LOOK)


def _show(entry: Entry, timeline: Timeline) -> None:
    timeline.take(entry)
    if isinstance(entry, FindingEntry):
        timeline.flush()
        sys.stdout.flush()
        print(f"{entry.severity}: {entry.text} [{entry.rule}]", file=sys.stderr, flush=True)


def _print(text: str) -> None:
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
