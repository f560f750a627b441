"""An example of PyPI's pyslac, as it is, but for its waits: it gives a modem ten seconds to settle, twice.

Run by the Python that has that package; the argument is ``ev`` or ``evse``. Its examples name their interfaces
themselves: `INTERFACES`.
"""

import runpy
import sys
import time

INTERFACES = {"ev": "enp0s3", "evse": "eth0"}
EXAMPLES = {"ev": "ev_slac_scapy", "evse": "single_slac_session"}
LONGEST_WAIT = 0.4


def main(role):
    import pyslac.enums

    wait = time.sleep
    time.sleep = lambda seconds: wait(min(seconds, LONGEST_WAIT))
    pyslac.enums.SLAC_SETTLE_TIME = LONGEST_WAIT
    runpy.run_module(f"pyslac.examples.{EXAMPLES[role]}", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
