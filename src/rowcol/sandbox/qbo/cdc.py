"""Change data capture: one answer with everything that changed, capped at 1,000 objects over all types together.

Groups come in the order of the catalog, rows by LastUpdatedTime, tombstones last. What the cap cuts off is the tail.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from rowcol.sandbox.qbo.books import Books
from rowcol.sandbox.qbo.catalog import KINDS, Kind, kind_of
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.values import Json

MAX_OBJECTS: Final = 1_000
MAX_AGE: Final = timedelta(days=30)


def changes(entities: str, changed_since: str, books: Books) -> Json:
    """The envelope without its `time`. Raise `QboError`."""
    kinds = requested(entities, books)
    since = _since(changed_since, books)
    groups: list[Json] = []
    room = MAX_OBJECTS
    for kind in kinds:
        rows = _group(kind, since, books, room)
        if not rows:
            continue
        room -= len(rows)
        group: Json = {kind.name: rows, "startPosition": 1, "maxResults": len(rows)}
        if kind.shows_total_count:
            group["totalCount"] = len(rows)
        groups.append(group)
    return {"CDCResponse": [{"QueryResponse": groups or [{}]}]}


def requested(entities: str, books: Books) -> list[Kind]:
    """The types of the list, in the order of the catalog."""
    names = [name.strip() for name in entities.split(",") if name.strip()]
    if not names:
        raise QboError("2020", "entities", element="entities")
    wanted = set()
    for name in names:
        kind = kind_of(name)
        if kind is None or not kind.in_cdc:
            raise QboError("4001", f"invalid context declaration: {name}")
        wanted.add(kind.name)
    if not books.switches.cdc_has_deposit:
        wanted.discard("Deposit")
    return [kind for kind in KINDS.values() if kind.name in wanted]


def _since(text: str, books: Books) -> float:
    if not text:
        raise QboError("2020", "changedSince", element="changedSince")
    try:
        since = books.clock.parse(text)
    except ValueError:
        raise QboError("2010", f"changedSince {text}", element="changedSince") from None
    oldest = (books.clock.now() - MAX_AGE).timestamp()
    if since > books.clock.stamp() and books.switches.cdc_future == "fault_400":
        raise QboError("2010", "changedSince is in the future", element="changedSince")
    if since >= oldest:
        return since
    shape = books.switches.cdc_over_30_days
    if shape == "clamp":
        return oldest
    about = "changedSince is more than 30 days ago"
    if shape == "fault_500":
        raise QboError("10000", about, status=500, fault_type="SystemFault")
    raise QboError("2010", about, element="changedSince")


def _group(kind: Kind, since: float, books: Books, room: int) -> list[Json]:
    switches = books.switches
    is_inclusive = switches.changed_since == "inclusive"
    table = books.tables[kind.name]
    rows: list[Json] = []
    for row in table.changed(since, is_inclusive=is_inclusive):
        if len(rows) >= room:
            return rows
        if not switches.cdc_has_inactive and row.value.get("Active") is False:
            continue
        if not switches.cdc_has_derived_balances:
            is_old = row.edited < since if is_inclusive else row.edited <= since
            if is_old:
                continue
        rows.append(row.value)
    for row_id, stamp in table.buried(since, is_inclusive=is_inclusive):
        if len(rows) >= room:
            return rows
        rows.append(tombstone(row_id, books.clock.text(stamp)))
    return rows


def tombstone(row_id: str, deleted_at: str) -> Json:
    return {
        "domain": "QBO",
        "status": "Deleted",
        "Id": row_id,
        "MetaData": {"LastUpdatedTime": deleted_at},
    }
