"""Run a Lua script, or the cells of a notebook, as a test.

A script with cells (lines "-- %%", as nbconvert and jupytext write them) is run as the notebook that it was: its
Python cells, too.

The script plays the charging station (Secc) or the vehicle (Evcc); whatever it does not do itself, the autopilot does.
By default the other side is simulated, on a clock of its own. On a real link (--link tcp, --link plc) the station
listens from the beginning on, every message is shown on a line of its own, and a session that is still going on when
the script ends is brought to its end by the autopilot.

Exit status: 0 passed; 1 a verdict (Session.Check) failed or the script had an error; 2 the arguments or the link cannot
be used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from secc_kernel.commands import CommandError
from secc_kernel.commands._output import Output
from secc_kernel.kernel import percent
from secc_kernel.kernel.cells import split
from secc_kernel.kernel.display import display_function, displayed
from secc_kernel.link.live import LiveSession, SessionError
from secc_kernel.link.tls_contexts import VERSIONS
from secc_kernel.lua.api import install
from secc_kernel.lua.bench import Bench
from secc_kernel.lua.errors import LuaError, LuaExit, LuaInterrupted, LuaUserError
from secc_kernel.lua.options import Options
from secc_kernel.lua.runtime import LuaEngine
from secc_kernel.lua.verdicts import Verdicts, failed
from secc_kernel.session.events import Ended
from secc_kernel.session.journal import Entry, FindingEntry, FrameEntry, JournalError
from secc_kernel.session.tls_judgement import WAITS, told

FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("script", metavar="SCRIPT.lua|NOTEBOOK.ipynb", help="what to run")
    parser.add_argument(
        "--link", choices=("sim", "tcp", "plc", "listen"), default="sim", help="how the two sides meet (sim)"
    )
    parser.add_argument(
        "--interface",
        metavar="IF",
        help="plc: the interface at the modem; tcp: the one with SDP; without: loopback; listen: where to listen",
    )
    parser.add_argument("--file", help="listen: a pcap or pcapng file that somebody writes, instead of an interface")
    parser.add_argument("--side", choices=("secc", "evcc"), default="secc", help="whom the script plays (secc)")
    parser.add_argument("--host", help="tcp without SDP: the address to listen on, or (evcc) the station's")
    parser.add_argument("--port", type=int, help="tcp: the port to listen on (a free one), or (evcc) the station's")
    parser.add_argument("--mac", help="plc: the address to use on the powerline (the interface's own)")
    parser.add_argument("--key", metavar="NMK", help="plc: the network's key, 32 hex digits (a fresh one each time)")
    parser.add_argument(
        "--assumed-attenuation", type=int, metavar="DB", help="plc: what is told where the modem measures none"
    )
    parser.add_argument(
        "--receive-attenuation",
        type=int,
        default=0,
        metavar="DB",
        help="plc: what is lost between outlet and modem (0)",
    )
    parser.add_argument("--pilot", metavar="DEVICE", help="tcp and plc: the serial device of a control pilot board")
    _add_tls_arguments(parser)
    parser.add_argument("--report", metavar="FILE", help="write the verdicts there as JUnit XML")
    parser.add_argument("--journal", metavar="FILE", help="write the journal there (a new file)")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every message on a simulated link, too")


def _add_tls_arguments(parser: argparse.ArgumentParser) -> None:
    tls = parser.add_argument_group("TLS (tcp and plc)")
    tls.add_argument(
        "--tls",
        nargs="?",
        const=True,
        default=False,
        metavar="DIR",
        help="do TLS, with the PKI in DIR (secc-kernel pki new DIR), or with certificates that nobody knows",
    )
    tls.add_argument("--certificate", metavar="NAME", help="which one of the PKI to show (secc, or vehicle)")
    tls.add_argument("--tls-version", choices=VERSIONS, help="this version only")
    tls.add_argument("--tls-only", action="store_true", help="refuse a peer that goes without TLS")
    tls.add_argument("--no-tls-verify", action="store_true", help="do not check the peer's certificate")
    tls.add_argument(
        "--keylog", metavar="FILE", help="write the secrets there, for Wireshark (listen: read them there)"
    )
    tls.add_argument("--disclose", action="store_true", help="send the secrets as UDP datagrams, for dsV2Gshark")


def main(arguments: argparse.Namespace) -> int:
    """Run the script; 0 when it passed."""
    run = _Run(Path(arguments.script), arguments.verbose)
    cells = list(_cells(run.script))
    run.open(_options(arguments))
    report = None if arguments.report is None else _new_report(Path(arguments.report))
    try:
        run.play(cells)
        run.finish()
    except KeyboardInterrupt:
        run.error = "interrupted"
        raise
    finally:
        run.close()
        if report is not None:
            with report:
                _write_report(report, run)
    return run.conclude()


def _options(arguments: argparse.Namespace) -> Options:
    if arguments.tls and arguments.link == "sim":
        raise CommandError("--tls belongs to --link tcp and plc: the simulated link has no connection to secure")
    if arguments.link == "sim" and (arguments.interface or arguments.host or arguments.port):
        raise CommandError("--interface, --host and --port belong to --link tcp and plc")
    if arguments.link not in ("tcp", "plc") and arguments.pilot:
        raise CommandError("--pilot belongs to --link tcp and plc: the simulated link has a control pilot of its own")
    if arguments.link != "listen" and arguments.file:
        raise CommandError("--file belongs to --link listen")
    if arguments.link == "plc" and arguments.host:
        raise CommandError("--host belongs to --link tcp: on powerline SDP finds the station")
    of_powerline = arguments.mac, arguments.key, arguments.assumed_attenuation, arguments.receive_attenuation
    if arguments.link != "plc" and any(of_powerline):
        raise CommandError("--mac, --key, --assumed-attenuation and --receive-attenuation belong to --link plc")
    return Options(
        link=arguments.link,
        side=arguments.side.upper(),
        interface=arguments.interface,
        pilot=arguments.pilot,
        file=arguments.file,
        host=arguments.host,
        port=arguments.port,
        mac=arguments.mac,
        key=arguments.key,
        assumed_attenuation=arguments.assumed_attenuation,
        receive_attenuation=arguments.receive_attenuation,
        tls=arguments.tls,
        certificate=arguments.certificate,
        tls_version=arguments.tls_version,
        tls_only=arguments.tls_only,
        tls_verify=not arguments.no_tls_verify,
        keylog=arguments.keylog,
        disclose=arguments.disclose,
        journal=arguments.journal,
    )


@dataclass(frozen=True, slots=True)
class _Cell:
    """A piece to run: its name in errors, and its source."""

    name: str
    source: str
    ipython: bool = False
    """Whether IPython runs it: Python, a magic or a shell command."""
    shown: bool = True
    """Whether its values are shown, as a notebook does."""


def _cells(path: Path) -> Iterator[_Cell]:
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}") from error
    if path.suffix == ".ipynb":
        for number, source in enumerate(_notebook(path, text), 1):
            yield from _pieces(f"In[{number}]", source)
    elif percent.is_notebook(text):
        for cell in percent.read(text):
            yield from _pieces(path.name, cell.source, cell.line - 1)
    else:
        yield _Cell(path.name, text, shown=False)


def _notebook(path: Path, text: str) -> list[str]:
    """The code cells of a notebook."""
    try:
        found = [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        return [source if isinstance(source, str) else "".join(source) for source in found]
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is no notebook: {error}") from error


def _pieces(name: str, source: str, line: int = 0) -> Iterator[_Cell]:
    """A cell of a notebook, of which so many lines stand in front of it in the same file."""
    cell = split(source)
    if cell.python.strip() or cell.magic.strip():
        # IPython's errors count from the cell's own first line.
        yield _Cell(f"{name}:{line + 1}" if line else name, cell.python or cell.magic, ipython=True)
    if cell.lua.strip():
        yield _Cell(name, "\n" * line + cell.lua)


@dataclass(eq=False)
class _Run:
    """A run of a script: what it works with, and what came of it."""

    script: Path
    verbose: bool = False
    error: str = ""
    bench: Bench = field(init=False)
    verdicts: Verdicts = field(init=False)
    lines: list[str] = field(default_factory=list)
    _output: Output = field(default_factory=Output)
    _shell: Any = None
    _start: float | None = None
    _ended: Ended | None = None
    _unsubscribe: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.verdicts = Verdicts(self._output.now)
        self.bench = Bench(on_open=self._opened)
        self._engine = LuaEngine(stdout=self._output)
        # What notebooks have and a terminal can show: each value, and again each that takes its place.
        self._engine.define("display", display_function(lambda value, id_, update: self._output.now(repr(value))))
        self._engine.define("clear", lambda wait=None: None)
        install(self._engine, self.bench)
        self._engine.look_in(self.script.parent)

    def open(self, options: Options) -> None:
        """Open a real link at once: the other side may be looking for it already."""
        self.bench.options = options
        try:
            if options.journal:
                self.bench.new_journal(options)
            if options.link != "sim":
                self.bench.open(options)
        except (LuaUserError, JournalError) as error:
            raise CommandError(str(error)) from error

    def _opened(self, session: LiveSession) -> None:
        self._unsubscribe()
        if session.link.real:
            what = "listening on" if session.side == "SECC" else "looking for"
            if session.refusal:
                what = "listening, without sending anything, to"
            self._output.now(f"{what} {session.link.place}")
        # A vehicle that was looking already may have come before this is called.
        self._unsubscribe = session.journal.subscribe(lambda entry: self._note(entry, session), session.begins)

    def _note(self, entry: Entry, session: LiveSession) -> None:
        self.verdicts.add(entry)
        if isinstance(entry, FrameEntry) and entry.layer == "v2gtp":
            if self._start is None and session.link.real:
                self._start = entry.time
            self.lines.append(_line(entry, (self._start or 0.0) if session.link.real else 0.0))
            if session.link.real or self.verbose:
                self._output.later(self.lines[-1])
        elif session.link.real and (said := told(entry)) is not None:
            start = entry.time if self._start is None else self._start
            if not (isinstance(entry, FindingEntry) and entry.rule == WAITS):  # of now; what is recorded may be older
                self._start = start
            self._output.later(f"{entry.time - start:10.3f}  {said}")

    def play(self, cells: list[_Cell]) -> None:
        """Run the cells until one fails."""
        for cell in cells:
            try:
                with self.bench.script():
                    self._play(cell)
            except LuaExit as end:
                if end.code:
                    self.error = str(end)
                    print(self.error, file=sys.stderr)
                return
            except LuaInterrupted:
                raise KeyboardInterrupt from None
            except LuaError as error:
                self.error = error.message
                print("\n".join(error.render(color=sys.stderr.isatty())), file=sys.stderr)
                return
            if self.error:
                return

    def _play(self, cell: _Cell) -> None:
        if not cell.ipython:
            result = self._lua(cell.source, cell.name, cell.shown)
            if result is not None:
                self._output.now(repr(result))
            return
        shell = self._ipython()
        try:
            result = shell.play(cell.source, lambda source: self._lua(source, cell.name))
        except LuaUserError as refused:
            raise LuaError(f"{cell.name}: {refused}") from None
        if shell.ended is not None:
            raise shell.ended
        if not result.success:
            problem = result.error_before_exec or result.error_in_exec
            self.error = f"{cell.name}: {type(problem).__name__}: {problem}"

    def _lua(self, source: str, name: str, shown: bool = True) -> Any:
        """Run Lua; gives what is shown of it, if anything is."""
        values = self._engine.run(source, name)
        return displayed(values) if shown else None

    def _ipython(self) -> Any:
        """The shell of what is not Lua; made for the first such cell."""
        if self._shell is None:
            os.environ.setdefault("MPLBACKEND", "Agg")
            from secc_kernel.commands._ipython import Shell

            self._shell = Shell.instance()
            self._shell.attach(self._engine, self.bench)
        return self._shell

    def finish(self) -> None:
        """Let a real peer come to the end of its session, unless something went wrong."""
        session = self.bench.session
        if session is None or self.error or not session.link.real or session.refusal or not session.autopilot:
            return
        if session.party.connection is None:
            return
        self._output.now("the script has ended; the autopilot goes on to the end of the session")
        self.bench.breakpoints.clear()
        try:
            session.run_to_end().result()
        except SessionError as error:
            print(error, file=sys.stderr)

    def close(self) -> None:
        """Close the session, and keep how it ended before."""
        if self.bench.session is not None:
            self._ended = self.bench.session.party.ended
        self.bench.close()

    def conclude(self) -> int:
        """Say what came of it; the exit status."""
        self.verdicts.end()
        verdicts = self.verdicts.found
        failures = sum(map(failed, verdicts))
        said = f"{len(verdicts) - failures} passed, {failures} failed" if verdicts else "no verdicts"
        if self.error:
            said += ", 1 error"
        if self._ended is not None:
            said += f"; the session ended ({self._ended.how}): {self._ended.reason}"
        self._output.now(said)
        self._output.end()
        return FAILED if failures or self.error else 0


def _line(entry: FrameEntry, start: float) -> str:
    """A message in a line: when, which way, what, and the response code."""
    arrow = "->" if entry.sender == "EVCC" else "<-"
    message = entry.message
    if message is None:
        return f"{entry.time - start:10.3f}  EVCC {arrow} SECC  undecodable: {entry.error}"
    code = getattr(message.body, "ResponseCode", None)
    return f"{entry.time - start:10.3f}  EVCC {arrow} SECC  {message.name}{f' {code}' if code is not None else ''}"


def _new_report(path: Path) -> BinaryIO:
    """The report's file, emptied before the script begins: one of an earlier run must not stand for this one."""
    try:
        return path.open("wb")
    except OSError as error:
        raise CommandError(f"the report {path} cannot be written: {error.strerror or error}") from error


def _write_report(file: BinaryIO, run: _Run) -> None:
    """The verdicts as JUnit XML: a test case each, and one for the script itself."""
    from xml.etree import ElementTree as ET

    verdicts = run.verdicts.found
    suite = ET.Element(
        "testsuite",
        name=run.script.name,
        tests=str(len(verdicts) + 1),
        failures=str(sum(map(failed, verdicts))),
        errors=str(int(bool(run.error))),
        skipped="0",
        timestamp=datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    for verdict in verdicts:
        case = ET.SubElement(suite, "testcase", classname=run.script.stem, name=_for_xml(verdict.subject) or "check")
        if failed(verdict):
            where = f"{verdict.place}, " if verdict.place else ""
            ET.SubElement(case, "failure", message=_for_xml(verdict.text)).text = f"{where}at {verdict.time:.3f} s"
    case = ET.SubElement(suite, "testcase", classname=run.script.stem, name="runs to its end")
    if run.error:
        ET.SubElement(case, "error", message=_for_xml(run.error))
    ET.SubElement(suite, "system-out").text = _for_xml("\n".join(run.lines))
    ET.indent(suite)
    ET.ElementTree(suite).write(file, encoding="utf-8", xml_declaration=True)


def _for_xml(words: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in words)
