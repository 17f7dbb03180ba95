"""Findings: a login that needs a person, or will before long, and what is delivered for nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rowcol.cli.findings import (
    IDLE,
    about_logins,
    about_unmatched,
    answer_to,
    is_idle,
    repair_of,
    used_at,
)
from rowcol.core.change import Change
from rowcol.core.connection import Connection
from rowcol.core.delivery import SESSION, Incoming, Notice, NoticeKind
from rowcol.core.evidence import Health
from rowcol.core.ids import AppId, BusinessId, ConnectionId, DeliveryId, FirmId, RemoteId
from rowcol.core.records import Firm
from tests.fakes import T0
from tests.rig import BUSINESS, FIRM, Rig, rig

ROW = Connection(
    ConnectionId("con_1"),
    FirmId("f"),
    BusinessId("b"),
    "qbo",
    AppId("qbo-main"),
    "production",
    RemoteId("1"),
    "",
    "",
    T0,
)


def seen(**state: Any) -> Connection:
    return replace(ROW, state=replace(ROW.state, **state))


def test_a_login_is_mended_where_it_is() -> None:
    assert repair_of("con_1") == "`rowcol connection repair con_1`"
    new = Notice(NoticeKind.NEW_ACCOUNTS, T0)
    assert answer_to(new, "con_1") == "`rowcol connection add-accounts con_1`"


def test_a_consent_is_idle_by_the_last_that_is_known_of_it() -> None:
    now = T0 + IDLE
    assert is_idle(ROW, now)
    assert not is_idle(ROW, now - timedelta(seconds=1))
    assert not is_idle(replace(ROW, rail="plaid"), now)
    late = T0 + timedelta(days=3)
    for known in (
        seen(facts={"renewed_at": late.isoformat()}),
        seen(looked_at=late),
        seen(health_since=late),
    ):
        assert used_at(known) == late
        assert not is_idle(known, now)
    broken = seen(health=Health.UNSUPPORTED, health_since=late)
    assert used_at(broken) == T0


async def told(it: Rig, now_in: timedelta) -> list[tuple[str, str, str]]:
    firm = Firm(FIRM, "Firm", T0)
    found = about_logins(it.plane.store, firm, it.clock.now() + now_in)
    return [(f.about, f.text, f.what_to_do) async for f in found]


async def test_logins_are_told_with_their_business_and_the_command(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        store = it.plane.store
        await it.settle()
        assert await told(it, timedelta(0)) == []
        odd = replace(ROW, firm=FIRM, business=BUSINESS, created_at=it.clock.now())
        await store.add_connection(FIRM, odd, b"sealed")
        ((about, text, command),) = await told(it, timedelta(days=85))
        assert about == "login con_1 of Business"
        assert "not used for 85 days" in text
        assert command == "`rowcol books bills Business --force` uses it"
        taken = await store.claim_one(FIRM, odd.id, "test", it.clock.now(), 60)
        assert taken is not None
        state = odd.state.with_health(Health.NEEDS_RECONNECT, "3100: withdrawn", it.clock.now())
        await store.commit(FIRM, Change(taken, state=state, releases=True))
        ((about, text, command),) = await told(it, timedelta(0))
        assert text == "needs a person: 3100: withdrawn"
        assert command == f"`rowcol connection repair {odd.id}`"


async def test_a_stream_that_fails_and_fails_is_told_with_why(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        (row,) = await it.plane.store.list_connections(FIRM)
        taken = await it.plane.store.claim_one(FIRM, row.id, "test", it.clock.now(), 60)
        assert taken is not None
        state = replace(row.state, stream_stuck="changes cannot be read")
        await it.plane.store.commit(FIRM, Change(taken, state=state, releases=True))
        ((_, text, command),) = await told(it, timedelta(0))
        assert text == "changes cannot be read"
        assert f"`rowcol connection reset {row.id}`" in command


async def test_only_a_rail_with_a_fee_bills_what_nobody_knows(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        kinds = (("qbo", "qbo.empty"), ("qbo", "qbo.bill.updated"), ("plaid", "ITEM/ERROR"))
        await it.plane.store.receive(
            [
                Incoming(
                    DeliveryId(f"del_{n}"),
                    rail,
                    AppId("main"),
                    (RemoteId(f"nobody-{n}"),),
                    kind,
                    f"key-{n}",
                    None,
                    T0,
                    b"{}",
                )
                for n, (rail, kind) in enumerate(kinds)
            ]
        )
        found = {f.about: f.text async for f in about_unmatched(it.plane.store)}
        assert "may be billed" in found["unmatched webhooks of plaid"]
        assert found["unmatched webhooks of qbo"].startswith("1 for logins")
        assert "billed" not in found["unmatched webhooks of qbo"]


async def test_what_was_announced_is_told_with_the_command_that_answers_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        (row,) = await it.plane.store.list_connections(FIRM)
        until = it.clock.now() + timedelta(days=9)
        told_of = (Notice(NoticeKind.DISCONNECT, T0, until), Notice(NoticeKind.NEW_ACCOUNTS, T0))
        taken = await it.plane.store.claim_one(FIRM, row.id, "test", it.clock.now(), 60)
        assert taken is not None
        state = replace(row.state, notices=told_of)
        await it.plane.store.commit(FIRM, Change(taken, state=state, releases=True))
        ((_, text, command),) = await told(it, timedelta(0))
        assert text == (
            f"it is disconnected on {until:%Y-%m-%d}; "
            "the bank has accounts that this login does not show"
        )
        repair, add = f"connection repair {row.id}", f"connection add-accounts {row.id}"
        assert command == f"`rowcol {repair}`, `rowcol {add}`"


async def test_the_end_of_a_link_session_is_no_webhook_of_a_lost_login(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        remote, kind = RemoteId(f"{SESSION}abc"), "LINK.SESSION_FINISHED"
        its = (AppId("main"), (remote,), kind, "k", None, T0, b"{}")
        await it.plane.store.receive([Incoming(DeliveryId("del_1"), "plaid", *its)])
        assert [f async for f in about_unmatched(it.plane.store)] == []
