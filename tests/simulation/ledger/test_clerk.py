"""Clerk: every deed can be done, again and again, and leaves books that the emulator accepts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.qbo import QboEmulator, Switches
from rowcol.sandbox.qbo.errors import QboError
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


def test_the_world_writes_through_the_door_of_the_api() -> None:
    """What no app may write, nobody of the simulation can: the clerk's own bodies, each with one thing wrong."""
    emulator = QboEmulator(ManualClock(), stream(1, "x"), Switches(), NowhereSender(), clients={})
    books = emulator.add_company("Harbor").books
    good: list[tuple[str, dict[str, Any]]] = []
    create = books.create

    def kept(entity: str, body: Mapping[str, Any], **more: Any) -> Any:
        good.append((entity, dict(body)))
        return create(entity, body, **more)

    books.create = kept  # type: ignore[method-assign]
    clerk = Clerk(books, stream(1, "clerk"))
    clerk.open_the_books()
    for deed in sorted(DEEDS):
        clerk.do(deed)
    before = books.n_edits
    for entity, body in good:
        spoilt: dict[str, Any] = {"Surprise": "x", "CurrencyRef": {"value": "EUR"}}
        for name, value in spoilt.items():
            with pytest.raises(QboError) as caught:
                create(entity, body | {name: value})
            assert caught.value.code == ("2010" if name == "Surprise" else "6000")
    assert {entity for entity, _ in good} >= {"Bill", "Invoice", "Payment", "Purchase", "Transfer"}
    assert books.n_edits == before
