"""Recorded sessions of real cars, testers and stations: our judge hears what the stations said to them.

The cars went on. Where a judgement would have stopped one that went on, the judgement is too strict: that is what this
test is for. What is found all the same is listed, with the reason.
"""

import gzip
import json
from collections import Counter

import pytest

from secc_kernel import codec
from secc_kernel.session.physical import to_float
from secc_kernel.session.sequence import failed
from secc_kernel.vehicle.judge import Judge
from secc_kernel.vehicle.judgement import Reaction
from secc_kernel.vehicle.judgements import STALE

#: A charger that answers SessionSetup with plain OK.
ABB = {"session-code": 1}
#: pyPLC's station gives neither schedules nor an isolation status; three makers' cars went on to the pre-charge.
PYPLC = {"schedules": 1, "isolation.unsaid": 1}
PYPLC_WITH_SCHEDULE = {"isolation.unsaid": 1}
#: The car asked for a session that the station did not know, and took the new one.
ANEW = {"session-renewed": 1}

#: (file, stream) -> responses by the rule that finds something in them, where the vehicle does not react.
FOUND = {
    ("2022-11-25_v0.2_ABB_until_ChargeParamDiscovery.pcapng", 0): ABB,
    ("2023-04-24_atHome_Ioniq_without_and_with_60W_bulbs.pcapng", 1): PYPLC,
    ("2023-04-24_atHome_Ioniq_without_and_with_60W_bulbs.pcapng", 2): PYPLC,
    ("2023-05-24_pyPlc_with_Ioniq93prcSoc.pcapng", 0): PYPLC,
    ("2024-04-20_ModelY_pyPLC_stop_in_precharge.pcapng", 0): PYPLC_WITH_SCHEDULE,
    ("2024-06-18_Griffigroen_pyPLC_polestar2_discharging_with_additional_prechargeCircuit.pcapng", 0):
        PYPLC_WITH_SCHEDULE,
    # No power was left: the one stopped at once, the other asked three times more.
    ("everest/Hyundai_Ioniq5_iso15118-2-DC_2023-04-07-iso15118-charge.pcap", 0): {"current-limit.pause": 1},
    ("everest/Kia_EV6_2023-04-25-kia-ev6-dinspec.pcap", 0): {"current-limit.pause": 3},
    ("everest/Opel_Mokka-E_iso_15118-2_DC_2023-04-14-2_config-dc-iso2.pcap", 1): ANEW,
    ("everest/Opel_Mokka-E_iso_15118-2_DC_2023-04-14-9_config-josev-dc-iso2_failure.pcap", 0): ANEW,
}  # fmt: skip

#: (file, stream) -> how often a vehicle asked as before once it had been told to stop.
TOLD_TO_STOP = {
    # A tool that plays the vehicle and looks at no status: the recordings end while it asks.
    ("2022-12-13_compleo_with_bulb.pcapng", 0): 3,
    ("2023-04-19_westparkAlpi_pyPlc_lightbulb_1fail_1ok.pcapng", 8): 99,
    ("2024-06-18_Griffigroen_pyPLC_polestar2_discharging_with_additional_prechargeCircuit.pcapng", 0): 0,
    ("everest/BMW_iX_2024-02-27_2024-02-27-1_din_spec.pcap", 0): 0,
    ("everest/Mercedes-Benz_EQE_2023-04-18-1_config-dc-dinspec.pcap", 0): 1,
    ("everest/Opel_Mokka-E_din_spec_70121_2023-04-14-1_config-dc-dinspec.pcap", 0): 0,
    ("everest/Opel_Mokka-E_iso_15118-2_DC_2023-04-14-2_config-dc-iso2.pcap", 1): 0,
    ("everest/VW_id.4_din_spec_70121_2023-04-14-1_config-dc-dinspec.pcap", 0): 2,
    ("everest/VW_id.4_din_spec_70121_2023-04-14-8_config-josev-dc-dinspec.pcap", 0): 1,
    ("everest/VW_id.4_fw_3.5_2023-04-18-1_config-dc-dinspec.pcap", 0): 2,
    ("everest/VW_id.4_fw_3.5_2023-04-18-2_config-dc-iso2.pcap", 0): 2,
    ("everest/VW_id.4_iso_15118-2_DC_2023-04-14-2_config-dc-iso2.pcap", 0): 2,
    ("everest/VW_id.4_iso_15118-2_DC_2023-04-14-9_config-josev-dc-iso2.pcap", 0): 1,
}


def conversations(shared):
    """(file, stream) -> its messages in time, of all sessions of ISO 15118-2 and DIN SPEC 70121."""
    found = {}
    for folder in ("", "everest/", "dsv2gshark/"):
        with gzip.open(shared / "captures" / folder / "expected.jsonl.gz", "rt") as file:
            for row in map(json.loads, file):
                if row["schema"] in ("iso2", "din") and row["exi"]:
                    message = codec.decode(bytes.fromhex(row["exi"]), row["schema"])
                    found.setdefault((folder + row["file"], row["stream"]), []).append((row["t"], message))
    return found


def heard(messages):
    """What a judge says: the verdicts on each response, and after each the request that followed."""
    judge, request, verdicts = Judge(), None, []
    precharges = [message.body for _, message in messages if message.name == "PreChargeReq"]
    if precharges:
        judge.known.battery_voltage = to_float(precharges[-1].EVTargetVoltage)
    for place, (time, message) in enumerate(messages):
        if message.name.endswith("Req"):
            request = message
        elif request is not None and message.name[:-3] == request.name[:-3] and not failed(message):
            following = next((m.name for _, m in messages[place + 1 :] if m.name.endswith("Req")), None)
            verdicts.append((message.name, judge.hear(request, message, time), following))
    return verdicts


@pytest.fixture(scope="module")
def judged(shared):
    return {key: heard(messages) for key, messages in conversations(shared).items()}


def test_there_is_enough_to_hear(judged):
    assert len(judged) > 70
    assert sum(map(len, judged.values())) > 20_000


def test_nothing_is_found_but_what_is_known(judged):
    counts = {}
    for key, verdicts in judged.items():
        rules = Counter(v.judgement.rule for _, told, _ in verdicts for v in told if v.reaction == Reaction.GO_ON)
        if rules:
            counts[key] = dict(rules)
    assert counts == FOUND


def test_no_real_car_would_have_been_stopped_but_where_the_station_wanted_it(judged):
    asked = {}
    for key, verdicts in judged.items():
        for _, told, _ in verdicts:
            for verdict in told:
                if verdict.reaction > Reaction.GO_ON:
                    asked.setdefault(key, set()).add(verdict.judgement.rule)
    assert set(asked) == set(TOLD_TO_STOP)
    compleo = asked.pop(("2022-12-13_compleo_with_bulb.pcapng", 0))
    assert compleo == {"evse-status"}
    assert all(rules <= {"shutdown", "stop-charging"} for rules in asked.values())


def test_voltages_of_before_do_not_last(shared):
    """Stations that told 499 V without current, while the batteries of these cars had 360 to 380 V and charged on."""
    lasted = {}
    for key, messages in conversations(shared).items():
        limit, begin = float("inf"), None
        for time, message in messages:
            if message.name == "CurrentDemandReq" and message.body.EVMaximumVoltageLimit is not None:
                limit = to_float(message.body.EVMaximumVoltageLimit)
            elif message.name == "CurrentDemandRes":
                wrong = to_float(message.body.EVSEPresentVoltage) > 1.1 * limit
                begin = (time if begin is None else begin) if wrong else None
                if wrong:
                    lasted[key] = max(lasted.get(key, 0.0), time - begin)
    assert len(lasted) == 4
    assert 2.0 < max(lasted.values()) < STALE


@pytest.mark.parametrize(
    "key", TOLD_TO_STOP, ids=lambda key: f"{key[0].rpartition('/')[2].partition('.pcap')[0]}-{key[1]}"
)
def test_real_cars_do_what_they_are_told_to(key, judged):
    """Cars that ramp down first ask once or twice more."""
    verdicts = judged[key]
    begin = next(i for i, (_, told, _) in enumerate(verdicts) if any(v.reaction > Reaction.GO_ON for v in told))
    name = verdicts[begin][0]
    again = [following == name[:-3] + "Req" for _, _, following in verdicts[begin:]]
    assert [*again, False].index(False) == TOLD_TO_STOP[key]
