"""Investigate EV charging communication: decode captures, run sessions, look at every bit.

>>> import secc_kernel
>>> journal = secc_kernel.read_capture("charge.pcapng")     # doctest: +SKIP
>>> journal.messages()                                      # doctest: +SKIP

Everything but the Jupyter kernel itself works in a plain script. What is named here is loaded when first used, so
``import secc_kernel`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secc_kernel import codec, views
    from secc_kernel.link.capture import read_capture
    from secc_kernel.link.export import write_capture
    from secc_kernel.session.journal import Journal

__version__ = "0.1.0.dev0"

__all__ = ["Journal", "__version__", "codec", "read_capture", "views", "write_capture"]

#: Public name -> (module that has it, name there; None for the module itself).
_LAZY: dict[str, tuple[str, str | None]] = {
    "Journal": ("secc_kernel.session.journal", "Journal"),
    "codec": ("secc_kernel.codec", None),
    "read_capture": ("secc_kernel.link.capture", "read_capture"),
    "views": ("secc_kernel.views", None),
    "write_capture": ("secc_kernel.link.export", "write_capture"),
}


def __getattr__(name: str) -> Any:
    try:
        module_name, attribute = _LAZY[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    module = importlib.import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def load_ipython_extension(ipython: Any) -> None:
    """Add ``%%lua`` cells to a Python notebook: ``%load_ext secc_kernel``."""
    from secc_kernel.kernel import extension

    extension.load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Take them away again: ``%unload_ext secc_kernel``."""
    from secc_kernel.kernel import extension

    extension.unload(ipython)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
