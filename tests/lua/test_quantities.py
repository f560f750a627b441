"""Numbers with an exponent and a unit, as scripts write them in part and as examples show them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from secc_kernel.lua.compose import Assignment, compose
from secc_kernel.lua.functions import find, listing
from secc_kernel.lua.snippets import call
from secc_kernel.messages import vocabulary
from secc_kernel.messages.meanings import meaning


@pytest.mark.parametrize(
    ("schema", "name", "unit"),
    [
        ("iso2", "CurrentDemandReq_RemainingTimeToBulkSoC", "s"),
        ("iso2", "CurrentDemandRes_EVSEMaximumPowerLimit", "W"),
        ("iso2", "ChargingStatusRes_EVSEMaxCurrent", "A"),
        ("iso2", "ChargeParameterDiscoveryRes_DC_EVSEChargeParameter_EVSEEnergyToBeDelivered", "Wh"),
    ],
)
def test_a_number_alone_gets_the_unit_that_the_catalogue_knows(schema, name, unit):
    message = name.partition("_")[0]
    side = "Secc" if message.endswith("Res") else "Evcc"
    item = find(side, f"Set_{name}_Value", (schema,)).item
    made = compose(vocabulary(schema).message_type(message), [Assignment(item, (), "value", 7)], None)
    value = made.value
    for part in name.split("_", 1)[1].replace("DC_EVSEChargeParameter", "EVSEChargeParameter").split("_"):
        value = getattr(value, part)
    assert (value.Value, value.Multiplier, str(value.Unit)) == (7, 0, unit)
    assert not [path for path in made.missing if path.endswith((".Unit", ".Multiplier"))]


def test_a_number_alone_gets_an_exponent_where_there_is_no_unit():
    item = find("Secc", "Set_DC_PreChargeRes_EVSEPresentVoltage_Value", ("iso20_dc",)).item
    made = compose(vocabulary("iso20_dc").message_type("DC_PreChargeRes"), [Assignment(item, (), "value", 400)], None)
    assert (made.value.EVSEPresentVoltage.Value, made.value.EVSEPresentVoltage.Exponent) == (400, 0)


@pytest.mark.parametrize("schema", ["din", "iso2", "iso20_dc", "iso20_wpt"])
def test_the_parts_of_an_example_make_the_catalogues_value(schema):
    parts: dict[tuple[str, str], dict[str, str]] = {}
    for function in listing("Secc", schema):
        if function.verb == "Set" and function.what == "value" and len(function.parameters) == 1:
            above, part = function.item.steps[-2:] if len(function.item.steps) > 1 else (None, None)
            if (
                above is not None
                and getattr(above.type, "_quantity_", None) is not None
                and len(function.item.steps) == 2
            ):
                called = call(function)
                parts.setdefault((function.message, above.element), {})[part.field] = called[called.index("(") + 1 : -1]
    assert len(parts) > 2
    for (message, element), written in parts.items():
        number, _, unit = meaning(schema, message, element).example.partition(" ")
        exponent = int(written.get("Multiplier") or written["Exponent"])
        assert abs(int(written["Value"])) <= 32767
        if number:
            assert Decimal(written["Value"]).scaleb(exponent) == Decimal(number), (message, element)
            assert written.get("Unit", f"_{unit}").endswith(f"_{unit}")
