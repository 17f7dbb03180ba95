"""Deeds at books: a lease that lasts, rows that no listing buries, an end for a login whose consent ended, a consent that heals."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from typing_extensions import override

from rowcol.core.change import Action, Lease
from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import Incoming, Signal
from rowcol.core.evidence import Health
from rowcol.core.ids import DeliveryId, RemoteId
from rowcol.core.need import Purpose, question_of
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Deed, Look
from rowcol.core.wire import Request
from rowcol.engine.books import BooksAnswer
from rowcol.engine.resolve import Open
from rowcol.services.cache import CacheService
from rowcol.services.integration import IntegrationService
from tests.company_rig import company_rig
from tests.fake_books import LEDGER
from tests.fake_company import IDS_A_CALL, Paged
from tests.rig import BUSINESS, FIRM

BILLS = {f"x{n:05}": n for n in range(3 * IDS_A_CALL)}
SLOW = timedelta(seconds=9)
"""A call this long is below its time-out."""


async def test_many_slow_calls_stay_under_one_lease(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        it.company.bills = dict(BILLS)
        taken: list[Lease | None] = []
        send = it.company.send

        async def slow(base_url: str, request: Request) -> object:
            it.clock.advance(SLOW)
            answer = await send(base_url, request)
            store = it.plane.store
            taken.append(await store.claim_one(FIRM, it.connection, "other", it.clock.now(), 15))
            return answer

        it.company.send = slow  # type: ignore[method-assign,assignment]
        answer = await CacheService(it.plane, BUSINESS).batch_get_bills(sorted(BILLS))
    assert (answer.action, answer.label, len(answer.value)) == (Action.SERVE, None, len(BILLS))
    assert len(taken) >= 3
    assert not any(taken), "nobody else could work on it meanwhile"


async def test_a_lost_lease_is_said_and_no_row_is_called_missing(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        it.company.bills = dict(BILLS)
        send = it.company.send

        async def very_slow(base_url: str, request: Request) -> object:
            answer = await send(base_url, request)
            it.clock.advance(timedelta(minutes=10))  # this process was stopped
            assert await it.plane.store.claim_one(FIRM, it.connection, "other", it.clock.now(), 15)
            return answer

        it.company.send = very_slow  # type: ignore[method-assign,assignment]
        answer = await CacheService(it.plane, BUSINESS).batch_get_bills(sorted(BILLS))
    assert answer.action is Action.HOLD
    assert "took this login over" in answer.reason


class Removable(Paged):
    """A company that can be left."""

    @override
    def deed_look(self, deed: Deed, state: ConnectionState, webhook: str) -> Look:
        return Look("company")


async def test_a_login_whose_consent_ended_can_be_ended(tmp_path: Path) -> None:
    async with company_rig(tmp_path, rail=Removable()) as it:
        await it.settle()
        it.company.known.clear()
        it.clock.advance(timedelta(days=8))
        await it.settle()
        assert (await it.view()).connection.state.health is Health.NEEDS_RECONNECT
        before = len(it.company.calls)
        await IntegrationService(it.plane, BUSINESS).disconnect(it.connection)
        assert it.company.calls[before:] == ["company"], "no renewal before it"


async def test_a_row_that_was_written_meanwhile_is_not_buried(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        it.company.page = 2
        send, lists = it.company.send, 0

        async def stops(base_url: str, request: Request) -> object:
            nonlocal lists
            if request.path.strip("/") == "list":
                lists += 1
                if lists == 3:
                    it.company.fails["list"] = Outcome.TRY_AGAIN
            return await send(base_url, request)

        it.company.send = stops  # type: ignore[method-assign,assignment]
        await it.settle()
        it.company.fails.clear()
        it.company.writes["k"] = "a1"
        await IntegrationService(it.plane, BUSINESS).call_api(
            LEDGER, "bill.create", data={"body": {"x": "1"}}, idempotency_key="k"
        )
        it.clock.advance(timedelta(minutes=5))
        await it.settle()
        assert (await it.view()).coverages, "the listing ended"
        rows = await it.plane.store.list_rows(FIRM, it.connection, "Bill")
        assert "a1" in {row.remote_id for row in rows}


class Hinting(Paged):
    """Its deliveries speak of bills."""

    @override
    def translate(self, body: bytes, remote_id: RemoteId) -> tuple[Signal, ...]:
        return (Signal("Bill", "a bill was changed"),)


async def test_a_delivery_counts_before_anybody_worked_it_through(tmp_path: Path) -> None:
    async with company_rig(tmp_path, rail=Hinting()) as it:
        await it.settle()
        row, keeper = (await it.view()).connection, it.plane.bookkeeper

        async def delivered(key: str) -> None:
            now = it.clock.now()
            new = Incoming(
                DeliveryId(f"del-{key}"),
                row.rail,
                row.app,
                (row.remote_id,),
                "x",
                key,
                None,
                now,
                b"{}",
            )
            assert await it.plane.store.receive([new]) == (True,)

        await delivered("k0")
        await it.settle()
        it.clock.advance(timedelta(minutes=11))
        await keeper.ask(FIRM, BUSINESS, question_of(Purpose.RITUAL, it.clock.now()))
        await it.settle()
        it.clock.advance(timedelta(seconds=1))
        ritual = question_of(Purpose.RITUAL, it.clock.now())
        assert isinstance(await keeper.ask(FIRM, BUSINESS, ritual), BooksAnswer), "quiet so far"
        await delivered("k1")
        assert isinstance(await keeper.ask(FIRM, BUSINESS, ritual), Open)


async def test_consent_given_anew_heals_whatever_broke_after_the_token(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        await it.settle()
        it.company.known.clear()
        it.clock.advance(timedelta(days=8))
        await it.settle()
        view = await it.view()
        assert view.connection.state.health is Health.NEEDS_RECONNECT
        fresh = it.plane.vault.seal(it.company.issue())
        assert await it.plane.store.store_token(FIRM, it.connection, view.token, fresh)
        it.clock.advance(timedelta(days=1))
        it.company.calls.clear()
        await it.settle()
        assert (await it.view()).connection.state.health is Health.OK
        assert it.company.calls, "it is read again"
