"""The quick answer to "is this message sound" has to agree with the thorough one."""

import pytest

from secc_kernel import codec
from secc_kernel.exi import facets
from secc_kernel.messages.sap import AppProtocolType


def message(**changes):
    fields = {"ResponseCode": "OK", "EVSEID": "DE*SEC*E1", "EVSETimeStamp": None, **changes}
    return codec.new("iso2", "SessionSetupRes", session_id=fields.pop("session_id", bytes(8)), **fields)


CASES = [
    ({}, []),
    ({"EVSETimeStamp": 5}, []),
    ({"EVSEID": "short"}, ["facet.min-length"]),
    ({"EVSEID": "x" * 38}, ["facet.max-length"]),
    ({"EVSEID": "nul\0nul\0"}, ["xml.character"]),
    ({"session_id": bytes(9)}, ["facet.max-length"]),
    ({"session_id": b""}, ["value.empty"]),
    ({"EVSETimeStamp": 1 << 63}, ["facet.max"]),
    ({"EVSEID": None}, []),
    ({"ResponseCode": "no such code"}, []),
]


@pytest.mark.parametrize(("changes", "rules"), CASES)
def test_the_quick_way_finds_what_the_thorough_one_does(changes, rules):
    found = message(**changes)
    thorough = list(facets._check(found.vocabulary.codec.grammars, found.element, found.value, found.element.name))
    assert found.findings == thorough
    assert [finding.rule for finding in thorough] == rules


def test_repeated_and_nested_values_are_looked_at():
    entries = [
        AppProtocolType(
            ProtocolNamespace="urn:x", VersionNumberMajor=2, VersionNumberMinor=0, SchemaID=1, Priority=priority
        )
        for priority in (1, 21)
    ]
    (finding,) = codec.new("sap", "supportedAppProtocolReq", AppProtocol=entries).findings
    assert finding.path.endswith("AppProtocol[1]/Priority")
