"""Matching on the powerline (SLAC, ISO 15118-3, annex A), both ends, without sockets and without a clock.

Many EVs and EVSEs hear each other on one line; matching finds out who is plugged to whom. The EV makes sounds, each
EVSE's modem measures how well it hears them, the EVSE tells the EV the average, and the EV takes the one that hears it
best, after asking it to watch the control pilot if that is not sure. Then it gets the key to the EVSE's network, gives
it to its modem, and when the modems have a link, IPv6 can begin.

A `Matcher` takes frames and the time (`receive`, `advance`), and gives frames to send (`outgoing`) and events. It talks
to its own modem by frames as well: a key is set by CM_SET_KEY, attenuation arrives as CM_ATTEN_PROFILE. What a script
wants to send itself is held back (`hold`) until it is released, changed or not. Several EVs at one EVSE are told apart
by address and run id; what belongs to others is recorded and otherwise left alone.
"""

from secc_kernel.session.slac.ev import EVMatcher
from secc_kernel.session.slac.evse import EVSEMatcher
from secc_kernel.session.slac.matcher import Failed, Linked, Matched, Matcher, TogglePilot, Unlinked
from secc_kernel.session.slac.times import LIMITS, Tolerances

__all__ = [
    "LIMITS",
    "EVMatcher",
    "EVSEMatcher",
    "Failed",
    "Linked",
    "Matched",
    "Matcher",
    "TogglePilot",
    "Tolerances",
    "Unlinked",
]
