"""Print pip constraints that pin each dependency to the oldest release that pyproject.toml allows: part of .ci/run.

    python scripts/oldest.py PYTHON [EXTRA...]      # PYTHON: the version that the environment will have, such as 3.10

Read from the installed distribution's metadata, so there is no second list to keep. A dependency without a lower bound
is an error: nothing would say since when it works.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import requires

from packaging.requirements import Requirement

NAME = "secc-kernel"


def chosen(extras: Iterable[str], python: str) -> Iterator[Requirement]:
    """What the project and these extras need on that Python; an extra that names the project brings its own."""
    asked = {"", *extras}
    done: set[str] = set()
    while asked - done:
        extra = (asked - done).pop()
        done.add(extra)
        for text in requires(NAME) or ():
            requirement = Requirement(text)
            place = {"extra": extra, "python_version": python, "python_full_version": f"{python}.0"}
            without = {**place, "extra": ""}
            if requirement.marker and not requirement.marker.evaluate(place):
                continue
            if extra and (requirement.marker is None or requirement.marker.evaluate(without)):
                continue  # the project's own, not this extra's
            if requirement.name == NAME:
                asked |= requirement.extras
            else:
                yield requirement


def oldest(requirement: Requirement) -> str:
    """The lowest version that a requirement allows."""
    bounds = [bound.version for bound in requirement.specifier if bound.operator in (">=", "==", "~=")]
    if len(bounds) != 1:
        raise SystemExit(f"{requirement}: pyproject.toml has to say the oldest version that works")
    return bounds[0]


def main(python: str, *extras: str) -> None:
    for requirement in sorted(chosen(extras, python), key=str):
        print(f"{requirement.name}=={oldest(requirement)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
