"""Who acts below V2G, in matching and SDP: the script or the autopilot.

What a `Pilot` does for the messages of a session, `Lower` does for those of the layers below, by the same rules: a
message that a script has received is the script's to answer, and whatever it does not wait for itself the autopilot
sends, with what the script has set. It differs where these layers do: there may be several messages owed at a time,
several of one name arrive one after the other, and most follow no request.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ..codec import Message
from ..session.journal import FindingEntry, NoteEntry
from ..session.layer import Layer, Owed
from ..session.slac.layer import Matching
from ..wire.layers import home
from .base import Maker, Wait
from .reasons import owed_below

if TYPE_CHECKING:
    from ..session.evcc import EVCC
    from ..session.secc import SECC
    from .pilot import Pilot

__all__ = ["Level", "Lower"]

_ANSWERS = {"_REQ": "_CNF", "_IND": "_RSP", "Req": "Res"}


def _answer(name: str) -> str:
    """How the answer to a message would be called; '' for what is one."""
    return next((name.removesuffix(asks) + says for asks, says in _ANSWERS.items() if name.endswith(asks)), "")


class Level:
    """A layer of a party, and what the session remembers of it.

    Parameters
    ----------
    party : SECC or EVCC
        The party.
    layer : Layer
        Its part in the layer; attended to from now on.

    Attributes
    ----------
    arrived, sent : dict
        The last message of each name.
    unreceived : deque
        The messages that have arrived and that the script has not received yet, in order.
    taken : list of Owed
        What the script has taken upon itself: it was owed when the script received something, or ran up to here.
    count : int
        How many messages of the plug-in have been sent or have arrived.
    latest : int
        The place of the last one in the order of the exchange.
    """

    def __init__(self, party: SECC | EVCC, layer: Layer) -> None:
        self.party = party
        self.layer = layer
        self.arrived: dict[str, Message] = {}
        self.sent: dict[str, Message] = {}
        self.unreceived: deque[Message] = deque()
        self.taken: list[Owed] = []
        self.count = 0
        self.latest = -1
        self._over = False
        layer.attend()

    def forget(self) -> None:
        """Everything begins anew."""
        self.arrived.clear()
        self.sent.clear()
        self.unreceived.clear()
        self.taken.clear()
        self.count, self.latest, self._over = 0, -1, False

    def end(self) -> None:
        """The session has ended: what was exchanged can be looked at until the next plug-in begins."""
        self.unreceived.clear()
        self.taken.clear()
        self.count, self.latest, self._over = 0, -1, True

    @property
    def below(self) -> bool:
        """Whether its messages are those of a layer below V2G."""
        return True

    def moment(self, direction: str) -> int:
        """What tells this message from the next of its name."""
        return self.count

    def note(self, message: Message, memory: dict[str, Message]) -> None:
        """A message was sent, or has arrived."""
        if self._over:
            self.forget()
        self.count += 1
        place = self.layer.words.place(message.name)
        self.latest = self.latest if place < 0 else place
        memory[message.name] = message

    def oldest(self, name: str) -> Message | None:
        """The first message of that name that the script has not received."""
        return next((message for message in self.unreceived if message.name == name), None)

    def owed(self) -> list[Owed]:
        """What is owed now."""
        return list(self.layer.owed)

    @property
    def holds(self) -> bool:
        """Whether something is owed that is the script's."""
        return any(owed in self.taken for owed in self.layer.owed)

    def draft(self, name: str, now: float) -> Message | None:
        """The autopilot's message of that name for this moment."""
        return self.layer.draft(name)

    def patience(self) -> float:
        """How long what is the script's waits for it between two cells on a real link."""
        return self.layer.patience


class Lower:
    """Decides below V2G for the parties on a link. Everything here happens in the link's thread.

    Parameters
    ----------
    pilot : Pilot
        Who decides above.
    """

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot
        self.levels: dict[str, list[Level]] = {}
        self._all: tuple[Level, ...] = ()
        self._counting = ""
        self._uncounted: deque[Message] = deque()
        for role in pilot.link.parties:
            self.attend(role)

    def attend(self, role: str) -> None:
        """Take over the layers of a party: at the beginning, or when another vehicle has taken its place."""
        link = self._pilot.link
        party, datalink = link.parties[role], link.datalinks.get(role)
        layers: list[Layer] = [] if datalink is None else [Matching(datalink.matcher)]
        self.levels[role] = [Level(party, layer) for layer in (*layers, party.discovery)]
        self._all = tuple(level for levels in self.levels.values() for level in levels)

    def level(self, role: str, name: str) -> Level | None:
        """Where a party's messages of that name are; None for those of V2G, and for what the link does not have."""
        words = home(name)
        found = (level for level in self.levels.get(role, ()) if words is not None and level.layer.words is words)
        return next(found, None)

    def of_modem(self, wait: Wait) -> bool:
        """Whether a wait is for what a host and its own modem tell each other, which they do at any time."""
        words = home(wait.name)
        return words is not None and words.place(wait.name) < 0

    def owed(self, role: str) -> tuple[str, ...]:
        """The messages that a party owes; read by other threads, too.

        What a host says to its own modem goes by itself: it is owed only where a script has taken it.
        """
        return tuple(
            owed.message.name
            for level in self.levels[role]
            for owed in level.layer.owed
            if level.layer.words.place(owed.message.name) >= 0 or owed in level.taken
        )

    def held(self, role: str) -> Owed | None:
        """What the script has taken upon itself and has not sent, be it that it can be sent no more."""
        taken = ((level, owed) for level in self.levels[role] for owed in level.taken)
        return next((owed for level, owed in taken if level.layer.words.place(owed.message.name) >= 0), None)

    def drop(self, role: str) -> None:
        """Nobody is there any more whom a party could answer."""
        for level in self.levels[role]:
            level.layer.drop()
            level.end()

    def forget(self) -> None:
        """A vehicle is plugged in: everything begins anew."""
        for level in self._all:
            level.forget()

    def ended(self, role: str) -> None:
        """The session of a party has ended."""
        for level in self.levels[role]:
            level.end()
        if role in self._pilot.link.datalinks:
            self._pilot.link.datalinks[role].events()  # told by the journal; nobody else takes them

    # -- waits --------------------------------------------------------------------------------------------------------

    def begin(self, wait: Wait) -> bool:
        """Whether a wait is for something below, and has come to its end at once."""
        if wait.kind != "message":
            self._counting = ""
            self._uncounted.clear()
        elif self._uncounted:
            self.take(wait.role)
            self._pilot.finish(wait, self._uncounted.popleft())
            return True
        if home(wait.name) is None:
            return False
        level = self.level(wait.role, wait.name)
        if level is None:
            place = self._pilot.link.place
            self._pilot.fail(wait, f"{wait} cannot come: there is no powerline on this link ({place})")
            return True
        if wait.sends or level.oldest(wait.name) is None:
            return False
        if wait.kind == "turn" and level.latest != level.layer.words.place(wait.name):
            return False  # it has been answered
        self._received(level, wait)
        return True

    def begin_send(self, wait: Wait) -> bool:
        """Whether a message is one of these layers; it is sent now, or when its turn has come, as `Pilot.begin_send`.

        What can no longer have its turn goes out at once: on a line nobody is asked whether he wants to hear it.
        """
        if home(wait.sends) is None:
            return False
        level = self.level(wait.role, wait.sends)
        if level is not None and self._now(level, wait):
            self._pilot.begin_now(wait)
        else:
            self._pilot.begin(wait)
        return True

    def _now(self, level: Level, wait: Wait) -> bool:
        name = wait.sends
        if any(owed.message.name == name for owed in level.layer.owed) or level.holds:
            return True
        if level.party.ended is not None or not self._pilot.link.plugged:
            return False
        if not self._pilot.flies(wait.role):
            return True
        return bool(level.count and (self._over(level, name) or level.layer.words.place(name) < level.latest))

    def _received(self, level: Level, wait: Wait) -> None:
        """The script has got what it waited for; what is owed in answer is its own."""
        message = level.oldest(wait.name)
        if message is not None and wait.kind == "receive":
            level.unreceived.remove(message)
        self._take(level)
        self._pilot.finish(wait, message if wait.kind == "receive" else None)

    def _take(self, level: Level) -> None:
        level.taken = level.owed()
        self._pilot.seats[level.party.role].used = True

    def take(self, role: str) -> None:
        """Everything that a party owes is the script's: the session has stopped for it."""
        for level in self.levels[role]:
            self._take(level)

    def transmit(self, role: str, name: str, make: Maker) -> Message:
        """Make a message over the autopilot's and send it."""
        pilot, level = self._pilot, self.level(role, name)
        assert level is not None
        layer, now = level.layer, pilot.link.now
        due = any(owed.message.name == name for owed in layer.owed)
        composed = make(level.party.schema, layer.draft(name), pilot.flies(role))
        message = layer.completed(composed.message, composed.auto)
        layer.send(message, now, composed.intended, composed.auto)
        if not due:
            text = f"{name} was sent of the script's own accord, on purpose: the {role} did not owe it"
            pilot.journal.append(FindingEntry(now, "turn", "note", text))
        self._sent(level, message)
        pilot.settle()
        return message

    # -- what happens -------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Take in what has arrived; whether anything has."""
        arrived = [(level, message) for level in self._busy() for message in level.layer.arrivals()]
        for level, message in arrived:
            self._arrived(level, message)
        self._judge()
        return bool(arrived)

    def _busy(self) -> list[Level]:
        return [level for level in self._all if level.layer.busy]

    def _arrived(self, level: Level, message: Message) -> None:
        pilot, name = self._pilot, message.name
        level.note(message, level.arrived)
        level.unreceived.append(message)
        pilot.stops.meet(level, name, "receive")
        wait = pilot.wait
        mine = wait is not None and wait.role == level.party.role and not wait.sends
        if wait is not None and mine and wait.name == name and wait.kind in ("receive", "turn"):
            if pilot.stops.holds(wait):
                pilot.stops.afterwards(lambda: self._received(level, wait))
            else:
                self._received(level, wait)
        self._counted(level, message)

    def _sent(self, level: Level, message: Message) -> None:
        level.note(message, level.sent)
        answer = _answer(message.name)
        for old in [old for old in level.unreceived if old.name == answer]:
            level.unreceived.remove(old)  # asked again: an answer of before is none to this
        level.taken = [owed for owed in level.taken if owed in level.layer.owed]
        self._counted(level, message)

    def _counted(self, level: Level, message: Message) -> None:
        """A message of this party's conversation went over the wire."""
        wait = self._pilot.wait
        if wait is not None and wait.kind == "message" and wait.role == level.party.role:
            self._counting = wait.role
            self._take(level)
            self._pilot.finish(wait, message)
        elif wait is None and self._counting == level.party.role:
            self._uncounted.append(message)  # frames may arrive at the same moment: who asks for the next gets it

    def _judge(self) -> None:
        """Fail a wait for what comes no more before everything begins anew."""
        pilot, wait = self._pilot, self._pilot.wait
        level = None if wait is None else self.level(wait.role, wait.name)
        if wait is None or level is None or pilot.stops.holds(wait) or level.party.ended is not None:
            return
        why = self._over(level, wait.name)
        if why:
            pilot.fail(wait, f"{wait} cannot come any more: {why}")

    def _over(self, level: Level, name: str) -> str:
        """Why a message cannot come before everything begins anew: what comes after its layer has begun."""
        found = level.layer.over(name)
        if level.layer.words.place(name) < 0:
            return found  # between a host and its own modem, nothing is over
        levels = self.levels[level.party.role]
        above = next((other for other in levels[levels.index(level) + 1 :] if other.count or other.layer.owed), None)
        if not found and above is not None:
            return f"{level.layer.words.title} is over, and {above.layer.words.title} has begun"
        if not found and level.party.connection is not None:
            return f"{level.layer.words.title} is over, and the vehicle is connected"
        return found

    # -- who acts -----------------------------------------------------------------------------------------------------

    def decide(self) -> bool:
        """Who acts on what is owed. True when something was done."""
        busy = False
        for level in self._busy():
            for owed in level.layer.owed:
                if owed in level.layer.owed:  # what was decided just now may have led to it
                    busy = self._decide(level, owed) or busy
        return busy

    def _decide(self, level: Level, owed: Owed) -> bool:
        pilot, wait = self._pilot, self._pilot.wait
        role, name = level.party.role, owed.message.name
        if pilot.stops.held or wait is None:
            return self._decide_alone(level, owed, 0 if pilot.stops.held else pilot.scripts)
        if wait.role == role and wait.kind == "turn" and wait.name == name:
            self._take(level)
            pilot.finish(wait)
            return True
        if wait.kind == "time" and role == wait.role and level.layer.words.place(name) >= 0:
            return False  # but a host goes on to talk to its own modem, whose time runs as well
        if not self._flies(level, name):
            pilot.fail(wait, owed_below(wait, owed.message, level.arrived))
            return True
        if wait.role == role and self._passed(level, wait, name):
            text = f"{name} follows, and {wait.name} comes again only with another attempt"
            self._take(level)
            pilot.fail(wait, f"{wait} cannot come any more: {text}")
            return True
        return self._act(level, owed)

    def _passed(self, level: Level, wait: Wait, name: str) -> bool:
        """Whether what is owed leads away from what is waited for, unless the script has changed what is said next."""
        words = level.layer.words
        if wait.kind not in ("receive", "turn") or home(wait.name) is not words:
            return False
        here = words.place(name)
        if not 0 <= words.place(wait.name) < here:
            return False
        return not any(self._pilot.overrides(other) for other in words.elements if words.place(other) >= here)

    def _flies(self, level: Level, name: str) -> bool:
        """Whether the autopilot may send; what a host says to its own modem is no part of the conversation."""
        return self._pilot.flies(level.party.role) or level.layer.words.place(name) < 0

    def _decide_alone(self, level: Level, owed: Owed, scripts: int) -> bool:
        """Nobody waits. A real peer is served all the same; what the script has taken waits for it, for a while."""
        pilot = self._pilot
        role, link = level.party.role, pilot.link
        if not link.real or not self._flies(level, owed.message.name) or (scripts and role == pilot.side):
            return False
        if link.now < self._due(level, owed):
            return False
        return self._act(level, owed)

    def _due(self, level: Level, owed: Owed) -> float:
        return owed.since + level.patience() if owed in level.taken else owed.since

    def next_act(self) -> float | None:
        """When the autopilot takes back what a script has taken, on a real link where nobody waits."""
        pilot = self._pilot
        if not pilot.link.real or pilot.wait is not None:
            return None
        times = [self._due(level, owed) for level in self._all for owed in level.taken if owed in level.layer.owed
                 and self._flies(level, owed.message.name)
                 and not (pilot.scripts and level.party.role == pilot.side)]  # fmt: skip
        return min(times, default=None)

    def _act(self, level: Level, owed: Owed) -> bool:
        """The autopilot's move; with what the script has set, if there is any."""
        pilot, name, now = self._pilot, owed.message.name, self._pilot.link.now
        # What both sides send is what the script's side sends.
        others = level.party.role != pilot.side and level.layer.words.sends(pilot.side, name)
        make = None if others else pilot.overrides(name)
        if pilot.stops.watches(name) and pilot.stops.meet(level, name, "send"):
            return False
        if make is None:
            level.layer.release(owed, now)
            self._sent(level, owed.message)
            return True
        try:
            self.transmit(level.party.role, name, make)
            pilot.changed(name)
        except Exception as error:
            if pilot.wait is None:
                pilot.journal.append(NoteEntry(now, f"what the script set for {name} was left out: {error}"))
                level.layer.release(owed, now)
                self._sent(level, owed.message)
            else:
                wait, pilot.wait = pilot.wait, None
                wait.resolve(error=error)
        return True
