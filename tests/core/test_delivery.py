"""Delivery: its values keep bodies and keys out of logs."""

from __future__ import annotations

import re

from rowcol.core import delivery
from rowcol.core.delivery import Incoming, Pending, RouteState
from rowcol.core.ids import AppId, DeliveryId, RemoteId
from tests.core.builders import NOW


def test_the_table_of_states_is_complete() -> None:
    """Every state is reached by an event of the table, and no other state is in it."""
    rows = re.findall(r"^\s+\| (\S+)\s+\|[^|]+\| (\S+)\s+\|$", delivery.__doc__ or "", re.MULTILINE)
    reached = {to for start, to in rows if not start.startswith(("from", "-"))}
    left = {start for start, _ in rows} - {"from", "(new)"} - {"-" * 11}
    assert reached == set(RouteState)
    assert left <= set(RouteState)


def test_bodies_are_not_in_the_repr() -> None:
    incoming = Incoming(
        id=DeliveryId("del_1"),
        rail="somerail",
        app=AppId("app_1"),
        remote_ids=(RemoteId("item_1"),),
        kind="SYNC",
        dedup_key="d",
        signed_at=None,
        received_at=NOW,
        body=b"private",
    )
    pending = Pending(incoming.id, incoming.rail, incoming.kind, NOW, b"private")
    assert "private" not in repr(incoming) + repr(pending)
