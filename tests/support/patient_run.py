"""``secc-kernel run`` with more patience in the DC charge loop.

The independent package codes EXI in Java over a socket: on a busy machine its station misses the 250 ms of
V2G_EVCC_Msg_Timeout for CurrentDemand. The session is what the test is about, not that machine's speed.
"""

import sys

from secc_kernel import cli
from secc_kernel.session import timers

timers.MESSAGES["iso2"][1]["CurrentDemand"] = timers.MessageTimes(5.0, 4.5)
sys.exit(cli.main())
