"""Damaged and hostile input: nothing but a DecodeError, in bounded time and memory; and threads."""

import gc
import os
import random
import sys
import threading
import time
import tracemalloc

import pytest
from attempts import attempt
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, fragments, messages

from secc_kernel import codec
from secc_kernel.exi import facets
from secc_kernel.exi.codec import Codec
from secc_kernel.exi.reader import Reader
from secc_kernel.messages import SCHEMAS, vocabulary
from secc_kernel.messages.iso15118_2 import msg_data_types as types

of_every_vocabulary = pytest.mark.parametrize("key", SCHEMAS)


def survives(data, key, fragment=False):
    """Decode what may be damaged; whatever comes of it can be looked at, written or refused."""
    steps, stopped = vocabulary(key).codec.trace(data, fragment)
    position = 0
    for step in steps:
        assert step.offset >= position
        position = step.offset + step.length
    assert position <= 8 * len(data)
    engine = vocabulary(key).codec
    message, error = attempt(codec.decode, data, key, fragment)
    if (fast := engine.compiler.decode(data, fragment)) is not None:
        assert Reader(engine.grammars, data).document(fragment) == (*fast, []), "both read the same, or one gives up"
    if error is not None:
        assert 0 <= error.offset <= 8 * len(data)
        assert error.reason
        assert (stopped.offset, stopped.reason) == (error.offset, error.reason)
        return
    assert stopped is None
    assert position == 8 * len(data)
    thorough = list(facets._check(engine.grammars, message.element, message.value, message.element.name))
    assert list(facets.check(engine.grammars, message.element, message.value)) == thorough
    assert message.findings[: len(message._deviations)] == message._deviations
    assert repr(message)
    assert message.to_xml()
    _ = message.name, message.header, message.body, message.session_id
    exi, error = attempt(codec.encode, message)
    if error is None:
        assert codec.decode(exi, key, fragment) == message
    elif "does not declare" not in error.reason:  # wildcards admit what can be read and not written
        assert any(finding.rule.startswith("schema.") for finding in message.findings), error


@st.composite
def damaged(draw, message):
    """A message's stream with bits flipped, bytes removed, inserted or replaced."""
    data = bytearray(codec.encode(message))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["flip", "cut", "insert", "remove", "replace"]))
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        if kind == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del data[at:]
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=8))
        elif kind == "remove":
            del data[at : at + draw(st.integers(1, 4))]
        elif kind == "replace" and data:
            data[at] = draw(st.sampled_from([0x00, 0x7F, 0x80, 0xFF]))
    return bytes(data)


@of_every_vocabulary
def test_damaged_messages(key):
    @examples(25)
    @given(messages(key).flatmap(damaged))
    def check(data):
        survives(data, key)

    check()


@of_every_vocabulary
def test_damaged_fragments(key):
    @examples(15)
    @given(fragments(key).flatmap(damaged))
    def check(data):
        survives(data, key, fragment=True)

    check()


@of_every_vocabulary
def test_random_bytes(key):
    @examples(40)
    @given(st.binary(max_size=60), st.booleans())
    def check(data, fragment):
        survives(data, key, fragment)
        survives(b"\x80" + data, key, fragment)

    check()


@of_every_vocabulary
def test_every_cut_of_a_message_is_noticed(key):
    @examples(5)
    @given(messages(key))
    def check(message):
        exi = codec.encode(message)
        for length in range(len(exi)):
            with pytest.raises(codec.DecodeError):
                codec.decode(exi[:length], key)

    check()


def test_random_deviations_never_take_long():
    """Streams of second-level event codes: mostly ones, which lead away from the schema."""
    chance = random.Random(7)
    slowest = 0.0
    for _ in range(300):
        data = bytes([0x80]) + bytes(
            chance.getrandbits(8) | chance.getrandbits(8) for _ in range(chance.randrange(400))
        )
        taken, _ = elapsed(lambda d=data: survives(d, chance.choice(SCHEMAS), chance.random() < 0.3))
        slowest = max(slowest, taken)
    assert slowest < 2


@pytest.mark.parametrize("octets", [b"\xff" * 8 + b"\x0f", b"\xff\xff\xff\xff\x0f", b"\xff" * 5000])
def test_announced_lengths_allocate_nothing(octets):
    # SessionSetupRes up to the length of its EVSEID, and a session identifier of such a length.
    head = codec.encode(codec.new("iso2", "SessionSetupRes", ResponseCode="OK", EVSEID="ZZ00000"))
    streams = [head[:2] + octets + bytes(8), head[:13] + octets, b"\x80\x98\x00" + octets]
    tracemalloc.start()
    try:
        for data in streams:
            with pytest.raises(codec.DecodeError):
                codec.decode(data, "iso2")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def elapsed(function):
    """Seconds of this process alone, on a machine that others use too, and the result."""
    started = time.process_time()
    result = function()
    return time.process_time() - started, result


def schedule(entries):
    def amount(value, unit):
        return types.PhysicalValueType(Multiplier=0, Unit=unit, Value=value)

    steps = [
        types.PMaxScheduleEntryType(
            TimeInterval=types.RelativeTimeIntervalType(start=900 * n, duration=900), PMax=amount(n, "W")
        )
        for n in range(entries)
    ]
    schedules = types.SAScheduleListType(
        SAScheduleTuple=[
            types.SAScheduleTupleType(SAScheduleTupleID=1, PMaxSchedule=types.PMaxScheduleType(PMaxScheduleEntry=steps))
        ]
    )
    status = types.AC_EVSEStatusType(NotificationMaxDelay=0, EVSENotification="None", RCD=False)
    return codec.new(
        "iso2",
        "ChargeParameterDiscoveryRes",
        ResponseCode="OK",
        EVSEProcessing="Finished",
        SASchedules=schedules,
        EVSEChargeParameter=types.AC_EVSEChargeParameterType(
            AC_EVSEStatus=status, EVSENominalVoltage=amount(230, "V"), EVSEMaxCurrent=amount(16, "A")
        ),
    )


def test_time_grows_with_length_and_not_faster():
    """A thousand schedule entries cost a thousand times one, not a million times."""
    for entries in (8, 1024):
        message = schedule(entries)
        exi = codec.encode(message)
        assert codec.decode(exi, "iso2") == message
        write = min(elapsed(lambda m=message: codec.encode(m))[0] for _ in range(5))
        read = min(elapsed(lambda e=exi: codec.decode(e, "iso2"))[0] for _ in range(5))
        if entries == 8:
            one = max(write, read) / 8
    assert max(write, read) < 4 * 1024 * one + 0.01


@pytest.mark.parametrize("text", ["x", "é", "😀", "\0"])
def test_long_values(text):
    message = codec.new("iso2", "ServiceDiscoveryReq", ServiceScope=text * 60_000)
    taken, exi = elapsed(lambda: codec.encode(message))
    again, read = elapsed(lambda: codec.decode(exi, "iso2"))
    assert read == message
    assert taken + again < 0.5


def test_sixty_kilobytes_of_certificate():
    chain = types.CertificateChainType(Certificate=os.urandom(60_000))
    message = codec.new("iso2", "PaymentDetailsReq", eMAID="DE1AB2C3D4E5F6", ContractSignatureCertChain=chain)
    taken, exi = elapsed(lambda: codec.encode(message))
    again, read = elapsed(lambda: codec.decode(exi, "iso2"))
    assert read == message
    assert taken + again < 0.1


def of_many_names(children):
    """An undeclared element with so many differently named children, each of which its grammar learns."""
    parts = ["10000000", "10", "001", "00000010", "01111000"]  # an element outside of the handshake's: x
    for number in range(children):
        # After the first, so many events are known; the next number leads to the undeclared ones: an element, text.
        parts.append(f"{number:0{number.bit_length()}b}0" if number else "10")
        parts += ["001", "00000101", *(f"{byte:08b}" for byte in f"{number:04d}".encode())]
        parts.append("00")  # its end
    digits = "".join(parts)
    return int(digits + "0" * (-len(digits) % 8), 2).to_bytes((len(digits) + 7) // 8, "big")


def test_learned_grammars_stay_quick():
    times = []
    gc.disable()
    try:
        for children in (2000, 8000):
            data = of_many_names(children)
            steps, _ = vocabulary("sap").codec.trace(data)
            assert sum(step.event == "SE" for step in steps) >= children
            times.append(min(elapsed(lambda d=data: vocabulary("sap").codec.trace(d))[0] for _ in range(3)))
    finally:
        gc.enable()
    assert times[1] < 9 * times[0]


# -- threads ----------------------------------------------------------------------------------------------------------


def test_threads_may_compile_at_once():
    """The session's thread and the kernel's decode first messages at the same time, on a codec that nobody has used."""
    found = {}

    @examples(25)
    @given(messages("iso2"))
    def collect(message):
        found[codec.encode(message)] = message

    collect()
    streams = list(found.items())
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(3):
            _race(Codec(vocabulary("iso2").schema), streams)
    finally:
        sys.setswitchinterval(interval)


def _race(fresh, streams):
    start = threading.Barrier(6)
    wrong = []

    def work(number):
        chance = random.Random(number)
        start.wait()
        for exi, message in chance.sample(streams, len(streams)):
            try:
                read = fresh.decode(exi)
                if (read.value, fresh.encode(read.element, read.value)) != (message.value, exi):
                    wrong.append((number, exi))
                if not read.findings and fresh.compiler.decode(exi, False) is None:
                    wrong.append((number, "not compiled", exi))
            except Exception as error:
                wrong.append((number, error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    for name, source in fresh.compiler.sources.items():
        assert source.startswith(f"def {name}(")
        assert fresh.compiler._space[name].__name__ == name, "no stub stays"
