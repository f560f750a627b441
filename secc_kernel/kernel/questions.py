"""``name?``, ``?name`` and ``name??`` about names of Lua; about all others IPython answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core import page

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from secc_kernel.kernel.assistant import Assistant

__all__ = ["register"]

_QUESTION = re.compile(r"\??\s*([A-Za-z_][\w.:]*)\s*(\?{0,2})\s*", re.ASCII)


def register(shell: InteractiveShell, assistant: Assistant) -> None:
    """Have a shell's questions answered by an assistant first.

    Parameters
    ----------
    shell : InteractiveShell
        Where the magics behind the questions are replaced.
    assistant : Assistant
        Knows the names of Lua.
    """
    magics: Any = shell.magics_manager
    for magic, detail in (("pinfo", 0), ("pinfo2", 1)):
        magics.register_function(_about(assistant, shell.find_line_magic(magic), detail), magic_name=magic)
    magics.register_function(_search(assistant, shell.find_line_magic("psearch")), magic_name="psearch")


def _about(assistant: Assistant, otherwise: Any, detail: int) -> Any:
    def answer(line: str) -> Any:
        """Explain a name."""
        found = _QUESTION.fullmatch(line.strip())
        said = assistant.bundle(found[1].replace(":", "."), detail or int(found[2] == "??")) if found else None
        return page.page(said) if said else otherwise(line)

    return answer


def _search(assistant: Assistant, otherwise: Any) -> Any:
    def answer(line: str) -> Any:
        """List the names that fit a pattern."""
        names = assistant.names_like(line.strip().strip("?").strip())
        return page.page({"text/plain": "\n".join(names)}) if names else otherwise(line)

    return answer
