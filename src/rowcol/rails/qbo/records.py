"""Records: QuickBooks' JSON taken apart; unknown keys pass, wrong ones are `Unreadable`.

Numbers stay exact: a fraction is a Decimal, never a float. Not here: what a row means to us
(`mirror.py`), nor error bodies (`errors.py`).
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
from typing_extensions import override

from rowcol.core.wire import MAX_ANSWER_BYTES

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Id = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,100}$")]
_CONTROLS = re.compile("[\x00-\x1f\x7f]")
_TEXT_MAX = 500
_DIGITS_MAX = 18
_PLACE = re.compile(r"at `(\$[\w.\[\]]*)`$")

Body = dict[str, Any]
T = TypeVar("T")


class Unreadable(ValueError):
    """The bytes are not what the docs promise. The message is ours and safe to store."""


class MetaRecord(msgspec.Struct, frozen=True):
    """A create answer may lack the time of the last change."""

    LastUpdatedTime: str | None = None


class RowRecord(msgspec.Struct, frozen=True):
    """What every object has. A tombstone has `status` "Deleted" and neither token nor content."""

    Id: Id
    SyncToken: str = ""
    status: str = ""
    MetaData: MetaRecord = MetaRecord()


class QueryAnswer(msgspec.Struct, frozen=True):
    """`{"QueryResponse": {"Bill": [..], "startPosition": 1, "maxResults": 2}, "time": ".."}`; {} where nothing fits."""

    QueryResponse: Body
    time: Moment | None = None


class ChangesRecord(msgspec.Struct, frozen=True):
    """Groups of any order, several of one type too; unchanged types are missing or {}."""

    QueryResponse: list[Body]


class ChangesAnswer(msgspec.Struct, frozen=True):
    """`{"CDCResponse": [{"QueryResponse": [{"Bill": [..]}, {}]}], "time": ".."}`."""

    CDCResponse: list[ChangesRecord]
    time: Moment


class TokenAnswer(msgspec.Struct, frozen=True):
    """Lives are read leniently: to lose a rotated refresh token over one of them would end the grant."""

    access_token: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]
    refresh_token: Annotated[str, msgspec.Meta(max_length=8192)] | None = None
    expires_in: object = None
    x_refresh_token_expires_in: object = None
    x_refresh_token_hard_expires_in: object = None

    @override
    def __repr__(self) -> str:
        """Never the tokens."""
        return "TokenAnswer(...)"


def decode(body: bytes, kind: type[T]) -> T:
    """Read `body` as `kind`, or raise `Unreadable`."""
    if len(body) > MAX_ANSWER_BYTES:
        raise Unreadable("larger than an answer may be")
    try:
        record = msgspec.json.Decoder(kind, float_hook=Decimal).decode(body)
        json.loads(body, object_pairs_hook=_once, parse_int=_whole, parse_float=str)
    except (ValueError, ArithmeticError, RecursionError) as error:
        found = _PLACE.search(str(error))
        where = f" at {found.group(1)}" if found else ""
        raise Unreadable(f"not the promised JSON{where}") from error
    return record


def convert(value: object, kind: type[T]) -> T:
    """Read a decoded object as `kind`, or raise `Unreadable`."""
    try:
        return msgspec.convert(value, kind)
    except ValueError as error:
        found = _PLACE.search(str(error))
        where = f" at {found.group(1)}" if found else ""
        raise Unreadable(f"an object that is none{where}") from error


def utc(moment: datetime) -> datetime:
    """The same moment in UTC."""
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Unreadable("a time out of range") from error


def moment_of(value: str | None) -> datetime | None:
    """A time given as text; None where there is none, `Unreadable` where it is no time with a zone."""
    return None if value is None else utc(convert(value, Moment))


def day_of(value: object) -> date | None:
    """A date as the books have it, without a zone; None where it is none."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def amount_of(value: object) -> Decimal | None:
    """A number, None where there is none; `Unreadable` where it is something else."""
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise Unreadable("an amount that is no number")


def text(value: object) -> str:
    """A text for people: no control characters, bounded."""
    if not isinstance(value, str):
        return ""
    value = value[:_TEXT_MAX]
    return value if value.isprintable() else _CONTROLS.sub(" ", value)


def _once(pairs: list[tuple[str, object]]) -> None:
    """Two readers may disagree on which of two equal keys counts, so none does."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise Unreadable("a key is given twice")


def _whole(digits: str) -> None:
    """No store holds more."""
    if len(digits) > _DIGITS_MAX + 1:
        raise Unreadable("a number too large")
