"""What is said about each name: complete for the whole API, and what the documented pages say of it."""

from __future__ import annotations

import re

import pytest

from secc_kernel.lua import LuaEngine, help
from secc_kernel.lua.api import install
from secc_kernel.lua.bench import Bench
from secc_kernel.lua.documentation import KOREAN, choices, described, options
from secc_kernel.lua.functions import SIDES, find, layer_messages, listing, look_up, names, preference
from secc_kernel.lua.session_table import DOCUMENTATION
from secc_kernel.lua.snippets import exchange, exchanges
from secc_kernel.lua.standard import OURS, STANDARD
from secc_kernel.messages import SCHEMAS, vocabulary
from secc_kernel.messages.meanings import meaning


@pytest.fixture
def script():
    """Runs scripts one after the other on one simulated link; gives the value that they return."""
    engine, bench = LuaEngine(), Bench()
    install(engine, bench)

    def run(source):
        with bench.script():
            values = engine.run(source, "script")
        return values[0] if values else None

    yield run
    bench.close()


WITH_MESSAGES = [key for key in SCHEMAS if vocabulary(key).messages]
HANGUL = re.compile("[가-힣]")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("schema", WITH_MESSAGES)
def test_every_function_is_explained(schema, side):
    seen = set()
    for found in listing(side, schema):
        said = help.function(found)
        assert said.title.startswith(f"{side}.{found.name}(")
        assert said.meaning.strip(), found.name
        assert said.deed.endswith("."), found.name
        assert said.code, found.name
        assert help.line(found) == said.line
        labels = dict(said.facts)
        assert found.message in labels["message"]
        if found.what == "value":
            assert labels["type"], found.name
            assert labels["presence"], found.name
            if found.item.type.kind == "enumeration":
                assert len(said.members) == len(found.item.type.members)
        seen.add(found.name)
    assert seen == set(names(side, (schema,)))


@pytest.mark.parametrize("schema", WITH_MESSAGES)
def test_the_listing_and_the_search_agree(schema):
    for side in SIDES:
        for found in listing(side, schema):
            assert look_up(side, found.name, (schema,)) == found


@pytest.mark.parametrize("side", SIDES)
def test_iso2_is_explained_in_korean(side):
    for found in listing(side, "iso2"):
        said = help.function(found, "ko")
        assert HANGUL.search(said.deed)
        if "_Signature_" not in found.name:  # XML Signature is another standard
            assert HANGUL.search(said.meaning), found.name
        assert all(HANGUL.search(label) for label, _ in said.facts)


SEED = {
    # function -> parameter, its type, what comes back, the message: as the page of the tester's reference says.
    "Receive_SessionSetupReq_001": ("", "", "", "SessionSetupReq"),
    "Get_SessionSetupReq_EVCCID": ("", "", "string", "SessionSetupReq"),
    "Set_SessionSetupRes_EVSEID": ("evseId", "", "", "SessionSetupRes"),
    "Set_SessionSetupRes_ResponseCode": ("responseCode", "ResponseCodeType", "", "SessionSetupRes"),
    "Send_SessionSetupRes_001": ("", "", "", "SessionSetupRes"),
}


@pytest.mark.parametrize("name", SEED)
def test_the_seeds_functions_say_what_its_page_says(name):
    parameter, type_, returns, message = SEED[name]
    said = help.function(find("Secc", name, preference("iso2")))
    assert said.title == f"Secc.{name}({parameter})"
    facts = dict(said.facts)
    assert facts["message"].startswith(f"{message},")
    assert facts.get("returns", "") == returns
    assert type_ in facts.get("type", "")
    if returns or parameter:
        assert facts["element"] == f"{message}.{name.rpartition('_')[2]}"


@pytest.mark.shared
def test_the_seeds_page_names_these_functions(shared):
    page = next((shared / "seed").glob("*.txt")).read_text("utf-8")
    documented = dict(re.findall(r"^Secc\.(\w+)\((\w*)\)$", page, re.MULTILINE))
    assert documented == {name: parameter for name, (parameter, *_) in SEED.items()}


def test_what_a_physical_value_means_is_said_of_its_parts():
    said = help.function(find("Secc", "Set_CurrentDemandRes_EVSEPresentVoltage_Value", ("iso2",)))
    whole = meaning("iso2", "CurrentDemandRes", "EVSEPresentVoltage")
    assert whole is not None
    assert said.meaning.startswith(whole.text)
    assert dict(said.facts)["unit"] == "V"
    assert dict(said.facts)["range"] == "-32768 to 32767"
    assert "Unit_V" in help.function(find("Secc", "Set_CurrentDemandRes_EVSEPresentVoltage_Unit", ("iso2",))).code


def test_presence_names_what_may_be_absent_above():
    optional = find("Secc", "Set_ServiceDiscoveryRes_ServiceList_ServiceID", ("iso2",))
    assert dict(help.function(optional).facts)["presence"] == "optional (ServiceList)"
    own = find("Secc", "Set_SessionSetupRes_EVSETimeStamp", ("iso2",))
    assert dict(help.function(own).facts)["presence"] == "optional"
    other = find("Secc", "Get_ChargeParameterDiscoveryReq_DC_EVChargeParameter_DC_EVStatus_EVReady", ("iso2",))
    assert dict(help.function(other).facts)["presence"] == "optional (DC_EVChargeParameter)"


def test_detail_adds_the_whole_message():
    found = find("Secc", "Set_SessionSetupRes_EVSEID", ("iso2",))
    assert help.function(found).tree == ()
    tree = help.function(found, detail=True).tree
    assert [node.name for node in tree if node.level == 1] == ["Header", "ResponseCode", "EVSEID", "EVSETimeStamp"]


def test_members_of_an_enumeration_are_explained():
    said = help.enumeration("ResponseCodeType", ("iso2",))
    assert said is not None
    assert "ResponseCodeType.FAILED_SequenceError" in dict(said.members)
    assert all(text for _, text in said.members)
    member = help.enumeration("ResponseCodeType", ("iso2",), "FAILED_SequenceError", "ko")
    assert member is not None
    assert HANGUL.search(member.meaning)
    assert help.enumeration("ResponseCodeType", ("iso2",), "FAILED_Nonsense") is None
    assert help.enumeration("NoSuchType", ("iso2",)) is None
    later = help.enumeration("ResponseCodeType", ("iso2",), "WARNING_WPT")
    assert later is not None
    assert "15118-20" in later.deed


def test_every_global_of_lua_is_documented():
    engine = LuaEngine()
    plain = set(engine.members())
    assert {name for name in STANDARD if "." not in name} - set(OURS) == plain - set(OURS)
    assert set(OURS) <= set(STANDARD)
    for table in ("string", "table", "math", "coroutine", "utf8", "os", "io", "debug", "package"):
        assert {f"{table}.{name}" for name in engine.members((table,))} <= set(STANDARD), table
    for name, (signature, english, korean) in STANDARD.items():
        assert signature.partition("(")[0] == name
        assert english.endswith(".")
        assert HANGUL.search(korean), name


def test_session_and_ev_are_documented_in_both_languages():
    assert set(DOCUMENTATION) <= set(KOREAN)
    for name in DOCUMENTATION:
        said = described(name, "ko")
        assert said is not None
        assert HANGUL.search(said.text)
        for option, text in options(name, "ko"):
            assert HANGUL.search(text), option
        for option, text in options(name):
            assert text.endswith("."), option


def test_the_values_of_options_are_those_that_are_taken(script):
    for option in ("side", "prefer", "profile", "mode"):
        for value in choices(option):
            script(f"Session.Open{{link='sim', {option}='{value}'}}")
    for value in choices("Session.RunTo"):
        assert value.endswith("Req") or value in layer_messages()


@pytest.mark.parametrize("schema", ["iso2", "din"])
def test_whole_exchanges_run_as_they_are(script, schema):
    """The snippets of a session's first exchanges, one after the other, as a script."""
    first = ["SessionSetup", "ServiceDiscovery"]
    assert set(first) <= set(exchanges(schema))
    script(f"Session.Open{{link='sim'}} Session.Protocol('{schema}')")
    for name in first:
        script(exchange("Secc", schema, name))
    assert script("return Session.Status().messages") > 4


def test_the_number_of_a_physical_value_tells_of_its_exponent():
    name = "CurrentDemandRes_EVSEMaximumVoltageLimit"
    facts = dict(help.function(find("Secc", f"Set_{name}_Value", ("iso2",))).facts)
    assert facts["goes with"].startswith("…_EVSEMaximumVoltageLimit_Multiplier: ")
    for other in (f"Set_{name}_Multiplier", f"Get_{name}_Value", "Set_CurrentDemandRes_EVSEID"):
        assert "goes with" not in dict(help.function(find("Secc", other, ("iso2",))).facts)
