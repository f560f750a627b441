"""The data link: from the plug to IPv6 and back (ISO 15118-3, clauses 7 to 9, annex A), both ends, without I/O.

A `DataLink` joins three things that know nothing of each other: the control pilot, the matching of the modems
(`slac.Matcher`), and the party above. The plug goes in, the control pilot goes to B, the station answers with 5 %, the
modems are matched, and when they have a link the party begins (D-LINK_READY). When the party's session has ended the
data link does what its end asks for: D-LINK_TERMINATE (the network is left, no oscillation), D-LINK_PAUSE (the network
stays, no oscillation, until somebody wakes up the other), or D-LINK_ERROR (the network is left, the control pilot goes
to E for T_step_EF, and everything begins anew).

A link (simulated, powerline) moves its frames and lets time pass, as it does for parties::

    link.open(now)         # the interface is there
    link.receive(frame, now)
    for frame in link.outgoing(): ...
    link.advance(now)      # at the latest at link.next_deadline()

Without a control pilot (a powerline interface with no board beside it) matching begins with what is heard on the line.
"""

from secc_kernel.session.datalink.base import DataLink, LinkDown, LinkReady
from secc_kernel.session.datalink.station import StationDataLink
from secc_kernel.session.datalink.vehicle import VehicleDataLink

__all__ = ["DataLink", "LinkDown", "LinkReady", "StationDataLink", "VehicleDataLink"]
