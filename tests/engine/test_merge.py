"""A view with what a call brought: newer evidence wins by the rail's clock, an older one never overwrites."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.change import ConnectionView
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import Balance, Observation, Source
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.money import Money
from rowcol.core.rail import Row
from rowcol.engine.merge import is_newer, view_with, with_known

T0 = datetime(2026, 11, 2, 12, tzinfo=UTC)
ACCOUNT = RemoteId("acc")
BODY = {"name": "Checking", "mask": "0000", "type": "depository", "subtype": "checking"}


def view() -> ConnectionView:
    connection = Connection(
        ConnectionId("con"),
        FirmId("firm"),
        BusinessId("biz"),
        "rail",
        AppId("app"),
        "sandbox",
        RemoteId("item"),
        "",
        "",
        T0,
    )
    return ConnectionView(connection, (), (), (), None)


def seen(minutes: int, *, source: Source = Source.CACHED, received: int = 0) -> Observation:
    at = T0 + timedelta(minutes=minutes)
    amount = Money(minutes, "USD")
    balance = Balance(amount, amount)
    return Observation(ACCOUNT, at, T0 + timedelta(minutes=received), source, balance)


def row(body: dict[str, object] | None) -> Row:
    return Row("account", ACCOUNT, "", None, body)


def test_an_account_appears_with_its_first_observation() -> None:
    after = view_with(view(), ConnectionState(), (row({**BODY}),), (seen(1),))
    (account,) = after.accounts
    assert (account.name, account.subtype, account.latest) == ("Checking", "checking", seen(1))
    assert account.latest_live is None


def test_a_tombstone_closes_and_keeps_what_was_seen() -> None:
    known = view_with(view(), ConnectionState(), (row({**BODY}),), (seen(1),))
    (account,) = view_with(known, ConnectionState(), (row(None),), ()).accounts
    assert account.is_closed
    assert account.latest == seen(1)


def test_a_role_survives_a_new_row() -> None:
    known = view_with(view(), ConnectionState(), (row({**BODY}),), ())
    marked = replace(known, accounts=(replace(known.accounts[0], role="RESERVE"),))
    (account,) = view_with(marked, ConnectionState(), (row({**BODY, "name": "New"}),), ()).accounts
    assert (account.role, account.name) == ("RESERVE", "New")


@pytest.mark.parametrize("lost", [*BODY])
def test_what_is_known_of_an_account_is_not_lost_to_a_null(lost: str) -> None:
    """Had: a checking account whose subtype came as null once was no cash: 5,998.50 became 5,000.00, and nobody was told."""
    known = view_with(view(), ConnectionState(), (row({**BODY}),), ())
    other = replace(row({**BODY, lost: ""}), remote_id=RemoteId("new"))
    came = (row({**BODY, lost: ""}), other, row({**BODY, lost: "else"}), row(None))
    kept, new, changed, gone = with_known(known, came)
    assert kept.body == BODY
    assert (new, changed, gone) == came[1:]


def test_rows_of_other_entities_are_no_accounts() -> None:
    other = Row("transaction", RemoteId("t"), "", None, {"name": "x"})
    assert view_with(view(), ConnectionState(), (other,), ()).accounts == ()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), max_size=12))
def test_any_order_of_looks_ends_at_the_newest(looks: list[tuple[int, int, bool]]) -> None:
    after = view_with(view(), ConnectionState(), (row({**BODY}),), ())
    for minutes, received, is_live in looks:
        source = Source.LIVE if is_live else Source.CACHED
        one = seen(minutes, source=source, received=received)
        after = view_with(after, ConnectionState(), (), (one,))
    (account,) = after.accounts
    newest = max(((m, r) for m, r, _ in looks), default=None)
    newest_live = max(((m, r) for m, r, is_live in looks if is_live), default=None)
    assert _when(account.latest) == newest
    assert _when(account.latest_live) == newest_live


def _when(observation: Observation | None) -> tuple[int, int] | None:
    if observation is None:
        return None
    true, received = observation.true_at - T0, observation.received_at - T0
    return int(true.total_seconds() // 60), int(received.total_seconds() // 60)


def test_equal_times_let_the_later_one_win() -> None:
    assert is_newer(seen(1), seen(1))
    assert not is_newer(seen(0), seen(1))
