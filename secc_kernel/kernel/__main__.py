"""Start the kernel: what the kernelspec's argv runs."""

from __future__ import annotations

import sys
from pathlib import Path

# As ipykernel_launcher does: a file of the notebook's folder must not stand in for a module of the kernel's own
# (``random.py``). ipykernel puts the folder back before the first cell.
if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():
    del sys.path[0]

from ipykernel.kernelapp import IPKernelApp

from secc_kernel.kernel.kernel import SeccKernel

IPKernelApp.launch_instance(kernel_class=SeccKernel)
