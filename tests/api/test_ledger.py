"""Ledger: what goes over the wire is what the document says, whichever encoder wrote it."""

from pathlib import Path

import msgspec
from pydantic import TypeAdapter

from rowcol.api import ledger
from rowcol.services.cache import CacheService
from tests.fake_books import books_rig
from tests.rig import BUSINESS


async def test_both_encoders_agree(tmp_path: Path) -> None:
    async with books_rig(tmp_path) as it:
        await it.settle()
        answer = await CacheService(it.plane, BUSINESS).list_bills()
        made = ledger.books_of(answer, ledger.bills_of)
        ours = msgspec.json.decode(msgspec.json.encode(made))
        adapter = TypeAdapter(ledger.BooksOut[tuple[ledger.BillOut, ...]])
        assert ours == msgspec.json.decode(adapter.dump_json(made))
        assert ours["value"][0]["due_on"] == "2026-11-05"
