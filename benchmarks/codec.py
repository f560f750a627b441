"""The codec's speed, beside others measured in the same run: `make bench`.

Medians in microseconds for messages as a session has them, and for each vocabulary the median over all its recorded
messages, each kind counted as often as cars and chargers have sent it. Ours: EXI to objects and back (`codec.decode`,
`codec.encode`), with the extension and without where it is installed; event by event, as odd messages are read; to and
from XML text. The peers come with PyPI's iso15118, if its environment (.venv-peer, as .ci/run makes it) and Java are
there: EXIficient in one warm JVM, to and from XML text, and the same codec as that package calls it, over py4j (for
fewer messages: it takes its time). No recorded session of ISO 15118-20 is in the clear, so its messages are the
reference vectors'. Nothing here passes or fails.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from secc_kernel import codec
from secc_kernel.exi.reader import Reader
from secc_kernel.exi.writer import Writer
from secc_kernel.messages import vocabulary

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SECC_KERNEL_SHARED", ROOT.parent / "shared"))
PEER = Path(os.environ.get("SECC_KERNEL_PEER_PYTHON", ROOT / ".venv-peer" / "bin" / "python"))
MAIN_SCHEMA = {
    "sap": "V2G_CI_AppProtocol.xsd",
    "din": "din_spec/V2G_CI_MsgDef.xsd",
    "iso2": "iso15118_2/V2G_CI_MsgDef.xsd",
    "iso20_common": "iso15118_20/V2G_CI_CommonMessages.xsd",
    "iso20_ac": "iso15118_20/V2G_CI_AC.xsd",
    "iso20_dc": "iso15118_20/V2G_CI_DC.xsd",
    "iso20_wpt": "iso15118_20/V2G_CI_WPT.xsd",
    "iso20_acdp": "iso15118_20/V2G_CI_ACDP.xsd",
}
NAMESPACE = {
    "sap": "urn:iso:15118:2:2010:AppProtocol",
    "din": "urn:din:70121:2012:MsgDef",
    "iso2": "urn:iso:15118:2:2013:MsgDef",
    "iso20_common": "urn:iso:std:iso:15118:-20:CommonMessages",
    "iso20_dc": "urn:iso:std:iso:15118:-20:DC",
}
SHOWN = (
    ("sap", "supportedAppProtocolReq"),
    ("iso2", "SessionSetupRes"),
    ("iso2", "ServiceDiscoveryRes"),
    ("iso2", "ChargeParameterDiscoveryRes"),
    ("iso2", "CurrentDemandReq"),
    ("iso2", "CurrentDemandRes"),
    ("iso2", "ChargingStatusRes"),
    ("din", "ChargeParameterDiscoveryRes"),
    ("din", "CurrentDemandReq"),
    ("din", "CurrentDemandRes"),
    ("iso20_common", "AuthorizationRes"),
    ("iso20_dc", "DC_ChargeLoopRes"),
)
RUNS = 2000

Kind = tuple[str, str]
#: A message of each kind, and how many there are of it.
Messages = dict[Kind, tuple[bytes, int]]


def median(call: Callable[[], object], runs: int = RUNS) -> float:
    """Microseconds of a call, after a warm-up."""
    for _ in range(20):
        call()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e6


def recorded() -> Messages:
    """The median in length of each kind of message out of recorded sessions; for ISO 15118-20 of the vectors."""
    found: dict[Kind, list[bytes]] = {}
    for path in sorted((SHARED / "captures").rglob("expected.jsonl.gz")):
        with gzip.open(path, "rt") as lines:
            for row in map(json.loads, lines):
                if row["schema"] in MAIN_SCHEMA and row["message"]:
                    found.setdefault((row["schema"], row["message"]), []).append(bytes.fromhex(row["exi"]))
    with (SHARED / "vectors" / "exi_vectors.jsonl").open() as lines:
        for row in map(json.loads, lines):
            if row["schema"].startswith("iso20") and not row.get("fragment"):
                found.setdefault((row["schema"], row["message"]), []).append(bytes.fromhex(row["exi"]))
    return {kind: (sorted(exis, key=len)[len(exis) // 2], len(exis)) for kind, exis in found.items()}


def simulated() -> Messages:
    """One message of each kind out of simulated sessions, for a machine without recorded ones."""
    from secc_kernel.link.live import LiveSession
    from secc_kernel.link.sim import SimLink
    from secc_kernel.session.secc import SECC
    from secc_kernel.vehicle import SimulatedEV

    found: Messages = {}
    for protocol, energy in (("iso2", "DC"), ("iso2", "AC"), ("din", "DC")):
        station = SECC(protocols=(protocol,))
        vehicle = SimulatedEV(
            energy=energy, soc=78.0, journal=station.journal, records_frames=False, protocols=(protocol,)
        )
        with LiveSession(SimLink(station, vehicle)) as session:
            session.plug()
            session.run_to_end().result()
        for frame in session.journal.frames:
            kind = (frame.schema or "", frame.name or "")
            found[kind] = (frame.data, found.get(kind, (b"", 0))[1] + 1)
    return found


def peer_package() -> Path | None:
    """The folder of the peer's codec and schemas; None where something is missing, which is said."""
    if not shutil.which("java") or not shutil.which("javac"):
        print("peers: not measured (no JDK)")
        return None
    if not PEER.exists():
        print(f"peers: not measured (no {PEER}; .ci/run makes it)")
        return None
    code = "import iso15118.shared, pathlib; print(pathlib.Path(iso15118.shared.__file__).parent)"
    return Path(subprocess.run([PEER, "-c", code], capture_output=True, text=True, check=True).stdout.strip())


def warm_jvm(package: Path, messages: dict[Kind, bytes]) -> dict[Kind, tuple[float, float]]:
    """Decode and encode medians of EXIficient in one JVM per vocabulary."""
    found: dict[Kind, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        schemas = Path(folder) / "schemas"
        shutil.copytree(package / "schemas", schemas)
        signature = re.sub(r"<!DOCTYPE.*?\]>", "", (schemas / "xmldsig-core-schema.xsd").read_text(), flags=re.DOTALL)
        for place in (schemas, *(schemas / folder for folder in ("din_spec", "iso15118_2", "iso15118_20"))):
            (place / "xmldsig-core-schema.xsd").write_text(signature)
        jar = package / "EXICodec.jar"
        source = Path(__file__).with_name("WarmCodec.java")
        subprocess.run(["javac", "-nowarn", "-cp", jar, "-d", folder, source], check=True)
        for schema, main in MAIN_SCHEMA.items():
            kinds = [kind for kind in messages if kind[0] == schema]
            answers = subprocess.run(
                ["java", "-cp", f"{jar}{os.pathsep}{folder}", "WarmCodec", schemas / main],
                input="".join(messages[kind].hex() + "\n" for kind in kinds),
                capture_output=True,
                text=True,
                check=True,
            ).stdout.splitlines()
            for kind, answer in zip(kinds, answers, strict=True):
                if not answer.startswith("ERR"):
                    decode, encode = map(float, answer.split())
                    found[kind] = decode, encode
    return found


PY4J = """
import json, statistics, sys, time
from iso15118.shared.exificient_exi_codec import ExificientEXICodec
engine = ExificientEXICodec()
def median(call):
    taken = []
    for _ in range(60):
        start = time.perf_counter(); call(); taken.append(time.perf_counter() - start)
    return statistics.median(taken[20:]) * 1e6
for line in sys.stdin:
    namespace, text = line.split()
    exi = bytes.fromhex(text)
    try:
        document = engine.decode(exi, namespace)
        decode = median(lambda: engine.decode(exi, namespace))
        print(decode, median(lambda: engine.encode(document, namespace)), flush=True)
    except Exception as error:
        print("ERR", error, flush=True)
"""


def over_py4j(messages: dict[Kind, bytes]) -> dict[Kind, tuple[float, float]]:
    """Decode and encode medians of the same codec as the peer package calls it."""
    lines = "".join(f"{NAMESPACE[schema]} {exi.hex()}\n" for (schema, _), exi in messages.items())
    result = subprocess.run([PEER, "-c", PY4J], input=lines, capture_output=True, text=True, check=False)
    found: dict[Kind, tuple[float, float]] = {}
    for kind, answer in zip(messages, result.stdout.splitlines(), strict=False):
        if not answer.startswith("ERR"):
            decode, encode = map(float, answer.split())
            found[kind] = decode, encode
    return found


def in_python(messages: dict[Kind, bytes]) -> dict[Kind, tuple[float, float]]:
    """Our decode and encode medians without the extension; none where it is not installed, as these are then ours."""
    if not codec.compiled:
        return {}
    lines = "".join(f"{schema} {exi.hex()}\n" for (schema, _), exi in messages.items())
    answers = subprocess.run(
        [sys.executable, __file__, "--lines"],
        input=lines,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"SECC_KERNEL_PURE": "1"},
    ).stdout.splitlines()
    return {kind: (float(a.split()[0]), float(a.split()[1])) for kind, a in zip(messages, answers, strict=True)}


def ours(exi: bytes, schema: str) -> tuple[float, float]:
    """Decode and encode medians of a message."""
    message = codec.decode(exi, schema)
    return median(lambda: codec.decode(exi, schema)), median(lambda: codec.encode(message))


def carefully(exi: bytes, schema: str) -> tuple[float, float]:
    """The same without compiled grammars: what an odd message takes, which the careful reader starts over."""
    grammars = vocabulary(schema).codec.grammars
    found = Reader(grammars, exi).document()
    return (
        median(lambda: Reader(grammars, exi).document(), runs=200),
        median(lambda: Writer(grammars).document(found.element, found.value), runs=200),
    )


def rows(messages: dict[Kind, bytes], package: Path | None) -> Iterator[tuple[str, ...]]:
    """The table: ours, the peers', and how many times longer these take."""
    python = in_python(messages)
    jvm = warm_jvm(package, messages) if package else {}
    py4j = over_py4j(messages) if package else {}
    for kind, exi in messages.items():
        schema, name = kind
        message = codec.decode(exi, schema)
        text = message.to_xml()
        decode, encode = ours(exi, schema)
        to_xml = median(lambda exi=exi, schema=schema: codec.decode(exi, schema).to_xml())
        from_xml = median(lambda text=text, schema=schema: codec.encode(codec.from_xml(text, schema)), runs=300)
        yield (
            f"{schema} {name}",
            str(len(exi)),
            f"{decode:.1f} / {encode:.1f}",
            *([f"{python[kind][0]:.1f} / {python[kind][1]:.1f}"] if python else []),
            "{:.0f} / {:.0f}".format(*carefully(exi, schema)),
            f"{to_xml:.1f} / {from_xml:.1f}",
            beside(jvm.get(kind), decode, encode),
            beside(py4j.get(kind), decode, encode),
        )


def beside(peer: tuple[float, float] | None, decode: float, encode: float) -> str:
    """A peer's figures, and their ratio to ours."""
    if peer is None:
        return "-"
    return f"{peer[0]:.0f} / {peer[1]:.0f} ({peer[0] / decode:.0f}x / {peer[1] / encode:.0f}x)"


def start_up() -> str:
    """Importing the codec and decoding one message in a fresh interpreter, milliseconds."""
    code = (
        "import time; t = time.perf_counter(); from secc_kernel import codec; "
        "codec.decode(bytes.fromhex('809802306986f7ab7e919551e0a0452d48a9510cc4a9254d3cc4a8c0c0c480'), 'iso2'); "
        "print((time.perf_counter() - t) * 1e3)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    taken = []
    for _ in range(6):
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
        )
        taken.append(float(run.stdout))
    return f"import of the codec and the first message: {statistics.median(taken[1:]):.0f} ms"


def by_vocabulary(found: Messages, package: Path | None) -> Iterator[tuple[str, ...]]:
    """A line a vocabulary: the median message of all that were recorded, and of the same ones in the warm JVM."""
    messages = {kind: exi for kind, (exi, _) in found.items()}
    jvm = warm_jvm(package, messages) if package else {}
    figures = {kind: (median(lambda k=kind: codec.decode(messages[k], k[0]), 300), 0.0) for kind in messages}
    for kind, exi in messages.items():
        message = codec.decode(exi, kind[0])
        figures[kind] = figures[kind][0], median(lambda message=message: codec.encode(message), 300)
    for schema in MAIN_SCHEMA:
        kinds = [kind for kind in found if kind[0] == schema]
        if not kinds:
            continue
        decode, encode = (weighted([(figures[kind][way], found[kind][1]) for kind in kinds]) for way in (0, 1))
        known = [kind for kind in kinds if kind in jvm]
        peer = (
            (weighted([(jvm[k][0], found[k][1]) for k in known]), weighted([(jvm[k][1], found[k][1]) for k in known]))
            if known
            else None
        )
        total = sum(found[kind][1] for kind in kinds)
        yield schema, str(total), str(len(kinds)), f"{decode:.1f} / {encode:.1f}", beside(peer, decode, encode)


def weighted(figures: list[tuple[float, int]]) -> float:
    """The median of figures, each counted a number of times."""
    half = sum(count for _, count in figures) / 2
    for figure, count in sorted(figures):
        half -= count
        if half <= 0:
            return figure
    raise ValueError("no figures")


def show(table: list[tuple[str, ...]]) -> None:
    """Print a table, columns aligned."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def main() -> None:
    """Measure and print."""
    real = (SHARED / "captures").is_dir()
    found = recorded() if real else simulated()
    messages = {kind: found[kind][0] for kind in SHOWN if kind in found}
    package = peer_package()
    print(f"messages of {'recorded cars' if real else 'the simulated EV'}; medians in µs, decode / encode")
    loops = ("objects, loops in C", "in Python") if codec.compiled else ("objects",)
    head = (
        "message",
        "bytes",
        *loops,
        "event by event",
        "XML text",
        "EXIficient, warm JVM, XML",
        "the same over py4j, JSON",
    )
    show([head, *rows(messages, package)])
    print()
    head = ("vocabulary", "messages", "kinds", "objects", "EXIficient, warm JVM, XML")
    show([head, *by_vocabulary(found, package)])
    print()
    print(start_up())


if __name__ == "__main__":
    if sys.argv[1:] == ["--lines"]:  # what in_python asks for
        for line in sys.stdin:
            print(*ours(bytes.fromhex(line.split()[1]), line.split()[0]))
    else:
        main()
