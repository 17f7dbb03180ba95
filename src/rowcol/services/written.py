"""Written: which rows of a write's answer are news. A write repeated under its key is answered as it was the first time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rowcol.core.connection import Connection
from rowcol.core.ids import RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.rail import Row
from rowcol.services.plane import OpenPlane


async def news(plane: OpenPlane, login: Connection, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Those that are not older than what the mirror has; under the login's lease, so that nothing moves meanwhile."""
    ids: defaultdict[str, list[RemoteId]] = defaultdict(list)
    for row in rows:
        ids[row.entity].append(row.remote_id)
    kept: dict[tuple[str, RemoteId], MirrorRow] = {}
    for entity, wanted in ids.items():
        found = await plane.store.read_rows(login.firm, login.id, entity, wanted)
        kept.update({(entity, remote_id): row for remote_id, row in found.items()})
    return tuple(row for row in rows if _is_news(row, kept.get((row.entity, row.remote_id))))


def _is_news(row: Row, known: MirrorRow | None) -> bool:
    """A tombstone is final: ids are never given again."""
    if known is None or row.body is None:
        return True
    if known.is_deleted:
        return False
    ours, theirs = row.remote_version, known.remote_version
    if ours.isdecimal() and theirs.isdecimal() and int(ours) != int(theirs):
        return int(ours) > int(theirs)  # a time of change may lie weeks ahead
    return row.remote_at is None or known.remote_at is None or row.remote_at >= known.remote_at
