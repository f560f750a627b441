"""The catalogue of meanings beside the declarations: nothing missing, nothing that is not declared, and texts that say
something. The files are read here line by line, with nothing of the package.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import secc_kernel.messages
from secc_kernel.exi.datatypes import Enumeration, SimpleType
from secc_kernel.exi.declare import ComplexType, ComplexTypeMeta, Element, Field, Model
from secc_kernel.exi.facets import check_value
from secc_kernel.lua.convert import from_script
from secc_kernel.messages import SCHEMAS, meanings, vocabulary
from secc_kernel.messages.meanings import LANGUAGES, Meaning, field_meaning, meaning, member_meaning
from secc_kernel.wire.layers import LAYERS

DECLARATIONS = Path(secc_kernel.messages.__file__).parent
TEXTS = DECLARATIONS / "meanings"
#: Sessions of several makers: DC and AC, both standards, metering and schedules among them.
RECORDED = (
    "Mercedes-Benz_EQE_2023-10-04_iso2-DC.pcap",
    "Mercedes-Benz_EQE_2023-04-18-3_config-ac-iso2.pcap",
    "VW_id.4_fw_3.5_2023-04-18-1_config-dc-dinspec.pcap",
    "Skoda_Enyaq_v3.0_2023-01-16-iso15118_AC_Lumissil_enyaq-ac-iso-lumissil.pcap",
)
ALL = (*SCHEMAS, *LAYERS)
of_every_vocabulary = pytest.mark.parametrize("key", ALL)
of_every_language = pytest.mark.parametrize("language", LANGUAGES)


# -- the files --------------------------------------------------------------------------------------------------------


def files(language: str) -> dict[str, list[str]]:
    folder = TEXTS / language
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts): path.read_text(encoding="utf-8").splitlines()
        for path in sorted(folder.rglob("*.txt"))
    }


@cache
def entries(language: str) -> list[tuple[str, str, str, str]]:
    """Every text: module, section, key, text."""
    found = []
    for module, lines in files(language).items():
        section = ""
        for line in lines:
            if line.startswith("["):
                section = line.strip("[]")
            elif section and line and line[0] not in " #":
                key, _, text = line.partition(": ")
                found.append((module, section, key, text))
    return found


def declared(module: str) -> dict[str, object]:
    """What a module declares; those of the layers below V2G stand beside their bytes."""
    package = "secc_kernel" if module.startswith("wire.") else "secc_kernel.messages"
    return vars(import_module(f"{package}.{module}"))


def leaves(model: Model | None) -> set[str]:
    parts = () if model is None else model.parts
    inner = [leaves(p) if p.op != "leaf" else {p.parts[0]} for p in parts if isinstance(p, Model)]
    return set().union(*inner)


def own_names(cls: type[ComplexType]) -> set[str]:
    return {f.name for f in cls.__fields__ if f.owner is cls} | leaves(cls.__dict__.get("_content_"))


@of_every_language
def test_each_line_has_its_form_and_no_key_comes_twice(language):
    for module, lines in files(language).items():
        seen = Counter()
        section = ""
        for number, line in enumerate(lines, 1):
            where = f"{language}/{module}, line {number}: {line}"
            assert line == line.rstrip(), where
            if line.startswith("["):
                assert re.fullmatch(r"\[[\w*]+\]", line), where
                section = line
                seen[section] += 1
            elif line.startswith("  "):
                assert section, where
                assert re.fullmatch(r"  (unit|clause|example): \S.*", line), where
                assert language == LANGUAGES[0], f"{where}: in English alone"
            elif line and line[0] != "#":
                assert re.fullmatch(r"[\w/ -]+: \S.*", line), where
                seen[section, line.partition(": ")[0]] += 1
        assert not [key for key, count in seen.items() if count > 1], f"{language}/{module}"


@of_every_language
def test_each_key_names_what_is_declared(language):
    for module, section, key, _ in entries(language):
        names, where = declared(module), f"{language}/{module} [{section}] {key}"
        if section == "elements":
            assert isinstance(names.get(key), Element), where
            assert names[key].module.endswith(f".{module}"), where
        elif section != "*":
            owner = names[section]
            assert owner.__module__.endswith(f".{module}"), where
            if isinstance(owner, ComplexTypeMeta):
                assert key in own_names(owner), where
            else:
                assert issubclass(owner, Enumeration), where
                assert key in [str(member) for member in owner], where


def test_each_text_is_used():
    """No text for what is declared elsewhere, nor for a field that has its own in every type."""
    used = set()
    for key in ALL:
        known = vocabulary(key).schema
        for element in known.elements:
            used.add(said(meaning(key, element.name, "")))
        for cls in known.types():
            used |= {said(meaning(key, cls.__name__, name)) for name in own_names(cls)}
        for module in vocabulary(key).declaring:
            for value in vars(import_module(module)).values():
                if isinstance(value, type) and issubclass(value, Enumeration):
                    used |= {said(member_meaning(key, value.__name__, str(member))) for member in value}
    assert [entry for entry in entries("en") if entry[3] not in used] == []


def said(found: Meaning | None) -> str:
    return "" if found is None else found.text


@of_every_language
def test_texts_say_something_and_briefly(language):
    where = defaultdict(list)
    for module, section, key, text in entries(language):
        place = f"{language}/{module} [{section}] {key}: {text}"
        assert (12 if language == "en" else 6) <= len(text) <= 300, place
        assert text.endswith("."), place
        words = re.findall(r"\w+", text)
        assert len(words) >= 3 or language == "ko", place
        names = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", key)
        new = {word.lower() for word in words} - {name.lower() for name in names}
        assert new - {"the", "a", "an", "of", "is", "this", "value", "field", "type", "to", "and", "in"}, place
        if not key.removeprefix("FAILED_").startswith("Reserved"):
            where[text].append((module, key))
    # Alike are at most fields of one name in several standards; in one module they are written once, under [*].
    assert {text: keys for text, keys in where.items() if len({key for _, key in keys}) > 1} == {}
    assert {text: keys for text, keys in where.items() if len({module for module, _ in keys}) < len(keys)} == {}


def test_all_is_said_in_korean_too():
    for module, section, key, text in entries("ko"):
        assert re.search("[가-힣]", text), (module, section, key)
        assert re.search(r"(다|오)(\([^)]*\))?\.$", text), (module, section, key, text)
    assert {entry[:3] for entry in entries("ko")} == {entry[:3] for entry in entries("en")}


# -- completeness -----------------------------------------------------------------------------------------------------


@cache
def reachable(key: str) -> tuple[dict[str, Element], list[type[ComplexType]], list[SimpleType]]:
    """What a vocabulary's messages are made of: elements that may stand in a slot, complex types, enumerations."""
    words = vocabulary(key)
    elements = dict(words.elements) or {element.name: element for element in words.schema.elements}
    types: dict[type[ComplexType], None] = {}
    enumerations: dict[str, SimpleType] = {}
    waiting: list[object] = [element.type for element in elements.values()]
    waiting += [words.header_type(), *([words.envelope.type] if words.envelope else [])]
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, ComplexTypeMeta) and type_ not in types:
            types[type_] = None
            for field in type_.__fields__:
                members = words.members(field)
                elements |= {member.name: member for member in members}
                waiting += [member.type for member in members] or [field.type]
        elif isinstance(type_, SimpleType) and type_.kind == "enumeration":
            enumerations[type_.name] = type_
    return elements, list(types), list(enumerations.values())


@of_every_vocabulary
def test_nothing_is_missing_in_english(key):
    elements, types, enumerations = reachable(key)
    missing = [name for name in elements if meaning(key, name, "") is None]
    missing += [
        f"{cls.__name__}.{name}"
        for cls in types
        for name in ({field.name for field in cls.__fields__} | leaves(cls._content_))
        if meaning(key, cls.__name__, name) is None
    ]
    missing += [
        f"{type_.name}.{member}"
        for type_ in enumerations
        for member in type_.members
        if member_meaning(key, type_.name, str(member)) is None
    ]
    assert missing == []


# -- units, clauses and examples --------------------------------------------------------------------------------------


def fields_of_all():
    for key in ALL:
        for cls in reachable(key)[1]:
            for field in cls.__fields__:
                yield key, cls, field


def test_each_quantity_has_the_unit_that_it_must_carry():
    without = []
    for key, cls, field in fields_of_all():
        shape = getattr(field.type, "_quantity_", None)
        if shape is None:
            continue
        unit = field_meaning(field).unit
        if shape.unit and unit:
            units = next(f for f in field.type.__fields__ if f.name == shape.unit).type
            assert unit in [str(member) for member in units.members], f"{key} {cls.__name__}.{field.name}"
        if not unit:
            without.append(field.name)
    assert set(without) == {
        # A parameter of a service may be anything; money is in the currency beside it; the rest, no source names.
        *("physicalValue", "rationalNumber", "Amount", "CostPerUnit", "MinimumCost", "MaximumCost", "EnergyFee"),
        *("ParkingFee", "OverstayFee", "ServiceFee", "EVPCNaturalFrequency", "EVPCOperatingFrequency"),
        *("SPCOperatingFrequency", "EIRP", "RSSI", "EVWLANStrength"),
    }


@pytest.mark.shared
def test_real_vehicles_and_stations_send_these_units(shared):
    sent: defaultdict[Field, Counter[str]] = defaultdict(Counter)

    def count(value):
        for field in type(value).__fields__ if isinstance(value, ComplexType) else ():
            held = getattr(value, field.name)
            for item in held if isinstance(held, list) else [held]:
                shape = getattr(item, "_quantity_", None)
                if shape is not None and shape.unit and getattr(item, shape.unit) is not None:
                    sent[field][str(getattr(item, shape.unit))] += 1
                count(item)

    for name in RECORDED:
        (path,) = shared.glob(f"captures/*/{name}")
        seen: Counter[str] = Counter()
        for entry in secc_kernel.read_capture(path).frames:
            seen[entry.name] += 1
            if seen[entry.name] <= 10 and entry.message is not None:
                count(entry.message.body)
    usual = {field: units.most_common(1)[0][0] for field, units in sent.items()}
    assert len(usual) > 40
    assert {field: field_meaning(field).unit for field in usual} == usual


def lua_value(text: str):
    if text in ("true", "false"):
        return text == "true"
    quoted = re.fullmatch(r"'([^']*)'", text)
    return quoted.group(1) if quoted else int(text)


def test_each_example_can_be_sent():
    for key, cls, field in fields_of_all():
        found = field_meaning(field)
        if not found.example:
            continue
        where = f"{key} {cls.__name__}.{field.name}: {found.example}"
        shape = getattr(field.type, "_quantity_", None)
        if shape is None:
            value = from_script(field.type, lua_value(found.example))
            assert list(check_value(field.type, value, "")) == [], where
        else:
            number, _, unit = found.example.partition(" ")
            assert unit == found.unit, where
            exponents = next(f for f in field.type.__fields__ if f.name == shape.exponent).type
            raw = [Decimal(number).scaleb(-e) for e in range(exponents.min_inclusive, exponents.max_inclusive + 1)]
            assert any(n == n.to_integral_value() and abs(n) <= 32767 for n in raw), where


def test_clauses_are_those_of_the_vocabularys_standard():
    titles = {"sap": "ISO 15118-2:2014, 8", "din": "DIN SPEC 70121, 9", "iso2": "ISO 15118-2:2014, 8"}
    seen = Counter()
    for key, _, field in fields_of_all():
        clause = field_meaning(field).clause
        seen[key] += bool(clause)
        if not field.owner.__module__.endswith("xmldsig"):
            assert clause.startswith(titles.get(key, "ISO 15118-20:2022, 8")) or not clause, (key, field, clause)
    assert all(seen[key] for key in SCHEMAS if key not in ("xmldsig", "iso20_wpt", "iso20_acdp"))


# -- looking up -------------------------------------------------------------------------------------------------------


def test_a_field_is_found_by_type_or_message_and_where_it_is_inherited():
    of_type = meaning("iso2", "SessionSetupReqType", "EVCCID")
    assert of_type is not None
    assert of_type == meaning("iso2", "SessionSetupReq", "EVCCID")
    inherited = meaning("iso20_dc", "BPT_DC_CPDReqEnergyTransferModeType", "EVMaximumVoltage")
    assert inherited == meaning("iso20_dc", "DC_CPDReqEnergyTransferModeType", "EVMaximumVoltage")
    assert inherited.unit == "V"


def test_a_member_of_a_substitution_group_is_found_in_its_slot():
    found = meaning("iso2", "PowerDeliveryRes", "DC_EVSEStatus")
    assert found is not None
    assert found.text == meaning("iso2", "DC_EVSEStatus", "").text
    assert meaning("iso2", "PowerDeliveryRes", "EVSEStatus").text != found.text


def test_messages_that_share_a_type_have_their_own_meanings():
    connect, disconnect = (meaning("iso20_acdp", f"ACDP_{name}Req", "") for name in ("Connect", "Disconnect"))
    assert connect.text != disconnect.text
    assert meaning("din", "SessionStopReq", "").text != meaning("iso2", "SessionStopReq", "").text


@of_every_language
def test_din_takes_what_it_has_in_common_from_iso_15118_2_but_not_the_clause(language):
    of_din, of_iso = (meaning(key, "CurrentDemandReq", "EVTargetCurrent", language) for key in ("din", "iso2"))
    assert (of_din.text, of_din.unit) == (of_iso.text, of_iso.unit)
    assert of_din.clause.startswith("DIN SPEC 70121")
    assert of_iso.clause.startswith("ISO 15118-2")
    assert member_meaning("din", "DC_EVErrorCodeType", "NO_ERROR", language) is not None
    # Its own text, where the values differ: also in Korean, in place of the other standard's.
    own, other = (meaning(key, "PMaxScheduleEntryType", "PMax", language) for key in ("din", "iso2"))
    assert "32767" in own.text
    assert "32767" not in other.text


def test_what_a_language_lacks_comes_in_english(monkeypatch):
    assert meaning("iso2", "SessionSetupReq", "", "fr") == meaning("iso2", "SessionSetupReq", "")
    korean = meanings._texts("ko", "iso15118_2.msg_body")
    monkeypatch.delitem(korean["SessionSetupReqType"], "EVCCID")
    assert meaning("iso2", "SessionSetupReq", "EVCCID", "ko") == meaning("iso2", "SessionSetupReq", "EVCCID")
    monkeypatch.delitem(korean, "elements")
    assert meaning("iso2", "SessionSetupReq", "", "ko") == meaning("iso2", "SessionSetupReq", "")


def test_a_percentage_has_its_unit_from_the_declaration():
    assert meaning("iso2", "DC_EVStatusType", "EVRESSSOC", "ko").unit == "%"


def test_there_is_nothing_to_say_about_what_is_not_declared():
    assert meaning("iso2", "SessionSetupReq", "Nothing") is None
    assert meaning("iso2", "NothingReq", "EVCCID") is None
    assert meaning("iso2", "NothingReq", "") is None
    assert member_meaning("iso2", "responseCodeType", "OK_Nothing") is None
    with pytest.raises(KeyError):
        meaning("nothing", "SessionSetupReq", "")
