"""The SECC's answers by the standard: one function a request, in a table by vocabulary.

A function gets the SECC and the request and returns the fields of the response. It changes nothing, so the answer can
be asked for as often as a script likes, and takes its values from the station at this moment. What concerns every
request (its place in the sequence, the session's id) the SECC has judged before: `answer` puts that verdict over the
function's own.

A peer may leave out what the schema demands; the functions take that, and answer with what the schema demands of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from secc_kernel import codec
from secc_kernel.session import din_answers, iso2_answers
from secc_kernel.session.dc_answers import Fields
from secc_kernel.session.handshake import choose

if TYPE_CHECKING:
    from secc_kernel.codec import Message
    from secc_kernel.session.secc import SECC

__all__ = ["ANSWERS", "answer"]


def answer(secc: SECC, request: Message) -> Message:
    """The response that the standard asks for, at this moment.

    Raises
    ------
    KeyError
        There is no rule for such a request.
    """
    fields = ANSWERS[request.schema][request.name](secc, request.body)
    if secc.verdict is not None and request.schema != "sap":
        fields["ResponseCode"] = secc.verdict
    return codec.new(request.schema, request.name[:-3] + "Res", session_id=_session_id(secc, request), **fields)


def _session_id(secc: SECC, request: Message) -> bytes | None:
    if request.schema == "sap":
        return None
    if request.name == "SessionSetupReq" and secc.verdict is None:
        return secc.next_session_id
    # An unknown session is answered under the session's own id; without any, eight zero bytes.
    return secc.session_id or bytes(8)


def _handshake(secc: SECC, request: Any) -> Fields:
    if secc.verdict is not None:
        return {"ResponseCode": "Failed_NoNegotiation"}
    choice = choose(request.AppProtocol, secc.supported, secc.preference)
    return {"ResponseCode": choice.ResponseCode, "SchemaID": choice.SchemaID}


ANSWERS: dict[str, dict[str, Callable[[Any, Any], Fields]]] = {
    "sap": {"supportedAppProtocolReq": _handshake},
    "iso2": iso2_answers.ANSWERS,
    "din": din_answers.ANSWERS,
}
"""What answers which request, by vocabulary. A test compares its keys with the vocabulary's requests."""
