"""Listing: every row once at least, whatever its time, in a bounded number of pages."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health, Source
from rowcol.core.outcome import Outcome
from rowcol.rails.qbo.listing import EVERYTHING, OF_ONE_TIME_MAX, page_look
from rowcol.rails.qbo.progress import OVERLAP, Progress, page_of
from rowcol.rails.qbo.spec import ENTITIES
from tests.rails.qbo import kit

RAIL = kit.RAIL


def company(times: list[int], entity: str = "Bill") -> kit.Company:
    """One row for each time, in seconds before now."""
    rows = [kit.row(n, kit.NOW - timedelta(seconds=s)) for n, s in enumerate(times)]
    return kit.Company({entity: rows})


def test_a_first_reading_takes_one_call_an_entity_and_one_for_the_currency() -> None:
    books = kit.Company({"Bill": [kit.row(n) for n in range(7)]})
    state, readings = kit.run(books, ConnectionState(), kit.wanted(None))
    assert books.calls == len(ENTITIES) + 1
    begun = kit.NOW + timedelta(seconds=1)  # the currency was asked for before
    asked, *pages, last = readings
    assert (asked.state.facts["home_currency"], asked.staged) == ("USD", ())
    assert all(not p.coverages and p.publishes is None and not p.replaces for p in pages)
    assert all(not r.rows for r in readings)
    assert (last.publishes, last.replaces) == ("books", ENTITIES)
    assert state.cursor == "2026-11-25T11:17:09+00:00", "of the first page, minus five minutes"
    [covered] = last.coverages
    assert covered.complete_as_of == begun - OVERLAP
    assert (covered.scope, covered.source) == ("books", Source.CACHED)
    assert (state.looked_at, state.page, state.health) == (begun, "", Health.OK)
    assert state.facts["institution_name"] == "Tern & Co"
    assert state.facts["changes_at"] == "", "what comes next is no gap"


PILES = st.lists(
    st.tuples(st.integers(-5000, 5000), st.sampled_from([1, 2, 999, 1000, 1001, 2500])),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(PILES)
def test_every_row_is_staged_whatever_its_time(piles: list[tuple[int, int]]) -> None:
    """Also thousands with one and the same time, and those dated in the future."""
    times = [seconds for seconds, count in piles for _ in range(count)]
    books = company(times)
    page = page_of(Progress(entities=("Bill",), listed=("Bill",)))
    _, readings = kit.run(books, ConnectionState(page=page), kit.wanted(None))
    assert kit.ids(readings, "Bill") == {str(n) for n in range(len(times))}
    # A page moves on by a thousand, or by as many as are not at its end's own time.
    assert books.calls <= 2 * (len(times) // 1000 + 1) + len(Counter(times))


def test_rows_that_move_while_it_reads_are_met() -> None:
    """A change during the listing only moves a row to its end."""
    books = company([3000 - n for n in range(2500)])
    state = ConnectionState(page=page_of(Progress(entities=("Bill",), listed=("Bill",))))
    seen: set[str] = set()
    for call in range(10):
        look = RAIL.free_look(state, kit.wanted(None))
        if look is None:
            break
        answer = books.answer(RAIL.request(look, kit.CREDENTIALS), kit.NOW)
        read = kit.reading(RAIL.read(look, answer, state))
        seen |= {row.remote_id for row in read.staged}
        state = read.state
        for found in books.rows["Bill"][call * 10 : call * 10 + 10]:
            found["MetaData"]["LastUpdatedTime"] = kit.stamp(kit.NOW + timedelta(seconds=call))
    assert len(seen) == 2500


def test_inactive_names_are_listed() -> None:
    books = kit.Company({"Vendor": [kit.row(1), kit.row(2, Active=False)]})
    _, readings = kit.run(books, ConnectionState(), kit.wanted(None))
    assert kit.ids(readings, "Vendor") == {"1", "2"}


def test_a_failure_goes_on_at_the_same_page() -> None:
    page = page_of(Progress(entities=("Bill", "Invoice"), since="2026-11-24T00:00:00Z", sent="x"))
    state = ConnectionState(page=page)
    look = RAIL.free_look(state, kit.wanted(None))
    assert look is not None
    failure = kit.failed(RAIL.read(look, kit.response(b"<html>", 503), state))
    assert failure.outcome is Outcome.TRY_AGAIN
    assert RAIL.free_look(failure.state, kit.wanted(None)) == look


def test_pages_out_of_order_are_no_reading() -> None:
    page = page_of(Progress(entities=("Bill",), since=kit.stamp(kit.NOW), sent=kit.NOW.isoformat()))
    state = ConnectionState(page=page)
    old = [kit.row(n, kit.NOW - timedelta(days=1)) for n in range(1000)]
    answer = kit.response({"QueryResponse": {"Bill": old}, "time": kit.NOW.isoformat()})
    look = RAIL.free_look(state, kit.wanted(None))
    assert look is not None
    assert kit.failed(RAIL.read(look, answer, state)).state.page == page


def test_the_same_full_page_again_and_again_comes_to_an_end() -> None:
    """An answer that heeds no position would be asked for, and counted, for ever."""
    at = kit.stamp(kit.NOW)
    rows = [kit.row(n, kit.NOW) for n in range(1000)]
    answer = kit.response({"QueryResponse": {"Bill": rows}, "time": kit.NOW.isoformat()})
    state = ConnectionState(page=page_of(Progress(entities=("Bill",), since=at, sent="x")))
    look = RAIL.free_look(state, kit.wanted(None))
    assert look is not None
    for _ in range(OF_ONE_TIME_MAX // 1000):
        state = kit.reading(RAIL.read(look, answer, state)).state
    assert kit.failed(RAIL.read(look, answer, state)).outcome is Outcome.UNREADABLE


def test_a_mark_set_meanwhile_stays() -> None:
    """Its change may be younger than the first page."""
    look = page_look(EVERYTHING)
    before = ConnectionState().marked("Bill", "before")
    books = kit.Company({})
    read = kit.reading(
        RAIL.read(look, books.answer(RAIL.request(look, kit.CREDENTIALS), kit.NOW), before)
    )
    assert read.state.dirty, "nothing is read yet"
    after, _ = kit.run(books, read.state.marked("Bill", "meanwhile"), kit.wanted(None))
    assert after.dirty == {"Bill": "meanwhile"}
    after, _ = kit.run(books, read.state, kit.wanted(None))
    assert not after.dirty
