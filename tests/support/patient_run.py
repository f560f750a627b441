"""``secc-kernel run`` with a vehicle that waits longer for answers.

The independent package codes EXI in Java over a socket: on a busy machine its station misses V2G_EVCC_Msg_Timeout,
first of all the 250 ms of CurrentDemand. The session is what the test is about, not that machine's speed.
"""

import sys
from dataclasses import replace

from secc_kernel import cli
from secc_kernel.session import timers

for schema in ("sap", "iso2", "din"):
    usual, exceptions = timers.MESSAGES[schema]
    patient = {name: replace(times, timeout=15.0) for name, times in exceptions.items()}
    timers.MESSAGES[schema] = (replace(usual, timeout=15.0), patient)
sys.exit(cli.main())
