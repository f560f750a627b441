"""What the kernel does to a process that takes too much memory."""

import os
import signal


def decode_part(part: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
