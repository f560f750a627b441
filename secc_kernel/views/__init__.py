"""Looks at a journal: each view is a function of it, shown as HTML in a notebook and as text in a terminal.

>>> from secc_kernel import views
>>> views.exchange(journal, 3)              # doctest: +SKIP
>>> views.timing(journal).data              # doctest: +SKIP

What a view returns has ``data``, the same facts as a pandas DataFrame. A message is named by its index ``i`` in the
journal, the last one by default; a negative index counts from the end. Nothing here changes a journal.
"""

from secc_kernel.views.handshake import handshake
from secc_kernel.views.message import exchange, exi, header, message, xml
from secc_kernel.views.plug_ins import plug_ins
from secc_kernel.views.run import run
from secc_kernel.views.table import fields, messages, timing
from secc_kernel.views.view import View

__all__ = [
    "View",
    "exchange",
    "exi",
    "fields",
    "handshake",
    "header",
    "message",
    "messages",
    "plug_ins",
    "run",
    "timing",
    "xml",
]
