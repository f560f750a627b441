"""SDP of one party, as a layer: what it would send is owed to whoever attends, and what arrives is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secc_kernel import codec
from secc_kernel.codec import Message
from secc_kernel.session.events import LocalProtocolError
from secc_kernel.session.layer import Layer, Owed
from secc_kernel.session.timers import limit
from secc_kernel.wire import sdp, v2gtp
from secc_kernel.wire.layers import from_wire

if TYPE_CHECKING:
    from secc_kernel.session.party import Party

__all__ = ["Discovery"]

_RESPONSE = "SDP_Response_Timeout"
_PAYLOADS = {
    "SECC_DiscoveryReq": v2gtp.PayloadType.SDPRequest,
    "SECC_DiscoveryRes": v2gtp.PayloadType.SDPResponse,
}


class Discovery(Layer):
    """A party's part in SDP.

    A vehicle that is not answered asks again. Its requests are then still one question: it gets one answer, at the
    address from which it has asked last.

    Parameters
    ----------
    party : Party
        Whose it is.
    """

    schema = "sdp"

    def __init__(self, party: Party) -> None:
        super().__init__()
        self.role = party.role
        self._party = party
        self._owed: list[Owed] = []
        self._last: Message | None = None
        self._peer: Any = None

    @property
    def owed(self) -> tuple[Owed, ...]:
        """What would be sent now."""
        return tuple(self._owed)

    @property
    def patience(self) -> float:
        """Half of what a vehicle waits for an answer."""
        return limit(_RESPONSE).seconds / 2

    def arrived(self, message: sdp.Request | sdp.Response, sender: Any) -> None:
        """A message of the other end has come."""
        found = from_wire(message)
        if found is not None and self.words.receives(self.role, found.name):
            self._peer = sender
            if self.attended:
                self._arrivals.append(found)

    def put(self, message: sdp.Request | sdp.Response, to: Any = None) -> None:
        """Send a message, or owe it to whoever attends."""
        found = from_wire(message)
        assert found is not None
        self._last = found
        if not self.attended:
            self._transmit(found, to, self._party.now)
            return
        self._owed = [owed for owed in self._owed if owed.to != to]
        self._owed.append(Owed(found, self._party.now, to))

    def drop(self) -> None:
        """It is no longer asked, or no longer matters who answers."""
        self._owed.clear()

    def draft(self, name: str) -> Message | None:
        """What is owed; of its own accord, what was said last."""
        if self._owed:
            return self._owed[0].message
        return self._last if self._last is not None and self._last.name == name else None

    def over(self, name: str) -> str:
        """A vehicle that has found its station asks no more."""
        return "the vehicle has found the station and is connected" if self._party.connection is not None else ""

    def release(self, owed: Owed, now: float) -> None:
        """Send what is owed."""
        self._owed.remove(owed)
        self._transmit(owed.message, owed.to, now)

    def send(self, message: Message, now: float, intended: tuple[str, ...] = (), auto: tuple[str, ...] = ()) -> None:
        """Send a message in place of what is owed, or to whoever has asked last.

        Raises
        ------
        LocalProtocolError
            No vehicle has asked.
        """
        if self._owed:
            to = self._owed.pop(0).to
        elif self.role == "SECC" and self._peer is None:
            raise LocalProtocolError(f"{message.name} has nobody to go to: no vehicle has asked for a station")
        else:
            to = self._peer if self.role == "SECC" else None
        self._transmit(message, to, now, intended, auto)

    def _transmit(
        self, message: Message, to: Any, now: float, intended: tuple[str, ...] = (), auto: tuple[str, ...] = ()
    ) -> None:
        self._party.now = max(self._party.now, now)
        datagram = v2gtp.pack(_PAYLOADS[message.name], codec.encode(message))
        self._party.send_datagram(datagram, to, intended, auto)
