"""scapy layers: recorded frames dissected and rebuilt to the byte, what tshark shows of them, and the whole stack."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Padding, Raw
from scapy.sendrecv import sniff
from scapy.sessions import TCPSession
from scapy.utils import rdpcap

from secc_kernel.link.scapy_layers import EXI, MME, V2GTP, SDPRequest, SDPResponse, packet_of
from secc_kernel.wire import homeplug
from secc_kernel.wire.homeplug.declare import MESSAGES, Listed
from secc_kernel.wire.homeplug.messages import CC_DISCOVER_LIST_CNF, CM_ATTEN_PROFILE_IND, CM_SLAC_PARM_REQ

KIA = "captures/everest/Kia_EV6_2023-04-25-kia-ev6-iso2.pcap"


@pytest.fixture(scope="module")
def recorded(shared):
    with gzip.open(shared / "vectors" / "homeplug.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


def frame_of(row):
    return bytes.fromhex(row["dst"] + row["src"] + "88e1" + row["payload_hex"])


def rebuilt(packet):
    """The bytes of a packet, made anew of its fields."""
    layer = packet
    while layer:
        layer.raw_packet_cache = None
        for field in layer.fields_desc:
            if field.islist and field.holds_packets:
                for item in layer.getfieldval(field.name):
                    item.raw_packet_cache = None
        layer = layer.payload
    return bytes(packet)


def test_every_recorded_message_comes_back_to_the_byte(recorded):
    assert len(recorded) > 400
    for row in recorded:
        packet = Ether(frame_of(row))
        assert MME in packet, row["payload_hex"]
        assert rebuilt(packet) == frame_of(row)


def test_every_declared_message_is_a_packet_and_not_bytes(recorded):
    seen = set()
    for row in recorded:
        packet, frame = Ether(frame_of(row)), homeplug.Frame.parse(frame_of(row))
        if isinstance(frame.message, homeplug.Unknown):
            assert Raw in packet or not packet[MME].payload or Padding in packet
            continue
        inside = packet[packet_of(type(frame.message))]
        seen.add(type(frame.message))
        for name, form, _ in homeplug.fields(type(frame.message)):
            if not isinstance(form, Listed):
                value = inside.getfieldval(name)
                wanted = getattr(frame.message, name)
                shown = value.replace(":", "") if isinstance(value, str) else value
                assert shown in (wanted, wanted.hex() if isinstance(wanted, bytes) else wanted), (
                    row["payload_hex"],
                    name,
                )
    assert len(seen) > 25


#: tshark's name of a field -> the scapy field: a sample over all kinds of fields.
SHOWN = {
    "homeplug_av.gp.cm_slac_parm.runid": "RunID",
    "homeplug_av.gp.cm_slac_parm.sound_count": "NumSounds",
    "homeplug_av.gp.cm_atten_char.source_mac": "SourceAddress",
    "homeplug_av.gp.cm_atten_char.groups_count": "NumGroups",
    "homeplug_av.gp.cm_slac_match.nid": "NID",
    "homeplug_av.gp.cm_slac_match.length": "MVFLength",
}


@pytest.mark.tshark
def test_fields_are_what_tshark_shows(shared):
    fields = [option for name in ("frame.number", *SHOWN) for option in ("-e", name)]
    lines = subprocess.run(
        ["tshark", "-r", shared / KIA, "-Y", "homeplug-av", "-T", "fields", *fields],
        capture_output=True, text=True, check=False,  # of a file that was cut it says so with its exit status
    ).stdout.splitlines()  # fmt: skip
    packets, compared = rdpcap(str(shared / KIA)), 0
    for line in lines:
        number, *values = line.split("\t")
        inside = packets[int(number) - 1][MME].payload
        for name, value in zip(SHOWN.values(), values, strict=False):
            if value:
                held = inside.getfieldval(name)
                same = int(value, 0) if isinstance(held, int) else value.replace(":", "").removeprefix("0x")
                assert same == (
                    held.hex()
                    if isinstance(held, bytes)
                    else str(held).replace(":", "")
                    if isinstance(held, str)
                    else held
                )
                compared += 1
    assert compared >= 9


def test_a_capture_shows_the_whole_stack(shared):
    packets = rdpcap(str(shared / KIA))
    text = "\n".join(packet.summary() for packet in packets)
    for what in (
        "MME / CM_SLAC_PARM_REQ",
        "V2GTP / SDPRequest",
        "V2GTP / SDPResponse",
        "V2GTP / SessionSetupReq (iso2)",
    ):
        assert what in text
    setup = next(packet for packet in packets if EXI in packet and packet[EXI].message.name == "SessionSetupReq")
    assert "EVCCID>04E77E00F398" in setup.show(dump=True)
    assert bytes.fromhex("04E77E00F398") == setup[EXI].message.body.EVCCID
    messages = [packet for packet in packets if EXI in packet]
    assert all(packet[EXI].message is not None for packet in messages)
    assert len(messages) == 3134
    assert messages[1].answers(messages[0])
    assert not messages[2].answers(messages[0])


def test_recorded_sdp_datagrams(shared):
    for line in (shared / "vectors" / "sdp.jsonl").read_text().splitlines():
        row = json.loads(line)
        data = bytes.fromhex(row["hex"])
        packet = UDP(bytes(UDP(sport=50000, dport=15118) / data))
        assert rebuilt(packet[V2GTP]) == data
        said = packet[SDPResponse if SDPResponse in packet else SDPRequest]
        assert said.Security == row["expected"]["security"]
        if SDPResponse in packet:
            assert (said.IPAddress, said.Port) == (row["expected"]["ip"], row["expected"]["port"])


def test_packets_are_built():
    run = bytes(range(8))
    built = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01") / MME() / packet_of(CM_SLAC_PARM_REQ)(RunID=run)
    frame = homeplug.Frame.parse(bytes(built))
    assert (frame.message, frame.version) == (CM_SLAC_PARM_REQ(RunID=run), 1)
    profile = homeplug.Frame.parse(
        bytes(Ether(type=0x88E1) / MME() / packet_of(CM_ATTEN_PROFILE_IND)(AAG=b"\x14" * 58))
    )
    assert (profile.message.NumGroups, profile.message.AAG) == (58, b"\x14" * 58)
    request = SDPRequest(Security="NoTransportLayerSecurity")
    assert bytes(V2GTP(payload_type="SDPRequest") / request).hex() == "01fe9000000000021000"


def test_lists_of_records_and_their_counts():
    station = packet_of(homeplug.declare.fields(CC_DISCOVER_LIST_CNF)[1].form.of)
    made = packet_of(CC_DISCOVER_LIST_CNF)(Stations=[station(TEI=1), station(TEI=2)])
    read = homeplug.Frame.parse(bytes(Ether(type=0x88E1) / MME() / made)).message
    assert [each.TEI for each in read.Stations] == [1, 2]
    assert read.NumNetworks == 0


def test_every_declared_message_can_be_built_empty():
    for kinds in MESSAGES.values():
        for kind in kinds:
            made = bytes(Ether(type=0x88E1) / MME(MMV=kind.VERSIONS[0]) / packet_of(kind)())
            assert (
                homeplug.Frame.parse(made).message
                == homeplug.Frame.parse_payload(
                    homeplug.Frame(bytes(6), bytes(6), kind(), kind.VERSIONS[0]).payload()
                ).message
            )


def test_a_message_in_several_segments_and_several_in_one(tmp_path, connection, exi, pcap):
    from secc_kernel.wire.v2gtp import pack

    car = connection(isn=1000)  # scapy's sessions know no numbers that begin anew
    whole = pack(0x8001, exi.setup_req)
    packets = [*car.open(), car.message("EV", exi.sap_req), car.message("SECC", exi.sap_res)]
    packets += [car.packet("EV", "PA", whole[:11]), car.packet("EV", "PA", whole[11:] + whole)]
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap(packets))
    found = "".join(packet.summary() for packet in sniff(offline=str(path), session=TCPSession))
    assert found.count("supportedAppProtocolReq (sap)") == found.count("supportedAppProtocolRes (sap)") == 1
    assert found.count("/ V2GTP") == 4
    assert found.endswith("SessionSetupReq (iso2)")
    alone = [packet for packet in rdpcap(str(path)) if V2GTP in packet]
    assert Raw in alone[2]


def test_what_is_no_v2g_is_left_to_scapy():
    web = Ether(bytes(Ether(type=0x86DD) / IPv6() / TCP(sport=50000, dport=8000) / b"GET / HTTP/1.1\r\n"))
    assert V2GTP not in web
    assert bytes(web[TCP].payload) == b"GET / HTTP/1.1\r\n"
    undecodable = V2GTP(bytes(V2GTP() / b"\xff\xff"))
    assert undecodable[EXI].message is None
    assert "ffff" in undecodable.show(dump=True)


def test_nothing_but_this_module_imports_scapy():
    code = (
        "import sys; import secc_kernel, secc_kernel.link.live, secc_kernel.link.capture, secc_kernel.commands.decode;"
        "sys.exit('scapy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
