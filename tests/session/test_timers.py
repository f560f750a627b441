import pytest
from connection_pair import ConnectionPair

from secc_kernel.messages import vocabulary
from secc_kernel.session.station import Station
from secc_kernel.session.timers import LIMITS, Limit, Timers, limit, message_times

#: Tables 109 and 111 of ISO 15118-2, transcribed apart from the code: seconds.
EXPECTED = {
    "V2G_SECC_Sequence_Timeout": (60, "timeout", "SECC"),
    "V2G_EVCC_Sequence_Performance_Time": (40, "performance", "EVCC"),
    "V2G_EVCC_Ongoing_Timeout": (60, "timeout", "EVCC"),
    "V2G_SECC_Ongoing_Performance_Time": (55, "performance", "SECC"),
    "V2G_EVCC_CommunicationSetup_Timeout": (20, "timeout", "EVCC"),
    "V2G_SECC_CommunicationSetup_Performance_Time": (18, "performance", "SECC"),
    "V2G_EVCC_CableCheck_Timeout": (40, "timeout", "EVCC"),
    "V2G_SECC_CableCheck_Performance_Time": (38, "performance", "SECC"),
    "V2G_EVCC_PreCharge_Timeout": (7, "timeout", "EVCC"),
    "V2G_SECC_PreCharge_Performance_Time": (5, "performance", "SECC"),
}
SLOW = {"ServiceDetail", "PaymentDetails", "CertificateInstallation", "CertificateUpdate", "PowerDelivery"}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_named_time_is_the_standards(name):
    found = limit(name)
    assert (found.seconds, found.kind, found.side) == EXPECTED[name]
    assert found.clause
    assert found.meaning


def test_every_limit_is_kept_under_its_own_name():
    for entries in LIMITS.values():
        assert all(isinstance(entry, Limit) and entry.name == name for name, entry in entries.items())


def test_a_timer_that_the_standard_does_not_have_is_an_error():
    with pytest.raises(KeyError):
        limit("V2G_SECC_Msg_Timeout")


@pytest.mark.parametrize("schema", ["sap", "iso2"])
def test_every_request_and_response_has_its_times(schema):
    for name in vocabulary(schema).messages:
        found = message_times(schema, name)
        pair = name[:-3]
        expected = (5, 4.5) if pair in SLOW else (0.25, 0.025) if pair == "CurrentDemand" else (2, 1.5)
        assert found is not None
        assert (found.timeout, found.performance) == expected


def test_where_no_times_are_known_none_are_claimed():
    assert message_times("xmldsig", "Signature") is None


#: What begins otherwise: the plug, a connection, any response, an SDP request, the control pilot.
BEGUN_OTHERWISE = {
    "V2G_SECC_Sequence_Timeout",
    "V2G_EVCC_Sequence_Performance_Time",
    "V2G_EVCC_CommunicationSetup_Timeout",
    "V2G_SECC_CommunicationSetup_Performance_Time",
    "V2G_EVCC_ReadyToCharge_Timeout",
    "V2G_SECC_CPState_Detection_Timeout",
    "V2G_SECC_CPOscillator_Retain_Time",
    "CP_State_Change_Time",
    "SDP_Response_Timeout",
    "TCP_Close_Timeout",
}


@pytest.mark.parametrize("schema", LIMITS)
def test_every_other_time_begins_and_ends_with_messages_that_there_are(schema):
    elements = vocabulary(schema).elements
    for name, entry in LIMITS[schema].items():
        assert (entry.begins is None) is (name in BEGUN_OTHERWISE)
        for moment in (*entry.ends, *filter(None, (entry.begins,))):
            for message in moment.messages:
                assert message in elements
                declared = {field.name for field in vocabulary(schema).message_type(message).__fields__}
                assert not moment.element or moment.element in declared


@pytest.mark.parametrize("schema", LIMITS)
def test_both_sides_run_what_the_table_says(schema):
    """A whole charge with a station that takes its time: each time begins and ends, and none runs out."""
    slow = Station(authorization_time=1.0, parameter_time=1.0, isolation_time=1.0)
    pair = ConnectionPair(slow, soc=79.99, protocols=(schema,)).start().run()
    assert pair.ev.ended.how == "terminated"
    for name, entry in LIMITS[schema].items():
        if entry.begins is not None:
            told = [what for _, what in pair.timers(name)]
            assert told, name
            assert told == ["start", "stop"] * (len(told) // 2), name


def test_a_time_is_begun_by_the_first_message_only():
    pair = ConnectionPair(Station(isolation_time=5.0), soc=79.99, energy="DC").start().run()
    assert pair.names.count("CableCheckReq") > 10
    first, end = pair.frames("CableCheckReq")[0].time, pair.frames("CableCheckRes")[-1].time
    assert pair.timers("V2G_EVCC_CableCheck_Timeout") == [(first, "start"), (end, "stop")]


@pytest.fixture
def timers():
    record = []
    return Timers(lambda *entry: record.append(entry)), record


def test_a_timer_expires_when_its_deadline_is_reached_and_only_once(timers):
    running, record = timers
    running.start("a", 60.0, 1.0)
    assert running.next_deadline() == 61.0
    assert running.expire(60.999) is None
    assert running.expire(61.0) == ("a", 60.0)
    assert running.expire(61.0) is None
    assert running.next_deadline() is None
    assert record == [(1.0, "a", "start", 60.0), (61.0, "a", "expired", 60.0)]


def test_a_stopped_timer_does_not_expire_and_stopping_twice_is_nothing(timers):
    running, record = timers
    running.start("a", 2.0, 0.0)
    assert running.stop("a", 1.0)
    assert not running.stop("a", 1.5)
    assert running.expire(5.0) is None
    assert record == [(0.0, "a", "start", 2.0), (1.0, "a", "stop", 2.0)]


def test_starting_again_moves_the_deadline(timers):
    running, _ = timers
    running.start("a", 2.0, 0.0)
    running.start("a", 2.0, 1.0)
    assert running.expire(2.0) is None
    assert running.expire(3.0) == ("a", 2.0)


def test_what_a_timer_measures_may_have_begun_before(timers):
    running, record = timers
    running.start("a", 150.0, 10.0, since=2.0)
    assert running.next_deadline() == 152.0
    assert running.expire(152.0) == ("a", 150.0)
    assert record[0] == (10.0, "a", "start", 150.0)


def test_timers_expire_in_the_order_of_their_deadlines(timers):
    running, _ = timers
    running.start("late", 5.0, 0.0)
    running.start("early", 1.0, 0.0)
    assert running.expire(10.0) == ("early", 1.0)
    assert running.expire(10.0) == ("late", 5.0)


def test_stop_all_stops_each_in_the_order_of_starting(timers):
    running, record = timers
    running.start("b", 5.0, 0.0)
    running.start("a", 1.0, 0.0)
    running.stop_all(0.5)
    assert [entry[1] for entry in record if entry[2] == "stop"] == ["b", "a"]
    assert not running.running("a")
