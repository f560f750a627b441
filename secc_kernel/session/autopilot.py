"""The SECC's answers by the standard: one function a request, in a table by vocabulary.

A function gets the SECC and the request and returns the fields of the response. It changes nothing, so the answer can
be asked for as often as a script likes, and takes its values from the station at this moment. What concerns every
request (its place in the sequence, the session's id) the SECC has judged before: `answer` puts that verdict over the
function's own.

Requests that a station has no use for have no function: their answer is a refusal, made of the declarations
(`refusals`). So is what a FAILED answer has to hold besides its code.

A peer may leave out what the schema demands; the functions take that, and answer with what the schema demands of them.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any

from secc_kernel import codec
from secc_kernel.session import din_answers, iso2_answers
from secc_kernel.session.dc_answers import Fields
from secc_kernel.session.handshake import choose
from secc_kernel.session.refusals import RESPONSE_CODE, fill, refusal

if TYPE_CHECKING:
    from secc_kernel.codec import Message
    from secc_kernel.session.secc import SECC

__all__ = ["ANSWERS", "answer", "finished"]


def answer(secc: SECC, request: Message) -> Message:
    """The response that the standard asks for, at this moment; a refusal, where there is no rule for the request.

    Raises
    ------
    KeyError
        The vocabulary has no response to such a request.
    """
    schema, name = request.schema, request.name[:-3] + "Res"
    rule = ANSWERS.get(schema, {}).get(request.name)
    fields = refusal(schema, request.name) if rule is None else rule(secc, request.body)
    if secc.verdict is not None and schema != "sap":
        fields[RESPONSE_CODE] = secc.verdict
    if str(fields[RESPONSE_CODE]).lower().startswith("failed"):
        fields = fill(schema, name, fields)
    return codec.new(schema, name, session_id=_session_id(secc, request), **fields)


def finished(secc: SECC, request: Message) -> Message:
    """The response that the standard asks for of a station that has finished: authorisation, schedules, cable check.

    For a script that says so before the station would: what it leaves out has to go with it.
    """
    ready = copy(secc)
    ready.station = station = copy(secc.station)
    station.authorization_time = station.parameter_time = 0.0
    station.isolated = True
    return answer(ready, request)


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
"""What answers which request, by vocabulary; a request without an entry is refused."""
