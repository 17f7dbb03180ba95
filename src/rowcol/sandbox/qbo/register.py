"""The register of a company: which names and document numbers are taken."""

from __future__ import annotations

from dataclasses import dataclass, field

from rowcol.sandbox.qbo.catalog import Kind
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.values import Json

_Key = tuple[str, str]


@dataclass(slots=True)
class Register:
    """Name or number -> id of the row that has it."""

    _names: dict[_Key, str] = field(default_factory=dict)
    _numbers: dict[_Key, str] = field(default_factory=dict)

    def check(self, kind: Kind, row: Json, row_id: str, *, is_strict: bool) -> None:
        """Raise 6240 for a name that is taken; 6140 for a document number when the company is strict."""
        if kind.is_list and self._names.get(_name(kind, row), row_id) != row_id:
            raise QboError("6240")
        number = _number(kind, row)
        if is_strict and number[1] and self._numbers.get(number, row_id) != row_id:
            raise QboError("6140", number[1])

    def note(self, kind: Kind, row_id: str, before: Json | None, after: Json | None) -> None:
        """A row went from one state to another."""
        for index, key_of in ((self._names, _name), (self._numbers, _number)):
            if before is not None and index.get(key_of(kind, before)) == row_id:
                del index[key_of(kind, before)]
            if after is not None and (key := key_of(kind, after))[1]:
                index[key] = row_id


def _name(kind: Kind, row: Json) -> _Key:
    """Vendor, Customer and Employee share their names."""
    if kind.names_by is None:
        return "", ""
    return "" if kind.shares_names else kind.name, str(row.get(kind.names_by, "")).lower()


def _number(kind: Kind, row: Json) -> _Key:
    return kind.name, str(row.get("DocNumber", ""))
