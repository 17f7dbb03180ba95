"""Shapes: what goes over the wire is what the document says, whichever encoder wrote it."""

from dataclasses import replace
from pathlib import Path

import msgspec
from pydantic import TypeAdapter

from rowcol.api import shapes
from rowcol.api.operations import ROLES
from rowcol.core.evidence import Health
from rowcol.core.need import Purpose, question_of
from rowcol.services.board import board, peek
from tests.rig import BUSINESS, CONNECTION, FIRM, rig


async def test_both_encoders_agree(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        question = question_of(Purpose.DISPLAY, it.clock.now())
        answer, views = await peek(it.plane, FIRM, BUSINESS, question)
        (row,) = await board(it.plane, FIRM)
        for made in (
            shapes.balance_of(answer),
            shapes.board_row_of(row),
            shapes.connection_of(views[0].connection, it.clock.now()),
        ):
            ours = msgspec.json.decode(msgspec.json.encode(made))
            adapter: TypeAdapter[object] = TypeAdapter(type(made))
            assert ours == msgspec.json.decode(adapter.dump_json(made))


async def test_a_business_without_a_login_has_no_cash(tmp_path: Path) -> None:
    from rowcol.services.businesses import find_or_add

    async with rig(tmp_path) as it:
        await find_or_add(it.plane, FIRM, "New", "n")
        rows = [shapes.board_row_of(r) for r in await board(it.plane, FIRM)]
        (new,) = [r for r in rows if r.business == "New"]
        assert (new.cash, new.cash_minor, new.currency, new.as_of) == ((), None, None, None)
        assert new.action == "HOLD"


async def test_a_login_says_what_a_person_must_do_and_where(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        (row,) = await it.plane.store.list_connections(FIRM)
        well = shapes.connection_of(row, it.clock.now())
        assert (well.needs, well.reconnect, well.is_read_only) == ("", "", False)
        state = replace(
            row.state.with_health(Health.NEEDS_RECONNECT, "3100", it.clock.now()),
            facts={"is_read_only": True},
            webhook_gaps=2,
            webhook_gap_at=it.clock.now(),
        )
        for rail in ("qbo", "plaid"):
            out = shapes.connection_of(replace(row, rail=rail, state=state), it.clock.now())
            assert out.needs == "a person has to repair it, in place"
            assert out.reconnect == f"POST /v1/connections/{CONNECTION}/repair"
            assert out.reconnect.replace(CONNECTION, "{connection_id}") in ROLES
            assert (out.is_read_only, out.webhook_gap_at) == (True, it.clock.now())
