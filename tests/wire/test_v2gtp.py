import pytest
from hypothesis import given
from hypothesis import strategies as st

from secc_kernel.wire import v2gtp
from secc_kernel.wire.v2gtp import Decoder, Frame, PayloadType, V2GTPError, find_header, pack, payload_name, unpack

frames_strategy = st.lists(
    st.builds(Frame, st.sampled_from(PayloadType).map(int), st.binary(max_size=60)), min_size=1, max_size=8
)

#: The seed's SessionSetupRes.
SESSION_SETUP_RES = bytes.fromhex("01fe80010000001f809802306986f7ab7e919551e0a0452d48a9510cc4a9254d3cc4a8c0c0c480")


def test_pack_and_unpack_a_known_frame():
    frame = unpack(SESSION_SETUP_RES)
    assert frame.payload_type == PayloadType.EXIEncodedV2GMessage
    assert len(frame.payload) == 0x1F
    assert pack(frame.payload_type, frame.payload) == SESSION_SETUP_RES


@given(frames_strategy, st.data())
def test_any_segmentation_gives_the_same_frames(frames, data):
    stream = b"".join(pack(frame.payload_type, frame.payload) for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    decoder = Decoder()
    got = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += decoder.receive_data(stream[start:end])
    assert got == frames
    assert decoder.buffered == 0
    assert decoder.missing == 0


def test_byte_by_byte_the_frame_comes_with_its_last_byte():
    decoder = Decoder()
    for position, byte in enumerate(SESSION_SETUP_RES[:-1]):
        assert decoder.receive_data(bytes((byte,))) == []
        assert decoder.buffered == position + 1
    assert decoder.missing == 1
    assert decoder.receive_data(SESSION_SETUP_RES[-1:]) == [unpack(SESSION_SETUP_RES)]


@pytest.mark.parametrize(
    ("header", "reason", "offset"),
    [
        ("02", "protocol version is 0x02", 0),
        ("0101", "inverse version is 0x01", 1),
        ("01fe700000000001", "payload type 0x7000 (Reserved)", 2),
        ("01fea00000000001", "payload type 0xA000 (ManufacturerSpecific)", 2),
        ("01fe8001ffffffff", "payload length is 4294967295 bytes", 4),
        ("160301", "TLS handshake", 0),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_damage_is_reported_where_it_is_and_as_soon_as_it_can_be_known(header, reason, offset, at_once):
    decoder = Decoder()
    good = pack(0x8001, b"\x80")
    data = good + bytes.fromhex(header)
    pieces = [data] if at_once else [data[i : i + 1] for i in range(len(data))]
    if not at_once and "TLS" in reason:
        reason = "protocol version is 0x16"  # the second byte, which tells TLS from noise, has not been seen
    got = []
    with pytest.raises(V2GTPError) as caught:
        for piece in pieces:
            got += decoder.receive_data(piece)
    assert reason in caught.value.reason
    assert caught.value.offset == len(good) + offset
    assert [*got, *caught.value.frames] == [Frame(0x8001, b"\x80")]
    assert caught.value.rest.hex() in header  # what was there when the damage was seen
    assert caught.value.rest
    assert decoder.buffered == 0


def test_a_damaged_stream_stays_damaged():
    decoder = Decoder()
    with pytest.raises(V2GTPError):
        decoder.receive_data(b"\x00")
    with pytest.raises(V2GTPError, match="at byte 0"):
        decoder.receive_data(SESSION_SETUP_RES)


def test_settings():
    assert Decoder(types=None).receive_data(pack(0xA001, b"x")) == [Frame(0xA001, b"x")]
    with pytest.raises(V2GTPError, match="more than the accepted 30"):
        Decoder(max_length=30).receive_data(SESSION_SETUP_RES)


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", "empty"),
        (SESSION_SETUP_RES[:5], "ends after 5 of 8"),
        (SESSION_SETUP_RES[:-1], "payload length is 31, but 30"),
        (SESSION_SETUP_RES + b"\0", "payload length is 31, but 32"),
        (b"\x02" + SESSION_SETUP_RES[1:], "version is 0x02"),
    ],
)
def test_datagrams_that_are_not_one_frame(datagram, reason):
    with pytest.raises(V2GTPError, match=reason):
        unpack(datagram)


def test_every_type_has_a_name():
    assert payload_name(0x8001) == "EXIEncodedV2GMessage"
    assert payload_name(0x8104) == "ParkingStatus"
    assert payload_name(0x9000) == "SDPRequest"
    assert payload_name(0xFFFF) == "ManufacturerSpecific"
    assert payload_name(0x0000) == "Reserved"


@given(st.binary(max_size=50).filter(lambda noise: b"\x01\xfe" not in noise))
def test_the_next_header_is_found_behind_noise(noise):
    assert find_header(noise + SESSION_SETUP_RES) == len(noise)


def test_no_header_is_found_in_noise_but_a_possible_beginning_is():
    assert find_header(b"abcdef") == -1
    assert find_header(b"\x01\xfe\x70\x00\x00\x00\x00\x00") == -1
    assert find_header(b"abc\x01") == 3
    assert find_header(b"abc\x01\xfe\x80") == 3
    assert find_header(b"\x01\xfe\x80\x01\xff\xff\xff\xff" + SESSION_SETUP_RES) == 8
    assert v2gtp.find_header(SESSION_SETUP_RES, 1) == -1
