"""Captures in Lua cells: what a script may name, and what it is told."""

import pytest
from packets import EXI, Connection, pcap_of
from tls_sessions import talk

from secc_kernel.kernel.captures import reader
from secc_kernel.lua import LuaUserError
from secc_kernel.wire.v2gtp import pack


@pytest.fixture
def read(tmp_path):
    made = talk(tmp_path, [("EV", pack(0x8001, EXI.sap_req))])
    tcp = Connection()
    packets = tcp.open() + [tcp.packet(who, "PA", data) for who, data in made.flights]
    (tmp_path / "charge.pcap").write_bytes(pcap_of(packets))
    (tmp_path / "keys.txt").write_bytes(made.keylog)
    (tmp_path / "story.txt").write_text("once upon a time")
    return reader(lambda name: tmp_path / name).function


def test_a_key_log_is_a_second_argument(read):
    assert len(read("charge.pcap").journal.frames) == 0
    assert read("charge.pcap", "keys.txt").journal.frames[0].name == "supportedAppProtocolReq"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("charge.pcap", 7), "the name of a file with TLS secrets"),
        ((7,), "the name of a pcap or pcapng file"),
        (("charge.pcap", "story.txt"), "read_capture: story.txt is no key log"),
        (("charge.pcap", "nowhere.txt"), "the key log nowhere.txt cannot be read"),
    ],
)
def test_what_it_cannot_read_is_named_as_the_script_names_it(read, arguments, text):
    with pytest.raises(LuaUserError, match=text):
        read(*arguments)
