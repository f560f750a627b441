"""What a verdict that fails says: what came, and what was expected."""

from __future__ import annotations

import pytest
from notebook import Notebook

from secc_kernel.session.journal import CHECK, FindingEntry

RECEIVED = "Secc.Receive_SessionSetupReq_001()\n"
WRONG = "Secc.Check_SessionSetupReq_EVCCID('1020304050607080')"
RIGHT = "Secc.Check_SessionSetupReq_EVCCID('020000000001')"


@pytest.fixture
def said():
    """Runs cells; gives the texts of their verdicts."""
    lua = Notebook()

    def run(*cells: str) -> list[str]:
        for cell in cells:
            lua(cell)
        return [e.text for e in lua.bench.journal.entries if isinstance(e, FindingEntry) and e.rule == CHECK]

    yield run
    lua.bench.close()


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (f"Session.Check({WRONG}, 'EVCCID')", "EVCCID is 020000000001, not 1020304050607080"),
        (f"Session.Check({WRONG})", "EVCCID is 020000000001, not 1020304050607080"),
        (f"Session.Check({WRONG}, 'my car')", "my car: EVCCID is 020000000001, not 1020304050607080"),
        (f"local ok = {WRONG}\nSession.Check(ok, 'it')", "it: EVCCID is 020000000001, not 1020304050607080"),
        (f"Session.Check({RIGHT}, 'EVCCID')", "EVCCID"),
        (f"Session.Check(not {WRONG}, 'another car')", "another car"),
        (f"Session.Check({WRONG} and {RIGHT}, 'both')", "both: EVCCID is 020000000001, not 1020304050607080"),
        (
            "Session.Check(Secc.Check_SessionSetupRes_ResponseCode(ResponseCodeType.OK), 'code')",
            "code: no SessionSetupRes so far, so ResponseCode is not OK",
        ),
    ],
)
def test_a_verdict_says_what_came(said, verdict, text):
    assert said(RECEIVED + verdict) == [text]


def test_it_says_absent_and_the_place_in_a_list(said):
    verdict = (
        "Secc.Receive_ChargeParameterDiscoveryReq_001()\n"
        "Session.Check(Secc.Check_ChargeParameterDiscoveryReq_MaxEntriesSAScheduleTuple(7), 'most')\n"
        "Session.Check(Secc.Check_ChargeParameterDiscoveryReq_DC_EVChargeParameter_DC_EVStatus_EVReady(false), 'ready')"
    )
    assert said(verdict) == [
        "most: MaxEntriesSAScheduleTuple is absent, not 7",
        "ready: DC_EVChargeParameter.DC_EVStatus.EVReady is true, not false",
    ]


def test_what_was_found_is_told_once_and_not_with_a_later_mistake(said):
    assert said(
        f"{RECEIVED}Session.Check({WRONG}, 'one') Session.Check(1 == 2, 'two')",
        f"local none = {WRONG}, {RIGHT} Session.Check(1 == 2, 'met meanwhile')",
        f"local none = {WRONG} Session.Check(1 == 1, 'three') Session.Check(1 == 2, 'four')",
        f"local none = {WRONG}",
        "Session.Check(1 == 2, 'in another cell')",
    )[1:] == ["two", "met meanwhile", "three", "four", "in another cell"]
