"""String tables (EXI 1.0, 7.3): URIs, local names, and values already seen."""

from __future__ import annotations

from .names import QName
from .schema import Schema


class StringTables:
    """The tables of one stream, which start from the schema's and grow as names and values appear."""

    def __init__(self, schema: Schema) -> None:
        self._initial = _partitions(schema)
        self.uris: list[str] = list(self._initial)
        self._names: dict[str, list[str]] = {}
        self.values: list[str] = []
        self.local_values: dict[QName, list[str]] = {}
        self.grown = False
        """Whether there are names that the schema does not know."""

    def names(self, uri: str) -> list[str]:
        """The local names known for a URI."""
        found = self._names.get(uri)
        if found is None:
            found = self._names[uri] = list(self._initial.get(uri, ()))
        return found

    def add_uri(self, uri: str) -> None:
        """Remember a URI that the stream spelt out."""
        self.uris.append(uri)
        self.grown = True

    def add_name(self, uri: str, name: str) -> None:
        """Remember a local name that the stream spelt out."""
        self.names(uri).append(name)
        self.grown = True

    def add_value(self, qname: QName, value: str) -> None:
        """Remember a value of an element or attribute. Empty strings have no entry (EXI 1.0, 7.3.3)."""
        if value:
            self.values.append(value)
            self.local_values.setdefault(qname, []).append(value)


_KNOWN: dict[int, tuple[Schema, dict[str, list[str]]]] = {}


def _partitions(schema: Schema) -> dict[str, list[str]]:
    known = _KNOWN.get(id(schema))
    if known is None:
        known = _KNOWN[id(schema)] = (schema, schema.string_partitions())
    return known[1]
