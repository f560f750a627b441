"""Ranking the vocabularies of a stream that nobody has named."""

import pytest

from secc_kernel import codec


@pytest.mark.parametrize("exi", ["809b028c68010fcf7c5adcada080211040", "809b0044002881e8"])
def test_an_envelope_without_its_body_is_ranked_too(exi):
    best = codec.identify(bytes.fromhex(exi), fragments=True)[0]
    assert (best.schema, best.message) == ("din", "V2G_Message")
    assert any(finding.severity == "error" for finding in best.findings)
