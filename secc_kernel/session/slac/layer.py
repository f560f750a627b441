"""One end's matching as a layer that scripts may work at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from secc_kernel import codec
from secc_kernel.codec import Message
from secc_kernel.session.events import LocalProtocolError
from secc_kernel.session.layer import Layer, Owed
from secc_kernel.session.slac.matcher import LOCAL_MODEM, Matcher
from secc_kernel.session.slac.times import seconds
from secc_kernel.wire import homeplug
from secc_kernel.wire.homeplug import BROADCAST, Frame
from secc_kernel.wire.layers import LAYERS, from_wire, to_wire

__all__ = ["Matching"]

_TOLD = ("RunID", "PEVID", "PEVMAC", "EVSEID", "EVSEMAC", "SourceAddress", "ForwardingSTA", "NID", "NMK", "NewKey")
"""The fields by which an attempt is known, and its network: they are the same in whatever is said of it."""
_NETWORK = {"NMK": "NID", "NewKey": "NID"}
"""The field that says a network's key, and the one that is made of it."""


class Matching(Layer):
    """One end's matching.

    Parameters
    ----------
    matcher : Matcher
        What does it.
    """

    schema = "slac"

    def __init__(self, matcher: Matcher) -> None:
        super().__init__()
        self.role = matcher.role
        self.matcher = matcher
        self._declared = LAYERS["slac"].declared
        self._seen: dict[int, Owed] = {}
        self._said: dict[str, Frame] = {}
        self._known: dict[str, Any] = {}
        self._peer: bytes | None = None

    def attend(self) -> None:
        """As of `Layer`; what goes on between host and modem besides matching is not for scripts."""
        super().attend()
        self.matcher.hold(lambda frame: type(frame.message).__name__ in self._declared)
        self.matcher.heard = self._heard

    def _heard(self, frame: Frame) -> None:
        found = from_wire(frame.message)
        if found is None:
            return
        if self.words.receives(self.role, found.name) and frame.source != self.matcher.mac:
            if not self._of_modem(found.name):
                self._peer = frame.source
            self._remember(frame)
            self._arrivals.append(self._as_sent(frame) or found)

    def _as_sent(self, frame: Frame) -> Message | None:
        """A message with what is counted when it is written, as the journal has it; None if it cannot be written."""
        try:
            return codec.decode(frame.payload(), self.schema)
        except (codec.DecodeError, ValueError):
            return None

    def _of_modem(self, name: str) -> bool:
        kind = self._declared[name]
        return issubclass(kind, homeplug.Message) and kind.SENDER in ("host", "modem")

    def _remember(self, frame: Frame) -> None:
        assert isinstance(frame.message, homeplug.Message)
        names = [field.name for field in homeplug.fields(type(frame.message)) if field.name in _TOLD]
        self._known |= {name: getattr(frame.message, name) for name in names}

    @property
    def busy(self) -> bool:
        """As of `Layer`, without looking at what is owed: asked at each step of a session."""
        return bool(self._arrivals or self.matcher.owed)

    @property
    def owed(self) -> tuple[Owed, ...]:
        """What would be sent now."""
        held = self.matcher.owed
        self._seen = {id(frame): self._seen.get(id(frame)) or self._owed(frame) for frame in held}
        return tuple(self._seen.values())

    def _owed(self, frame: Frame) -> Owed:
        found = from_wire(frame.message)
        assert found is not None
        return Owed(found, self.matcher.now, frame)

    @property
    def patience(self) -> float:
        """Half of the performance time of an answer."""
        return seconds("TP_match_response") / 2

    def draft(self, name: str) -> Message | None:
        """What is owed; of its own accord, what was said last, or else the fields that others have said."""
        owed = next((owed for owed in self.owed if owed.message.name == name), None)
        if owed is not None:
            return owed.message
        if name in self._said:
            return from_wire(self._said[name].message)
        kind: Any = self._declared[name]
        own = {"NMK": self.matcher.nmk, "NewKey": self.matcher.nmk, "NID": self.matcher.nid}
        names = {field.name for field in homeplug.fields(kind)}
        return from_wire(kind(**{key: value for key, value in {**self._known, **own}.items() if key in names}))

    def drop(self) -> None:
        """Owe the other end nothing any more; the own modem is still there."""
        self.matcher.drop(lambda frame: not self._of_modem(type(frame.message).__name__))

    def over(self, name: str) -> str:
        """When the modems have a link, only amplitude maps are exchanged; a host talks to its own modem at any time."""
        linked = self.matcher.state == "linked" and "AMP_MAP" not in name and not self._of_modem(name)
        return "the modems are matched and have a link" if linked else ""

    def release(self, owed: Owed, now: float) -> None:
        """Send what is owed."""
        self._sent(owed.to, owed.to.message)
        self.matcher.release(owed.to, now)

    def send(self, message: Message, now: float, intended: tuple[str, ...] = (), auto: tuple[str, ...] = ()) -> None:
        """Send a message in place of the first of its name that is owed, or to whoever was spoken to last.

        Raises
        ------
        LocalProtocolError
            There is nobody to send it to.
        codec.EncodeError
            A value does not fit its field.
        """
        codec.encode(message)
        made = to_wire(message)
        assert isinstance(made, homeplug.Message)
        owed = next((owed for owed in self.owed if owed.message.name == message.name), None)
        if owed is not None:
            self._sent(owed.to, made)
            self.matcher.release(owed.to, now, made, intended, auto)
        else:
            frame = Frame(self._destination(message.name), self.matcher.mac, made)
            self._sent(frame, made)
            self.matcher.say(frame, now, intended, auto)

    def completed(self, message: Message, auto: tuple[str, ...]) -> Message:
        """As of `Layer`: a network is named after the key that a script has set, unless it has named it, too."""
        for key, name in _NETWORK.items():
            if key in (field.name for field in type(message.value).__fields__) and name in auto and key not in auto:
                message.value.NID = homeplug.nid_of(getattr(message.value, key))
        return message

    def _sent(self, frame: Frame, message: homeplug.Message) -> None:
        said = replace(frame, message=message)
        self._said[type(message).__name__] = said
        self._remember(said)

    def _destination(self, name: str) -> bytes:
        if name in self._said:
            return self._said[name].destination
        kind = self._declared[name]
        assert issubclass(kind, homeplug.Message)
        if kind.SENDER == "host":
            return LOCAL_MODEM
        found = self._peer or (BROADCAST if kind.SENDER == "EVCC" else None)
        if found is None:
            raise LocalProtocolError(f"{name} has nobody to go to: no vehicle has been heard on the line")
        return found
