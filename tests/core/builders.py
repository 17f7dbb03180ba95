"""Builders: small values of the core for its tests, and the strategies that draw them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from rowcol.core.change import Account, ConnectionView
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import Balance, Health, Observation, Source, Standing
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId, NeedId, RemoteId
from rowcol.core.money import Money
from rowcol.core.need import Need, Purpose, Question, question_of

NOW = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
"""A Wednesday noon in New York: banks are posting."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRM, BUSINESS = FirmId("firm_1"), BusinessId("biz_1")


def usd(amount_minor: int) -> Money:
    return Money(amount_minor, "USD")


def observation(
    remote_account: str = "acc_1",
    amount: Money | None = None,
    true_at: datetime = NOW,
    source: Source = Source.CACHED,
) -> Observation:
    balance = Balance(current=amount or usd(100), available=None)
    return Observation(RemoteId(remote_account), true_at, true_at, source, balance)


def account(
    remote_id: str = "acc_1",
    latest: Observation | None = None,
    *,
    subtype: str = "checking",
    role: str | None = None,
) -> Account:
    return Account(
        ConnectionId("con_1"), remote_id, "Main", "1234", "depository", subtype, role, latest
    )


def connection(state: ConnectionState | None = None, name: str = "First Bank") -> Connection:
    return Connection(
        id=ConnectionId("con_1"),
        firm=FIRM,
        business=BUSINESS,
        rail="somerail",
        app=AppId("app_1"),
        environment="emulated",
        remote_id=RemoteId("item_1"),
        institution="ins_1",
        name=name,
        created_at=NOW - 30 * DAY,
        state=state or ConnectionState(),
    )


def view(
    *accounts: Account, health: Health = Health.OK, name: str = "First Bank"
) -> ConnectionView:
    return ConnectionView(
        connection(ConnectionState(health=health), name), accounts, (), (), token=None
    )


def need(purpose: Purpose = Purpose.RITUAL, asked_at: datetime = NOW, id_: str = "need_1") -> Need:
    question = question_of(purpose, asked_at)
    return Need(NeedId(id_), FIRM, BUSINESS, ConnectionId("con_1"), question, asked_at)


def minutes_before(latest: int) -> st.SearchStrategy[datetime]:
    """Moments up to `latest` minutes before `NOW`."""
    return st.integers(0, latest).map(lambda m: NOW - m * MINUTE)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Any question asked in the last four hours, with any window and deadline."""
    purpose = draw(st.sampled_from(Purpose))
    asked_at = draw(minutes_before(240))
    patience = draw(st.sampled_from((0, 0, 5, 60, 180, 600, 4320))) * MINUTE
    if purpose is Purpose.FORCED:
        patience *= 0
    window = draw(st.sampled_from((1, 10, 60, 240, 1440, 4320))) * MINUTE
    return Question(purpose, asked_at, window, asked_at + patience, draw(st.booleans()))


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    """Any standing: also one whose parts make little sense together."""
    as_of = draw(st.none() | minutes_before(6000))
    live = None if as_of is None else draw(st.none() | st.just(as_of) | minutes_before(6000))
    pulls = draw(rhythms() | st.lists(minutes_before(20_000), max_size=30))
    return Standing(
        as_of=as_of,
        live_as_of=live,
        looked_at=draw(st.none() | minutes_before(500)),
        health=draw(st.sampled_from([Health.OK, Health.OK, *Health])),
        pulls=tuple(pulls),
        cannot_pay=draw(st.sampled_from((None, None, "the login has to be repaired"))),
        paid_failed_at=draw(st.none() | minutes_before(500)),
        closed_days_proven=draw(st.booleans()),
        price_micros=100_000,
    )


def rhythms() -> st.SearchStrategy[list[datetime]]:
    """A pull each day at one time of day, with jitter of up to 40 minutes, for three weeks."""
    return st.builds(
        lambda minute, salt: [
            NOW - day * DAY - (40 + minute + day * salt % 81 - 40) * MINUTE for day in range(21)
        ],
        st.integers(0, 1399),
        st.integers(0, 80),
    )
