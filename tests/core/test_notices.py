"""Notices: one of a kind, whatever number and order its deliveries come in, until somebody answers it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.connection import ENDING, ConnectionState
from rowcol.core.delivery import (
    COPIES_COME,
    Notice,
    NoticeKind,
    announcement,
    heard,
    notice_of,
)
from rowcol.core.evidence import Health
from tests.contracts.values import connection

T0 = datetime(2026, 11, 2, 12, tzinfo=UTC)
LATER = T0 + timedelta(days=20)
kinds = st.sampled_from(NoticeKind)
untils = st.sampled_from((None, T0 + timedelta(days=9), LATER))


@given(kinds, st.none() | st.datetimes(timezones=st.just(UTC)), st.text(max_size=30))
def test_a_notice_travels_as_a_signal(kind: NoticeKind, until: datetime | None, why: str) -> None:
    signal = announcement(kind, until, why)
    assert notice_of(signal.stream, signal.reason, T0) == Notice(kind, T0, until, why)


@given(st.lists(st.tuples(kinds, untils), max_size=6), st.randoms(use_true_random=False))
def test_doubled_and_shuffled_announcements_end_alike(
    told: list[tuple[NoticeKind, datetime | None]], dice: st.DataObject
) -> None:
    def end(order: list[tuple[NoticeKind, datetime | None]]) -> tuple[Notice, ...]:
        notices: tuple[Notice, ...] = ()
        for kind, until in order:
            notices = heard(notices, Notice(kind, T0, until))
        return notices

    shuffled = [*told, *told]
    dice.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a Random
    assert end(shuffled) == end(told)


def test_the_later_time_counts() -> None:
    first, second = (Notice(NoticeKind.DISCONNECT, T0, T0 + timedelta(days=n)) for n in (9, 20))
    for order in permutations((first, second)):
        notices: tuple[Notice, ...] = ()
        for each in order:
            notices = heard(notices, each)
        assert notices == (second,)


def test_an_announcement_whose_day_has_passed_hides_no_later_one() -> None:
    past = Notice(NoticeKind.DISCONNECT, T0, T0 + timedelta(days=1))
    new = Notice(NoticeKind.DISCONNECT, T0 + timedelta(days=30))
    assert heard(heard((), past), new) == (new,)


def test_a_copy_of_what_was_answered_opens_nothing() -> None:
    state = ConnectionState(delivered_at=T0)
    dated = announcement(NoticeKind.DISCONNECT, LATER, "")
    plain = announcement(NoticeKind.NEW_ACCOUNTS, None, "")
    for signal in (dated, plain):
        state = state.marked(signal.stream, signal.reason)
    state = state.answered(T0, *NoticeKind)
    for signal in (dated, plain):
        assert state.marked(signal.stream, signal.reason) == state
    much_later = replace(state, delivered_at=T0 + COPIES_COME)
    again = much_later.marked(plain.stream, plain.reason)
    (told,) = replace(connection("c"), state=again).notices(T0)
    assert told.kind is NoticeKind.NEW_ACCOUNTS


def test_a_notice_is_no_stream_to_look_at() -> None:
    signal = announcement(NoticeKind.DISCONNECT, LATER, "X")
    state = ConnectionState(delivered_at=T0).marked(signal.stream, signal.reason)
    assert (state.dirty, len(state.notices)) == ({}, 1)


def test_a_consent_that_ends_is_told_a_month_before() -> None:
    until = T0 + timedelta(days=400)
    row = connection("c")
    known = replace(row, state=replace(row.state, facts={"consent_until": until.isoformat()}))
    assert known.notices(until - ENDING) == ()
    (told,) = known.notices(until - ENDING + timedelta(seconds=1))
    assert told.text == f"its consent ends on {until:%Y-%m-%d}"
    assert known.notices(until) == (), "then the health tells"
    assert row.notices(until) == ()


def test_what_the_item_says_of_its_consent_wins_over_the_announcement() -> None:
    row, until = connection("c"), T0 + timedelta(days=3)
    notice = Notice(NoticeKind.CONSENT_ENDS, T0, T0 + timedelta(days=2))
    state = replace(row.state, notices=(notice,), facts={"consent_until": until.isoformat()})
    (told,) = replace(row, state=state).notices(T0)
    assert (told.until, told.since) == (until, T0)


def test_a_removed_login_announces_nothing() -> None:
    row = connection("c")
    state = replace(
        row.state, health=Health.RETIRED, notices=(Notice(NoticeKind.NEW_ACCOUNTS, T0),)
    )
    assert replace(row, state=state).notices(T0) == ()


def test_its_text_says_when_and_why() -> None:
    assert Notice(NoticeKind.DISCONNECT, T0).text == "it is disconnected soon"
    assert Notice(NoticeKind.DISCONNECT, T0, LATER, "WHY").text == (
        "it is disconnected on 2026-11-22 (WHY)"
    )
    assert "accounts that this login does not show" in Notice(NoticeKind.NEW_ACCOUNTS, T0).text
