"""Without books: the answers of a rail that keeps no books, meters no calls, renews no token and has no consent screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rowcol.core.app import App
from rowcol.core.books import Record
from rowcol.core.connection import ConnectionState
from rowcol.core.ids import RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.rail import Failure, Look, Renewed
from rowcol.core.wire import Response


class WithoutBooks:
    """Inherited by such a rail; each answer is "there is none"."""

    __slots__ = ()

    def consent_url(self, app: App, state: str) -> str:
        """A widget of the rail's takes a token instead."""
        return ""

    def addresses_look(self, app: App) -> Look | None:
        """Everything is at one address."""
        return None

    def read_addresses(self, app: App, response: Response) -> Mapping[str, str] | Failure:
        """Nobody asks: `addresses_look` proposes nothing."""
        raise AssertionError("a rail whose addresses are settled")

    def proof_look(self) -> Look | None:
        """The exchange tells whose token it is."""
        return None

    def rows_looks(self, entity: str, ids: Sequence[RemoteId]) -> tuple[Look, ...]:
        """It has no rows of its own."""
        return ()

    def units(self, look: Look, app: App) -> int:
        """It charges money or nothing, no pool."""
        return 0

    def renewal(self, token: str, state: ConnectionState, now: datetime) -> Look | None:
        """A token lasts until its login is removed."""
        return None

    def read_renewal(
        self, look: Look, response: Response, token: str, state: ConnectionState
    ) -> Renewed | Failure:
        """Nobody asks: `renewal` proposes nothing."""
        raise AssertionError("a token that is never renewed")

    def record(self, row: MirrorRow, state: ConnectionState) -> Record | None:
        """No row is a bill."""
        return None
