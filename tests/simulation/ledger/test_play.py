"""Play: everybody is asked and answered, and the mirror ends as the books are."""

from __future__ import annotations

import msgspec

from rowcol.rails.qbo.spec import ENTITIES
from rowcol.simulation.ledger.play import Play, planned
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wiring import FIRM, Setup


async def test_the_mirror_ends_as_the_books_are() -> None:
    plan = planned(5, 3, 1)
    async with open_rig(Setup(plan.seed, plan.linked_at)) as rig:
        play = Play(rig, plan)
        events = await play.run()
        assert len(events.edits) == len(plan.edits)
        assert all(read.is_served for read in events.reads)
        assert not rig.waiting
        companies = {c.realm_id: c for c in rig.books.companies.values()}
        for connection in await rig.plane.store.list_connections(FIRM):
            await rig.ask_books(connection.business, _forced(), is_confirmed=True)
            books = companies[connection.remote_id].books
            for entity in ENTITIES:
                rows = await rig.plane.store.list_rows(FIRM, connection.id, entity, limit=10_000)
                mirrored = {row.remote_id: msgspec.json.decode(row.body or b"null") for row in rows}
                truth = {
                    row["Id"]: msgspec.json.decode(msgspec.json.encode(row, enc_hook=float))
                    for row in books.rows(entity)
                }
                assert mirrored.keys() == truth.keys(), entity
                for row_id, row in truth.items():
                    assert mirrored[row_id]["SyncToken"] == row["SyncToken"]
                    assert mirrored[row_id].get("Balance") == _number(row.get("Balance"))


def _forced() -> object:
    from rowcol.core.need import Purpose

    return Purpose.FORCED


def _number(value: object) -> object:
    return float(value) if isinstance(value, str) else value
