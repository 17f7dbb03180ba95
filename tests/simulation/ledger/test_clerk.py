"""Clerk: every deed can be done, again and again, and leaves books that the emulator accepts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.qbo import QboEmulator, Switches
from rowcol.simulation.chance import stream
from rowcol.simulation.ledger.clerk import OPENING, Clerk
from rowcol.simulation.ledger.edits import DEEDS
from rowcol.simulation.wires import NowhereSender


@pytest.mark.parametrize("deed", sorted(DEEDS))
def test_every_deed_changes_the_books(deed: str) -> None:
    clock = ManualClock()
    emulator = QboEmulator(clock, stream(1, "x"), Switches(), NowhereSender(), clients={})
    books = emulator.add_company("Harbor").books
    clerk = Clerk(books, stream(1, "clerk"))
    clerk.open_the_books()
    assert len(books.rows("Bill")) == len(books.rows("Invoice")) == OPENING
    for _ in range(2 * OPENING):
        clock.advance_to(clock.now() + timedelta(minutes=5))
        before = books.n_edits
        clerk.do(deed)
        assert books.n_edits > before
