"""Mirror: a row of what a rail told, as it is kept and read back by the thousand."""

from __future__ import annotations

from datetime import date, datetime

import msgspec
from typing_extensions import override

from rowcol.core.ids import RemoteId


class MirrorRow(msgspec.Struct, frozen=True, gc=False):
    """A row as the mirror keeps it; `body` is the rail's JSON as bytes, None where there never was one.

    A Struct as `core.books.OpenItem` is, for the same reason.
    """

    entity: str
    remote_id: RemoteId
    remote_version: str
    remote_at: datetime | None
    due_on: date | None
    is_deleted: bool
    body: bytes | None

    @override
    def __repr__(self) -> str:
        """Never the body: logs carry ids."""
        return f"MirrorRow({self.entity} {self.remote_id} v{self.remote_version})"
