"""Renewal: one for however many ask, stored before it is used, and no token is given up while one of them may work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rowcol.adapters.sql import open_sqlite
from rowcol.core.change import Action, ConnectionView
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId, FirmId
from rowcol.core.need import Purpose
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Grant
from rowcol.core.refusal import Busy
from rowcol.core.wire import Silence
from rowcol.engine.ambient import Ambient
from rowcol.engine.books import BooksAnswer
from rowcol.engine.renewal import NotUsable, Renewer, Usable
from rowcol.engine.unstored import TRIES
from rowcol.ports import FullStore
from rowcol.services import linking
from rowcol.services.cache import CacheService
from tests.company_rig import CompanyRig, company_rig
from tests.fake_company import TOKEN_LASTS, token_of
from tests.rig import BUSINESS, FIRM
from tests.waiting import until_stuck


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    """Read whole, then two hours go by: the token has ended, the books are old."""
    async with company_rig(tmp_path) as made:
        await made.settle()
        made.clock.advance(timedelta(hours=2))
        made.company.expired.add("a1")
        made.company.calls.clear()
        yield made


async def answers_to(
    it: CompanyRig, readers: int, purpose: Purpose = Purpose.GUARDRAIL
) -> list[BooksAnswer[Any]]:
    """Of so many who ask at once, without a step of the clock."""
    service = CacheService(it.plane, BUSINESS)
    asked = [asyncio.create_task(service.get_bill("b1", purpose)) for _ in range(readers)]
    await until_stuck(it.clock, *asked, settle=it.settle)
    return [each.result() for each in asked]


async def read(it: CompanyRig, purpose: Purpose = Purpose.GUARDRAIL) -> BooksAnswer[Any]:
    (answer,) = await answers_to(it, 1, purpose)
    return answer


async def renewed(it: CompanyRig, view: ConnectionView | None = None) -> Usable | NotUsable:
    return await it.plane.renewer.usable(view or await it.view())


async def test_many_questions_with_one_expired_token_renew_it_once(it: CompanyRig) -> None:
    answers = await answers_to(it, 25)
    assert {a.action for a in answers} == {Action.SERVE}
    assert it.company.calls == ["refresh", "changes"]
    assert await it.token() == "r2"
    view = await it.view()
    assert view.previous_token is not None
    assert '"r1"' in it.plane.vault.open(view.previous_token).reveal()


async def test_a_token_that_lasts_is_left_alone(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        it.clock.advance(TOKEN_LASTS - timedelta(minutes=5))
        got = await renewed(it)
        assert isinstance(got, Usable)
        assert (got.is_renewed, it.company.calls) == (False, [])
        it.clock.advance(timedelta(seconds=1))
        got = await renewed(it)
        assert isinstance(got, Usable)
        assert (got.is_renewed, it.company.calls) == (True, ["refresh"])


async def test_a_refused_token_is_renewed_though_it_should_last(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        it.company.expired.add("a1")
        await it.settle()
        assert it.company.calls == ["list", "refresh", "list", "list", "list"]
        assert (await it.view()).connection.state.failures == 0


async def test_a_rail_that_refuses_each_new_token_is_not_asked_for_ever(tmp_path: Path) -> None:
    async with company_rig(tmp_path) as it:
        it.company.expired.update(f"a{n}" for n in range(1_000))
        await it.settle()
        assert len(it.company.calls) <= 4
        for _ in range(60):
            it.clock.advance(timedelta(minutes=1))
            await it.settle()
        assert len(it.company.calls) < 30


async def test_it_is_stored_before_it_is_used(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "x.db")
    noting = Noting(store)
    async with company_rig(tmp_path, store=noting) as it:  # type: ignore[arg-type]
        it.clock.advance(timedelta(hours=2))
        it.company.on_call = noting.done.append
        await it.settle()
        assert noting.done[:3] == ["refresh", "stored", "list"]
        assert it.company.bodies[1]["access"] == "a2"
    await store.close()


async def test_dying_between_the_answer_and_the_swap_keeps_the_old_token(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "x.db")
    async with company_rig(tmp_path, store=Dying(store)) as it:  # type: ignore[arg-type]
        it.clock.advance(timedelta(hours=2))
        before = (await it.view()).token
        with pytest.raises(Died):
            await renewed(it)
        assert (await it.view()).token == before
        assert it.company.calls == ["refresh"]
        (call,) = await store.list_calls(FIRM)
        assert call.settled_at is not None
    await store.close()


async def test_a_busy_store_is_tried_again_at_once(it: CompanyRig) -> None:
    renewer = other_renewer(it, BusyFor(it.plane.store, TRIES - 1))
    assert isinstance(await renewer.usable(await it.view()), Usable)
    assert await it.token() == "r2"
    assert it.company.calls == ["refresh"]


async def test_another_s_token_is_used_where_the_swap_was_lost(it: CompanyRig) -> None:
    view = await it.view()
    theirs = it.plane.vault.seal(token_of(9, it.clock.now() + TOKEN_LASTS))
    assert await it.plane.store.store_token(FIRM, it.connection, view.token, theirs)
    got = await renewed(it, view)
    assert isinstance(got, Usable)
    assert got.token == theirs
    assert (await it.view()).token == theirs


async def test_a_newer_stored_token_is_used_where_ours_is_not_known(it: CompanyRig) -> None:
    view = await it.view()
    theirs = it.plane.vault.seal(token_of(9, it.clock.now() + TOKEN_LASTS))
    assert await it.plane.store.store_token(FIRM, it.connection, view.token, theirs)
    it.company.known.clear()
    got = await renewed(it, view)
    assert isinstance(got, Usable)
    assert got.token == theirs
    assert it.company.calls == ["refresh"]


async def test_the_previous_token_is_tried_once(it: CompanyRig) -> None:
    view = await it.view()
    newer = it.plane.vault.seal(token_of(9, it.clock.now() - timedelta(minutes=1)))
    assert await it.plane.store.store_token(FIRM, it.connection, view.token, newer)
    answer = await read(it)
    assert answer.action is Action.SERVE
    assert [b.get("refresh") for b in it.company.bodies[-3:]] == ["r9", "r1", None]
    assert it.company.calls == ["refresh", "refresh", "changes"]
    assert await it.token() == "r2"


async def test_when_none_is_known_a_person_has_to_act_and_nothing_is_called(
    it: CompanyRig,
) -> None:
    view = await it.view()
    newer = it.plane.vault.seal(token_of(9, it.clock.now() - timedelta(minutes=1)))
    assert await it.plane.store.store_token(FIRM, it.connection, view.token, newer)
    it.company.known.clear()
    held = await read(it)
    assert held.action is Action.HOLD
    assert it.company.calls == ["refresh", "refresh"]
    assert (await it.view()).connection.state.health is Health.NEEDS_RECONNECT
    for hours in (0.1, 1, 7, 24, 24 * 8):
        it.clock.advance(timedelta(hours=hours))
        await it.settle()
        assert (await read(it)).action is Action.HOLD
    shown = await read(it, Purpose.DISPLAY)
    assert shown.action is Action.SERVE
    assert shown.label is not None
    assert it.company.calls == ["refresh", "refresh"]


async def test_consent_given_anew_repairs_it_at_once(it: CompanyRig) -> None:
    it.company.known.clear()
    await read(it)
    it.company.calls.clear()
    row = (await it.view()).connection
    again = await linking.reopen(it.plane, row, Grant(it.company.issue(), row.remote_id))
    assert (again.id, again.state.health) == (row.id, Health.OK)
    answer = await read(it)
    assert (answer.action, answer.label) == (Action.SERVE, None)
    assert it.company.calls == ["changes"]
    assert (await it.view()).connection.state.cursor


@pytest.mark.parametrize(
    "failure", [Outcome.TRY_AGAIN, Outcome.UNREADABLE, Silence.TIMEOUT, Silence.NOT_SENT]
)
async def test_a_failure_that_says_nothing_costs_no_token(
    it: CompanyRig, failure: Outcome | Silence
) -> None:
    it.company.fails["refresh"] = failure
    before = (await it.view()).token
    held = await read(it)
    assert held.action is Action.HOLD
    assert it.company.calls == ["refresh"]
    view = await it.view()
    assert (view.token, view.connection.state.health) == (before, Health.OK)
    assert view.connection.state.retry_at is not None
    del it.company.fails["refresh"]
    it.clock.advance(timedelta(minutes=11))
    assert (await read(it)).action is Action.SERVE


async def test_a_renewal_is_on_the_call_log_and_uses_none_of_the_month(it: CompanyRig) -> None:
    await read(it)
    refresh = next(c for c in await it.plane.store.list_calls(FIRM) if c.endpoint == "refresh")
    assert (refresh.outcome, refresh.units) == (Outcome.OK, 0)
    assert "r1" not in refresh.detail + refresh.reason


def other_renewer(it: CompanyRig, store: BusyFor) -> Renewer:
    """The plane's, on a store that is refused."""
    plane = it.plane
    ambient = Ambient(plane.clock, plane.rng, plane.doorbell, plane.preferences)
    return Renewer(plane.rails, store, plane.gateway, plane.vault, ambient)  # type: ignore[arg-type]


class Died(BaseException):
    """The end of a process: nothing of ours catches it."""


class Dying:
    """A store whose process ends instead of swapping a token in."""

    def __init__(self, store: FullStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def store_token(self, *args: object) -> bool:
        raise Died


class Noting:
    """A store that says when a token was stored."""

    def __init__(self, store: FullStore) -> None:
        self._store = store
        self.done: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def store_token(
        self, firm: FirmId, connection: ConnectionId, old: bytes | None, new: bytes
    ) -> bool:
        is_stored = await self._store.store_token(firm, connection, old, new)
        self.done.append("stored")
        return is_stored


class BusyFor:
    """A store whose token swap is refused some times."""

    def __init__(self, store: FullStore, refusals: int) -> None:
        self.store = store
        self._left = refusals

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    async def store_token(
        self, firm: FirmId, connection: ConnectionId, old: bytes | None, new: bytes
    ) -> bool:
        if self._left:
            self._left -= 1
            raise Busy("the file is locked")
        return await self.store.store_token(firm, connection, old, new)


def test_a_value_hides_its_token() -> None:
    assert "sealed" not in repr(Usable(b"sealed", ConnectionState()))
