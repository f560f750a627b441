"""What completion and inspection know beside the declarations: how the kernel stood when it was last looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from secc_kernel.lua.survey import Known

__all__ = ["World"]


@dataclass(frozen=True)
class World:
    """A picture of the kernel that any thread may read.

    Attributes
    ----------
    globals : mapping of str to Known
        What scripts have made, by path.
    names : tuple of str
        The globals that are there from the start.
    schemas : tuple of str
        The vocabularies in use, in the order in which names are looked up.
    coming : tuple of str
        The messages that can come next in the live session, the likeliest first.
    side : str
        The table of the party that the script plays.
    language : str
        In which language things are explained.
    line_magics, cell_magics : tuple of str
        IPython's.
    """

    globals: Mapping[str, Known] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ("iso2", "sap", "sdp", "slac")
    coming: tuple[str, ...] = ("SessionSetupReq", "SessionSetupRes")
    side: str = "Secc"
    language: str = "en"
    line_magics: tuple[str, ...] = ()
    cell_magics: tuple[str, ...] = ()

    def fields(self, path: tuple[str, ...]) -> dict[str, Known]:
        """The fields of a script's table that can be reached at a path."""
        begin = ".".join(path) + "."
        return {
            name[len(begin) :]: known
            for name, known in self.globals.items()
            if name.startswith(begin) and "." not in name[len(begin) :]
        }
