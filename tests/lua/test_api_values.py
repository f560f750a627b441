"""Every value of every message, by reflection: set and read back, sent and read where it arrives."""

from __future__ import annotations

import pytest

from secc_kernel import codec, messages
from secc_kernel.exi.datatypes import SimpleType
from secc_kernel.lua.api import SideApi
from secc_kernel.lua.bench import Bench, make_message
from secc_kernel.lua.convert import member_key, table_name, to_script
from secc_kernel.lua.enumerations import member
from secc_kernel.lua.functions import SIDES, catalogue, sends
from secc_kernel.lua.names import choices
from secc_kernel.messages import vocabulary

SCHEMAS = tuple(key for key in messages.SCHEMAS if vocabulary(key).messages)
MESSAGES = [(schema, message) for schema in SCHEMAS for message in vocabulary(schema).messages]
IDS = [f"{schema}-{message}" for schema, message in MESSAGES]
TABLES = {role: side for side, role in SIDES.items()}


def sample(type_: SimpleType, number: int):
    """A value of a simple type as a script writes it; ``number`` makes several differ."""
    if type_.kind == "enumeration":
        chosen = type_.members[number % len(type_.members)]
        return member(table_name(type_), member_key(type_, str(chosen)))
    if type_.kind == "boolean":
        return bool(number % 2)
    if type_.kind == "integer":
        low = type_.min_inclusive if type_.min_inclusive is not None else -1000
        high = type_.max_inclusive if type_.max_inclusive is not None else 1000
        return (low, high, min(low + 1, high))[number % 3] if high < 2**63 else 2**63 - 1
    length = max(type_.min_length or 1, min(type_.max_length or 5, 5))
    if type_.kind == "string":
        return "abcdefghijklmnopqrstuvwxyz"[number % 20 :][:length].ljust(length, "x")
    return f"{number % 256:02X}" * length


def filled(words, type_, steps=()):
    """A message value with every element in it; slots and choices as the steps want them."""
    wanted = steps[0] if steps else None
    values = {}
    for field in type_.__fields__:
        on_the_way = wanted is not None and wanted.field == field.name
        if field.kind == "items" or (field.name == "KeyInfo" and not on_the_way):
            continue
        if wanted is not None and field.name in wanted.excludes:
            continue
        branches = [part for choice in choices(type_) for branch in choice.branches for part in branch]
        if field.name in branches[1:] and not on_the_way:
            continue
        members = [element.type for element in words.members(field)]
        inner = wanted.type if on_the_way else (members[0] if members else field.type)
        value = (
            python_sample(inner)
            if isinstance(inner, SimpleType)
            else filled(words, inner, steps[1:] if on_the_way else ())
        )
        values[field.name] = [value] * max(field.min, 1) if field.repeated else value
    return type_(**values)


def python_sample(type_):
    if type_.kind == "enumeration":
        return type_.members[0]
    value = sample(type_, 0)
    return bytes.fromhex(value) if type_.kind in ("hexBinary", "base64Binary") else value


def automatic_message(schema, name, item):
    """What the autopilot would send, were it to send everything."""
    words = vocabulary(schema)
    items = catalogue(schema, name)
    in_header = items.header_type is not None and item.steps[0].field == "Header"
    body = filled(words, items.message_type, () if in_header else item.steps)
    fields = {field.name: getattr(body, field.name) for field in type(body).__fields__}
    if items.header_type is not None:
        fields["Header"] = filled(words, items.header_type, item.steps[1:] if in_header else ())
    return codec.new(schema, name, **fields)


class Arrived:
    """A session at whose other end a message has arrived."""

    def __init__(self, message, role):
        self.protocol = message.schema
        self.message = message
        self.link = type("Link", (), {"parties": {role: None}})

    def arrived(self, name, role):
        return self.message if name == self.message.name else None

    def sent(self, name, role):
        return None

    def check_received(self, name, role):
        return name == self.message.name


def sides(schema, message):
    """The APIs of the side that sends a message and of the one that receives it, in a session of that vocabulary."""
    role = next(role for role in SIDES.values() if sends(role, message))
    other = "SECC" if role == "EVCC" else "EVCC"
    ours, theirs = Bench(), Bench()
    ours.protocols = theirs.protocols = (schema,)
    return SideApi(TABLES[role], ours), SideApi(TABLES[other], theirs)


def transfer(schema, message, ours, theirs, automatic):
    """Send what was set and let it arrive; the message as it was on the wire."""
    composed = make_message(message, ours._bench.sheets.of(message), schema, automatic, True)
    arrived = codec.decode(codec.encode(composed.message), schema)
    theirs._bench.session = Arrived(arrived, theirs.role)
    return composed


@pytest.mark.parametrize(("schema", "message"), MESSAGES, ids=IDS)
def test_every_value_goes_there_and_back(schema, message):
    items = catalogue(schema, message)
    assert items.values
    for number, item in enumerate(items.values.values()):
        ours, theirs = sides(schema, message)
        indices = (0,) * item.indices
        value = sample(item.type, number)
        path = f"{message}_{item.name}"
        ours.resolve(f"Set_{path}")(*indices, value)
        assert ours.resolve(f"Get_{path}")(*indices) == value, path
        if "KeyInfo" in path:
            continue  # its mandatory content is a sequence of whatever, which no name could mean
        composed = transfer(schema, message, ours, theirs, automatic_message(schema, message, item))
        assert composed.intended == (), path
        assert theirs.resolve(f"Get_{path}")(*indices) == value, path
        assert theirs.resolve(f"Check_{path}")(*indices, value) is True, path
        assert theirs.resolve(f"Check_Received_{message}")() is True


@pytest.mark.parametrize(("schema", "message"), MESSAGES, ids=IDS)
def test_every_optional_element_can_be_present_and_absent(schema, message):
    items = catalogue(schema, message)
    for item in items:
        if item.kind == "list" or not item.optional or "KeyInfo" in item.name:
            continue
        ours, theirs = sides(schema, message)
        indices = (0,) * item.indices
        path = f"{message}_{item.name}Specified"
        in_a_choice = any(step.excludes for step in item.steps)
        for present in (True, False) if not in_a_choice else (True,):
            ours.resolve(f"Set_{path}")(*indices, present)
            assert ours.resolve(f"Get_{path}")(*indices) is present, path
            transfer(schema, message, ours, theirs, automatic_message(schema, message, item))
            assert theirs.resolve(f"Get_{path}")(*indices) is present, path


@pytest.mark.parametrize(("schema", "message"), MESSAGES, ids=IDS)
def test_every_list_can_be_sized_and_appended_to(schema, message):
    items = catalogue(schema, message)
    for item in items.lists.values():
        field = next(
            (v for v in items.values.values() if v.name.startswith(item.name) and v.indices == item.indices + 1), None
        )
        assert field is not None, item.name
        ours, theirs = sides(schema, message)
        outer = (0,) * item.indices
        path = f"{message}_{item.name}_Count"
        count = min(item.max or 3, 3)
        ours.resolve(f"Set_{path}")(*outer, count)
        assert ours.resolve(f"Get_{path}")(*outer) == count
        add = ours.resolve(f"Add_{message}_{field.name}")
        written = [sample(field.type, number) for number in range(count)]
        for value in written:
            add(*outer, value)
        automatic = automatic_message(schema, message, field)
        repeat_items(automatic, item, count)
        transfer(schema, message, ours, theirs, automatic)
        assert theirs.resolve(f"Get_{path}")(*outer) == count, path
        get = theirs.resolve(f"Get_{message}_{field.name}")
        assert [get(*outer, index) for index in range(count)] == written
        assert get(*outer, count) is None


def repeat_items(message, item, count):
    """Give a list of a message so many items, all like its first one."""
    steps = item.steps
    at = message.body
    if steps[0].field == "Header":
        at, steps = message.header, steps[1:]
    for step in steps[:-1]:
        at = getattr(at, step.field)
        at = at[0] if step.repeated else at
    held = getattr(at, steps[-1].field)
    held[:] = held * count


def test_values_that_the_schema_forbids_are_sent_and_marked():
    secc, evcc = sides("iso2", "SessionSetupRes")
    item = catalogue("iso2", "SessionSetupRes").values["EVSEID"]
    secc.resolve("Set_SessionSetupRes_EVSEID")("short")
    composed = transfer("iso2", "SessionSetupRes", secc, evcc, automatic_message("iso2", "SessionSetupRes", item))
    assert composed.intended == ("EVSEID",)
    assert evcc.resolve("Get_SessionSetupRes_EVSEID")() == "short"


def test_numbers_beyond_lua_integers_are_read_as_floats():
    type_ = catalogue("iso2", "CurrentDemandRes").values["MeterInfo_MeterReading"].type
    assert to_script(type_, 2**64 - 1) == float(2**64 - 1)
    assert to_script(type_, 2**63 - 1) == 2**63 - 1
