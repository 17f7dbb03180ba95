"""Values: short builders of what the store contract writes. `T0` is when everything begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rowcol.core import change as c
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.delivery import Incoming
from rowcol.core.evidence import Balance, Observation, Source
from rowcol.core.ids import (
    AppId,
    BusinessId,
    CallId,
    ConnectionId,
    DecisionId,
    DeliveryId,
    FirmId,
    NeedId,
    RemoteId,
)
from rowcol.core.money import Cost, Money
from rowcol.core.need import Need, Purpose, Question, Trigger, question_of
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.quota import Quota
from rowcol.core.rail import Row
from rowcol.core.records import Business, Firm, Link, LinkKind
from rowcol.core.retention import Horizon, horizon
from rowcol.core.sameness import AccountVerdict
from rowcol.ports import FullStore

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
A, B = FirmId("firm_a"), FirmId("firm_b")
APP = AppId("app_1")
TOKEN = b"sealed token"
BIZ = BusinessId("biz_1")


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def behind(seconds: float) -> Horizon:
    """For a firm that keeps nothing longer than it must."""
    return horizon(after(seconds), timedelta(0))


def business(firm: FirmId = A, name: str = "biz_1") -> Business:
    return Business(BusinessId(name), firm, f"Name of {name}", f"ext_{name}", T0)


def connection(name: str, firm: FirmId = A, biz: str = "biz_1", **changes: object) -> Connection:
    made = Connection(
        id=ConnectionId(name),
        firm=firm,
        business=BusinessId(biz),
        rail="plaid",
        app=APP,
        environment="sandbox",
        remote_id=RemoteId(f"item_{name}"),
        institution="ins_1",
        name="First Bank",
        created_at=T0,
        state=ConnectionState(),
    )
    return replace(made, **changes)  # type: ignore[arg-type] # tests name real fields


async def furnish(store: FullStore, firm: FirmId = A, *names: str, biz: str = "biz_1") -> None:
    """A firm with one business and these connections."""
    await store.add_firm(Firm(firm, f"Firm {firm}", T0))
    await store.add_business(firm, business(firm, biz))
    for name in names:
        await store.add_connection(firm, connection(name, firm, biz), TOKEN)


def incoming(name: str, *remote_ids: str, at: datetime = T0, key: str = "") -> Incoming:
    return Incoming(
        id=DeliveryId(f"del_{name}"),
        rail="plaid",
        app=APP,
        remote_ids=tuple(RemoteId(r) for r in remote_ids),
        kind="TRANSACTIONS.SYNC",
        dedup_key=key or f"key_{name}",
        signed_at=at,
        received_at=at,
        body=f'{{"delivery": "{name}"}}'.encode(),
    )


def question(purpose: Purpose = Purpose.RITUAL, at: datetime = T0) -> Question:
    return question_of(purpose, at)


def need(name: str, con: str, firm: FirmId = A, biz: str = "biz_1", at: datetime = T0) -> Need:
    return Need(
        NeedId(f"need_{name}"), firm, BusinessId(biz), ConnectionId(con), question(at=at), at
    )


def intent(name: str, con: str | None = None, firm: FirmId = A, **changes: object) -> c.Intent:
    made = c.Intent(
        id=CallId(f"call_{name}"),
        firm=firm,
        connection=None if con is None else ConnectionId(con),
        business=None if con is None else BIZ,
        rail="plaid",
        app=APP,
        environment="sandbox",
        endpoint="accounts.balance.get",
        trigger=Trigger.PERSON,
        purpose=Purpose.FORCED,
        reason="a person asked",
        price=Cost(100_000),
        quotas=(),
        budget_key="plaid",
        budget_limit=Cost(1_000_000),
        opened_at=T0,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # tests name real fields


def free_intent(name: str, con: str | None = None, **changes: object) -> c.Intent:
    return intent(name, con, **{"price": Cost(0), "budget_key": None, **changes})  # type: ignore[arg-type] # tests name real fields


def metered(name: str, con: str | None = None, **changes: object) -> c.Intent:
    """A free call that draws one unit of a month's pool of 1,000."""
    return free_intent(name, con, **{"units": 1, "pool_limit": 1000, **changes})


def link(name: str, firm: FirmId = A, biz: str = "biz_1") -> Link:
    """Good for ten minutes."""
    its = (f"link_{name}", f"hash_{name}", firm, BusinessId(biz), APP)
    return Link(*its, created_at=T0, expires_at=after(600))


def session(name: str) -> Link:
    """A link session that is due at once."""
    return replace(link(name), kind=LinkKind.CONNECT, sealed=b"sealed", next_at=T0)


def quota(key: str = "q", admitted: int = 3, period_s: int = 60) -> Quota:
    return Quota(key, admitted, period_s * 1_000_000)


def settlement(
    name: str, billed: Billed = Billed.YES, outcome: Outcome = Outcome.OK, at: datetime = T0
) -> c.Settlement:
    return c.Settlement(CallId(f"call_{name}"), outcome, "", billed, 200, at, "req_1")


def look(
    account: str,
    minor: int,
    true_at: datetime = T0,
    received_at: datetime = T0,
    source: Source = Source.CACHED,
) -> Observation:
    balance = Balance(Money(minor, "USD"), None)
    return Observation(RemoteId(account), true_at, received_at, source, balance)


def row(remote_id: str, entity: str = "account", name: str | None = "Checking") -> Row:
    body = None
    if name is not None:
        body = {"name": name, "mask": "0000", "type": "depository", "subtype": "checking"}
    return Row(entity, RemoteId(remote_id), "1", T0, body)


def posting(name: str, account: str, amount: str = "12.50", *, pending: bool = False) -> Row:
    body = {"account_id": account, "amount": amount, "date": "2026-03-01", "pending": pending}
    return Row("transaction", RemoteId(name), "", None, {**body, "currency": "USD"})


def verdict(
    first: str = "c1", second: str = "c2", *, is_same: bool = True, at: datetime = T0
) -> AccountVerdict:
    refs = ((ConnectionId(first), "a1"), (ConnectionId(second), "a1"))
    return AccountVerdict(*refs, is_same=is_same, decided_by="Dana", decided_at=at)


def decided(action: c.Action = c.Action.SERVE) -> c.Decision:
    return c.Decision(action, "fresh", "young enough", T0, None, None)


def record(name: str, firm: FirmId = A, biz: str = "biz_1") -> c.DecisionRecord:
    return c.DecisionRecord(
        id=DecisionId(f"dec_{name}"),
        firm=firm,
        business=BusinessId(biz),
        connection=None,
        need=None,
        policy="evidence",
        question=question(),
        decision=decided(),
        cost=Cost(5),
        calls=(CallId("call_1"),),
        decided_at=T0,
        inputs={"health": "OK", "pulls_known": 3},
    )


async def lease(store: FullStore, name: str, now: datetime = T0, owner: str = "me") -> c.Lease:
    """The lease of one connection that must be due; what else is due is given back."""
    found = None
    for each in await store.claim(owner, now, 15, 1000):
        if each.subject == name:
            found = each
        else:
            await store.release(each, None)
    assert found is not None, f"{name} is not due"
    return found
