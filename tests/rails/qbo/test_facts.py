"""Facts: the marks set before a reading of several calls are told from those set during it."""

from __future__ import annotations

from rowcol.core.connection import ConnectionState
from rowcol.rails.qbo import facts


def test_a_mark_survives_the_reading_that_did_not_see_it() -> None:
    begun = facts.begun(ConnectionState().marked("Bill", "before"))
    assert list(begun.dirty.values()) == ["before"]
    assert facts.begun(begun) == begun
    during = begun.marked("Bill", "during").marked("Vendor", "too")
    assert facts.ended(during).dirty == {"Bill": "during", "Vendor": "too"}
    assert facts.ended(begun).dirty == {}


def test_facts_are_texts_or_unknown() -> None:
    state = facts.learnt(ConnectionState(), {"token": "refused", "is_read_only": True})
    assert (facts.word(state, "token"), facts.word(state, "is_read_only")) == ("refused", "")
    assert facts.without(state, "token").facts == {"is_read_only": True}
    assert facts.moment("") is None
