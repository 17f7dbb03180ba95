"""Cursor refused: a stored cursor that Plaid refuses for good is dropped after three tries; the mirror is the bank's again.

Before: 73 requests with the same cursor in 3 days, none without; mirror 0 of 2 changes, health OK, doctor silent
(issue 17, p2). Public reports: webhookdb#646, plaid-sdk-php#70 (INVALID_FIELD), monetr#3126, webhookdb#480 (mutation).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rowcol.adapters.sql import open_sqlite
from rowcol.api.shapes import connection_of
from rowcol.cli.findings import about_logins
from rowcol.core.connection import Connection
from rowcol.core.need import Purpose
from rowcol.core.wire import NoAnswer, Request, Response
from rowcol.sandbox.world import AccountFacts
from rowcol.services.integration import IntegrationService
from rowcol.simulation.rig import Rig, open_rig
from rowcol.simulation.wires import AsgiTransport
from rowcol.simulation.wiring import FIRM, Setup, Wiring

HOUR = timedelta(hours=1)
P2 = ("INVALID_REQUEST", "INVALID_FIELD", "cursor not associated with access_token")
MUTATION = (
    "TRANSACTIONS_ERROR",
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
    "Underlying transaction data changed since last page was fetched.",
)
EMPTY, MORE = "empty", "more to come"


class Killed(BaseException):
    """Nothing of ours catches it: what is not in the file is lost."""


@dataclass
class Refusing:
    """The road to the emulator; `with_cursor`, `without` are the errors that sync answers while they are set."""

    inner: AsgiTransport | None = None
    with_cursor: tuple[str, str, str] | None = None
    without: tuple[str, str, str] | None = None
    dies_at: int = 0
    """The page of a restart at which the process ends; pages are of one row then."""
    spoils: list[str] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        assert self.inner is not None
        if self.dies_at and request.path == "/transactions/sync":
            body = {**json.loads(request.body), "count": 1}
            request = replace(request, body=json.dumps(body).encode())
            self.dies_at -= 1
            if self.dies_at == 1:
                raise Killed
        answer = await self.inner.send(base_url, request)
        if request.path != "/transactions/sync" or not isinstance(answer, Response):
            return answer
        cursor = json.loads(request.body).get("cursor", "")
        self.cursors.append(cursor)
        error = self.with_cursor if cursor else self.without
        if error is not None:
            return self._told(
                answer,
                dict(zip(("error_type", "error_code", "error_message"), error, strict=True)),
                400,
            )
        if not cursor and self.spoils:
            return self._told(answer, self._spoilt(answer, self.spoils.pop(0)), 200)
        return answer

    def _told(self, answer: Response, body: dict[str, Any], status: int) -> Response:
        said = json.dumps({"request_id": "req000", **body}).encode()
        return Response(status, answer.headers, said, answer.sent_at, answer.received_at)

    def _spoilt(self, answer: Response, how: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(answer.body)
        if how == EMPTY:
            return {**body, "added": []}
        return {
            **body,
            "transactions_update_status": "INITIAL_UPDATE_COMPLETE",
            "added": body["added"][:1],
        }


@asynccontextmanager
async def followed(folder: Path) -> AsyncIterator[tuple[Rig, Refusing, Connection]]:
    """A login whose transactions were read once, on a file; then one of them is deleted and another comes."""
    road = Refusing()
    store = await open_sqlite(folder / "rowcol.db")
    try:
        async with open_rig(Setup(seed=3), store=store, wiring=Wiring(transport=road)) as rig:
            road.inner = AsgiTransport({"http://emulator": rig.rail_app}, rig.clock)
            rig.world.open_account("a1", AccountFacts("Checking"), 10_000_00, ())
            business = await rig.add_business("Harbor Dental")
            login = await rig.connect(business, ["a1"])
            await spend(rig, login, 3)
            await rig.advance_to(rig.clock.now() + 30 * HOUR)
            assert len(await mirror(rig, login)) == 3
            road.cursors.clear()
            yield rig, road, login
    finally:
        await store.close()


async def spend(rig: Rig, login: Connection, count: int) -> None:
    """As a person would have it by Plaid's own sandbox."""
    token = next(
        i.access_token for i in rig.emulator.items.values() if i.item_id == login.remote_id
    )
    day = f"{rig.clock.now():%Y-%m-%d}"
    made = [
        {"date_transacted": day, "date_posted": day, "amount": 10 + n, "description": f"bill {n}"}
        for n in range(count)
    ]
    keys = {"PLAID-CLIENT-ID": rig.app.keys["client_id"], "PLAID-SECRET": rig.app.keys["secret"]}
    body = json.dumps({"access_token": token, "transactions": made}).encode()
    path = "/sandbox/transactions/create"
    sent = Request("POST", path, {"content-type": "application/json", **keys}, body, 20)
    answer = await AsgiTransport({"http://emulator": rig.rail_app}, rig.clock).send(
        "http://emulator", sent
    )
    assert isinstance(answer, Response)
    assert answer.status == 200, answer.body


def bank(rig: Rig, login: Connection) -> set[str]:
    return {txn.transaction_id for txn in rig.item_of(login).log.live()}


async def mirror(rig: Rig, login: Connection) -> dict[str, bool]:
    """Ids, and whether each is a tombstone."""
    rows = await rig.plane.store.read_mirror(FIRM, login.id, "transaction")
    return {row.remote_id: row.body is None for row in rows}


async def change(rig: Rig, login: Connection) -> str:
    """One is deleted at the bank, another comes; the id of the deleted one."""
    log = rig.item_of(login).log
    gone = log.live()[0]
    log.remove(gone)
    await spend(rig, login, 1)
    return gone.transaction_id


async def told(rig: Rig, login: Connection) -> tuple[str, str, list[str]]:
    """Health, why, and what doctor says."""
    row = (await rig.plane.store.list_connections(FIRM, login.business))[0]
    firm = await rig.plane.store.read_firm(FIRM)
    assert firm is not None
    out = connection_of(row, rig.clock.now())
    found = [f.text async for f in about_logins(rig.plane.store, firm, rig.clock.now())]
    return out.health, out.health_reason, found


@pytest.mark.parametrize("error", [P2, MUTATION], ids=["p2", "mutation"])
async def test_p2_the_cursor_is_dropped_and_the_mirror_is_the_banks(
    tmp_path: Path, error: tuple[str, str, str]
) -> None:
    """Three tries instead of 73; deleted rows are tombstones, and it was said while it lasted and afterwards."""
    async with followed(tmp_path) as (rig, road, login):
        gone = await change(rig, login)
        road.with_cursor = error
        start = (await rig.plane.store.list_connections(FIRM))[0].state.cursor
        said = set[str]()
        for _ in range(72 * 2):
            await rig.advance_to(rig.clock.now() + HOUR / 2)
            health, why, found = await told(rig, login)
            said |= {health, *(["doctor"] if error[1] in " ".join(found) else [])}
            assert health == "OK" or error[1] in why
            if road.cursors.count("") >= 2:
                road.with_cursor = None
        assert road.cursors.count(start) == 3
        assert said == {"OK", "DEGRADED", "doctor"}
        kept = await mirror(rig, login)
        assert {name for name, is_gone in kept.items() if not is_gone} == bank(rig, login)
        assert kept[gone] is True
        health, _, found = await told(rig, login)
        assert health == "OK"
        assert any("read anew from the start" in text for text in found)


async def test_one_refusal_is_no_restart(tmp_path: Path) -> None:
    async with followed(tmp_path) as (rig, road, login):
        await change(rig, login)
        road.with_cursor = P2
        await rig.advance_to(rig.clock.now() + HOUR / 2)
        while not road.cursors:
            await rig.advance_to(rig.clock.now() + HOUR)
        road.with_cursor = None
        await rig.advance_to(rig.clock.now() + 30 * HOUR)
        assert "" not in road.cursors
        assert await told(rig, login) == ("OK", "", [])


@pytest.mark.parametrize("spoils", [[EMPTY], [MORE], [EMPTY, MORE, EMPTY]])
async def test_a_whole_reading_that_was_not_buries_nothing(
    tmp_path: Path, spoils: list[str]
) -> None:
    """A page that came empty, or a history that Plaid still completes, is no proof of a deletion."""
    async with followed(tmp_path) as (rig, road, login):
        gone = await change(rig, login)
        road.spoils = [*spoils]
        await IntegrationService(rig.plane, login.business, firm=FIRM).reset(login.id)
        buried = set[str]()
        for _ in range(40):
            await rig.advance_to(rig.clock.now() + 3 * HOUR)
            buried = {name for name, is_gone in (await mirror(rig, login)).items() if is_gone}
            assert buried <= {gone}
        assert not road.spoils
        assert buried == {gone}
        assert set(await mirror(rig, login)) - buried == bank(rig, login)


async def test_what_is_refused_without_a_cursor_too_is_off_for_a_week(tmp_path: Path) -> None:
    """Another field than the cursor: 3 tries, a restart, 3 tries, then one a week; balances are read all the while."""
    async with followed(tmp_path) as (rig, road, login):
        await change(rig, login)
        road.with_cursor = road.without = P2
        await rig.advance_to(rig.clock.now() + timedelta(days=5))
        assert len(road.cursors) == 6
        health, why, _ = await told(rig, login)
        assert health == "DEGRADED"
        assert "not asked for before" in why
        await rig.advance_to(rig.clock.now() + timedelta(days=16))
        assert 7 <= len(road.cursors) <= 8
        asked = await rig.ask(login.business, Purpose.DISPLAY)
        assert asked.answer is not None
        road.with_cursor = road.without = None
        await IntegrationService(rig.plane, login.business, firm=FIRM).reset(login.id)
        await rig.settle()
        assert (await told(rig, login))[0] == "OK"
        kept = await mirror(rig, login)
        assert {name for name, is_gone in kept.items() if not is_gone} == bank(rig, login)


async def test_a_reset_by_hand_happens_once_and_changes_nothing_that_was_right(
    tmp_path: Path,
) -> None:
    async with followed(tmp_path) as (rig, road, login):
        before = await mirror(rig, login)
        service = IntegrationService(rig.plane, login.business, firm=FIRM)
        first = await service.reset(login.id)
        assert await service.reset(login.id) == first
        assert (await told(rig, login))[0] == "DEGRADED"
        await rig.settle()
        assert road.cursors == ["", ""]
        assert await mirror(rig, login) == before
        row = (await rig.plane.store.list_connections(FIRM))[0]
        assert (row.health.value, row.state.posted_count) == ("OK", 3)


async def test_a_restart_that_is_killed_goes_on(tmp_path: Path) -> None:
    """In the middle of its pages: no row is lost, none is buried that is there."""
    async with followed(tmp_path) as (rig, road, login):
        gone = await change(rig, login)
        await IntegrationService(rig.plane, login.business, firm=FIRM).reset(login.id)
        before = await mirror(rig, login)
        road.dies_at = 3
        await rig.settle()
        assert road.dies_at == 1
        row = (await rig.plane.store.list_connections(FIRM))[0]
        assert row.state.page
        assert await mirror(rig, login) == before
        rig.clock.advance_to(rig.clock.now() + HOUR)
        await rig.advance_to(rig.clock.now() + 48 * HOUR)
        kept = await mirror(rig, login)
        assert kept == {**dict.fromkeys(bank(rig, login), False), gone: True}
        assert (await told(rig, login))[0] == "OK"
