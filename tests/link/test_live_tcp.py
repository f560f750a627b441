"""A live session on TCP: station and vehicle over the loopback interface, in real time."""

from __future__ import annotations

import signal
import socket
import threading
import time

import pytest

from secc_kernel import codec
from secc_kernel.link.live import LiveSession, SessionError
from secc_kernel.link.net import EPHEMERAL, LinkError
from secc_kernel.link.tcp import TcpStation, TcpVehicle
from secc_kernel.session.handshake import offer
from secc_kernel.session.secc import SECC
from secc_kernel.session.station import Station
from secc_kernel.vehicle import SimulatedEV
from secc_kernel.wire import sdp, v2gtp

WAIT = 20.0

QUICK = Station(authorization_time=0.0, parameter_time=0.0, isolation_time=0.0, voltage_rate=1e5, current_rate=1e5)


def no_pace(name, previous):
    return 0.0


@pytest.fixture
def station():
    with LiveSession(TcpStation(SECC(QUICK))) as made:
        yield made


def vehicle_at(station, **options):
    options = {"soc": 79.9999, "pace": no_pace, **options}
    return LiveSession(TcpVehicle(SimulatedEV(**options), host="::1", port=station.link.port), side="EVCC")


def has_ended(sock):
    sock.settimeout(WAIT)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def names(session):
    return [frame.name for frame in session.journal.frames]


def test_it_listens_on_a_dynamic_port(station):
    assert station.link.port in EPHEMERAL
    assert station.link.place == f"[::1]:{station.link.port}"
    assert station.party.port == station.link.port


def test_a_charge_from_both_ends(station):
    with vehicle_at(station) as vehicle:
        whole = vehicle.run_to_end()
        request = station.receive("SessionSetupReq").result(WAIT)
        assert bytes.fromhex("020000000001") == request.body.EVCCID
        station.send("SessionSetupRes", EVSEID="DE*ABC*E9").result(WAIT)
        assert station.run_to_end().result(WAIT).how == "terminated"
        assert whole.result(WAIT).how == "terminated"
        assert vehicle.arrived("SessionSetupRes").body.EVSEID == "DE*ABC*E9"
        assert names(station) == names(vehicle)
        assert [frame.data for frame in station.journal.frames] == [frame.data for frame in vehicle.journal.frames]
        assert abs(station.journal.frames[0].time - time.time()) < WAIT


def test_a_peer_is_served_while_nobody_waits(station):
    with vehicle_at(station, energy="AC") as vehicle:
        began = time.monotonic()
        response = vehicle.receive("SessionSetupRes")
        response.result(WAIT)
        # Held for half of V2G_SECC_Msg_Performance_Time (1.5 s) each: the handshake and the SessionSetup.
        assert 1.4 < time.monotonic() - began < 2.5
        assert not station.check_received("ServiceDiscoveryReq")


def test_while_a_script_runs_a_request_is_held_for_it(station):
    with vehicle_at(station, energy="AC") as vehicle:
        response = vehicle.receive("SessionSetupRes")
        with station.script():
            station.run_to("SessionSetupReq").result(WAIT)
            time.sleep(1.0)
            assert not response.done()
            station.send("SessionSetupRes").result(WAIT)
            response.result(WAIT)


def test_one_session_after_another_on_one_station(station):
    for _ in range(3):
        end = station.receive("SessionStopReq")
        with vehicle_at(station) as vehicle:
            vehicle.run_to_end()
            end.result(WAIT)
            assert station.run_to_end().result(WAIT).how == "terminated"
    assert names(station).count("SessionSetupReq") == 3


def test_a_wait_for_a_beginning_outlasts_a_vehicle_that_leaves(station):
    waiting = station.receive("SessionSetupReq")
    with socket.create_connection(("::1", station.link.port)):
        pass
    with vehicle_at(station) as vehicle:
        vehicle.receive("SessionSetupRes")
        assert waiting.result(WAIT).name == "SessionSetupReq"


def test_a_vehicle_that_disappears_ends_the_wait(station):
    waiting = station.receive("CurrentDemandReq")
    vehicle = vehicle_at(station)
    vehicle.receive("SessionSetupRes").result(WAIT)
    vehicle.close()
    with pytest.raises(SessionError, match=r"the EVCC closed the connection after SessionSetupRes"):
        waiting.result(WAIT)


def test_a_second_vehicle_from_elsewhere_is_refused_and_the_same_one_takes_over():
    with LiveSession(TcpStation(SECC(QUICK), host="::")) as station:
        first = socket.create_connection(("::1", station.link.port))
        other = socket.socket()
        other.connect(("127.0.0.1", station.link.port))
        assert has_ended(other)
        (finding,) = [finding for finding in station.journal.findings if finding.rule == "tcp.refused"]
        assert str(other.getsockname()[1]) in finding.text
        assert str(first.getsockname()[1]) in finding.text
        again = socket.create_connection(("::1", station.link.port))
        assert has_ended(first)
        (finding,) = [finding for finding in station.journal.findings if finding.rule == "tcp.superseded"]
        assert finding.severity == "warning"
        assert str(first.getsockname()[1]) in finding.text
        assert str(again.getsockname()[1]) in finding.text
        station.act(lambda party, now: party.connection.peer)
        for sock in (first, other, again):
            sock.close()


def test_a_peer_that_floods_requests_is_not_read_on(station):
    frame = v2gtp.pack(0x8001, codec.encode(codec.new("sap", "supportedAppProtocolReq", AppProtocol=offer(("iso2",)))))
    with station.script(), socket.create_connection(("::1", station.link.port)) as flood:
        flood.settimeout(1.0)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 1 << 28:  # 256 MiB: no buffer of the operating system is as large
                sent += flood.send(frame * 1000)
        assert 16 <= station.party.backlog < 16 + 4096 // len(frame) + 2
        assert len(station.journal.frames) == station.party.backlog
        # The station still does what it is asked to.
        answer = station.send("supportedAppProtocolRes").result(WAIT)
        assert answer.body.ResponseCode == "OK_SuccessfulNegotiation"
    # What was held back arrives when there is room again: nothing is lost in between.
    deadline = time.monotonic() + WAIT
    while len(station.journal.frames) < 40 and station.party.ended is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_sent_last_still_arrives_when_the_station_closes():
    station = LiveSession(TcpStation(SECC(QUICK)))
    with vehicle_at(station, energy="AC") as vehicle:
        response = vehicle.receive("SessionSetupRes")
        station.send("SessionSetupRes", EVSEID="DE*BYE*E1").result(WAIT)
        station.close()
        assert response.result(WAIT).body.EVSEID == "DE*BYE*E1"


def test_a_vehicle_without_a_station_says_so():
    with socket.socket(socket.AF_INET6) as free:
        free.bind(("::1", 0))
        port = free.getsockname()[1]
    link = TcpVehicle(SimulatedEV(), host="::1", port=port)
    with (
        LiveSession(link, side="EVCC") as vehicle,
        pytest.raises(SessionError, match=r"no connection to the station: \[::1\]:\d+: Connection refused"),
    ):
        vehicle.receive("SessionSetupRes").result(WAIT)


def test_what_is_to_be_encrypted_is_not_sent_in_the_clear(station):
    car = SimulatedEV(security=sdp.Security.TLS)
    link = TcpVehicle(car, host="::1", port=station.link.port)
    with LiveSession(link, side="EVCC") as vehicle, pytest.raises(SessionError, match="by TLS, which this vehicle"):
        vehicle.receive("SessionSetupRes").result(WAIT)
    assert not station.journal.frames


def test_cancelling_a_wait_leaves_the_link_alone(station):
    waiting = station.receive("SessionSetupReq")
    assert waiting.cancel()
    with vehicle_at(station) as vehicle:
        vehicle.receive("SessionSetupRes")
        assert station.receive("SessionSetupReq").result(WAIT).name == "SessionSetupReq"


def test_an_interrupt_of_who_waits_ends_the_wait_and_not_the_session(station):
    waiting = station.receive("SessionSetupReq")
    interrupt = threading.Timer(0.5, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        interrupt.start()
        waiting.result(WAIT)
    assert waiting.cancelled()
    with vehicle_at(station) as vehicle:
        vehicle.receive("SessionSetupRes")
        assert station.receive("SessionSetupReq").result(WAIT).name == "SessionSetupReq"


def test_nothing_is_left_running(station):
    with vehicle_at(station) as vehicle:
        vehicle.receive("SessionSetupRes")
        station.receive("SessionSetupReq").result(WAIT)
    station.close()
    deadline = time.monotonic() + WAIT
    while any("secc-kernel" in thread.name for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"interface": "nonesuch"}, "there is no network interface 'nonesuch'; this machine has "),
        ({"interface": "lo"}, "lo has no usable IPv6 link-local address: is the link up"),
        ({"host": "2001:db8::1"}, "this machine has no such address"),
        ({"host": "no such host"}, "is no address"),
    ],
)
def test_links_that_cannot_be_opened_say_what_to_do(options, text):
    with pytest.raises(LinkError) as caught:
        LiveSession(TcpStation(SECC(), **options))
    assert text in str(caught.value)


def test_a_port_in_use_is_named(station):
    port = station.link.port
    with pytest.raises(LinkError, match=rf"TCP port {port} of ::1 is in use: another station"):
        LiveSession(TcpStation(SECC(), port=port))


def test_a_vehicle_needs_to_know_where_to_look():
    with pytest.raises(LinkError, match="needs an interface"):
        TcpVehicle(SimulatedEV())


def test_the_other_side_of_a_real_link_is_not_ours(station):
    with pytest.raises(SessionError, match="the EVCC is not ours on this link"):
        station.receive("SessionSetupRes", role="EVCC")
