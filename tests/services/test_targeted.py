"""Targeted: rows by their ids where no mirror vouches yet, five hundred a call, into the mirror, under the lease."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.change import Action
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Outcome
from rowcol.core.wire import NoAnswer, Request, Response, Silence
from rowcol.services import targeted
from rowcol.services.cache import CacheService
from tests.company_rig import CompanyRig, company_rig
from tests.fake_company import IDS_A_CALL
from tests.rig import BUSINESS, FIRM


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    """Connected, never read, with more bills than a call brings."""
    async with company_rig(tmp_path) as made:
        made.company.bills = {f"x{n:05}": n for n in range(2 * IDS_A_CALL + 2)}
        yield made


def cache(it: CompanyRig) -> CacheService:
    return CacheService(it.plane, BUSINESS)


@pytest.mark.parametrize(
    ("count", "calls"),
    [(1, 1), (IDS_A_CALL, 1), (IDS_A_CALL + 1, 2), (2 * IDS_A_CALL + 1, 3)],
)
async def test_five_hundred_a_call(it: CompanyRig, count: int, calls: int) -> None:
    ids = sorted(it.company.bills)[:count]
    answer = await cache(it).batch_get_bills([*ids, ids[0]])
    assert it.company.calls == ["rows"] * calls
    assert sorted(answer.value) == ids
    assert (answer.action, answer.label, answer.as_of) == (
        Action.SERVE,
        None,
        it.clock.now(),
    )
    assert len(answer.calls) == calls


async def test_the_rows_land_in_the_mirror_without_vouching_for_the_rest(it: CompanyRig) -> None:
    await cache(it).get_bill("x00007")
    rows = await it.plane.store.list_rows(FIRM, it.connection, "Bill")
    assert [row.remote_id for row in rows] == ["x00007"]
    view = await it.view()
    assert (view.coverages, view.connection.state.looked_at) == ((), None)
    assert await targeted.unread(it.plane, FIRM, BUSINESS) == (
        *(await it.plane.store.read_business_views(FIRM, BUSINESS)),
    )


async def test_ids_that_the_books_do_not_have_are_left_out(it: CompanyRig) -> None:
    answer = await cache(it).batch_get_bills(["x00001", "nope"])
    assert list(answer.value) == ["x00001"]
    assert answer.action is Action.SERVE


async def test_once_read_whole_the_mirror_answers(it: CompanyRig) -> None:
    it.company.page = 10_000
    await it.settle()
    it.company.calls.clear()
    answer = await cache(it).batch_get_bills(sorted(it.company.bills))
    assert it.company.calls == []
    assert len(answer.value) == len(it.company.bills)


@pytest.mark.parametrize("failure", [Outcome.RATE_LIMITED, Outcome.NEEDS_PERSON, Silence.TIMEOUT])
async def test_a_failure_holds_and_says_why(it: CompanyRig, failure: Outcome | Silence) -> None:
    it.company.fails["rows"] = failure
    answer = await cache(it).batch_get_bills(["x00001"], Purpose.GUARDRAIL)
    assert (answer.action, answer.as_of, dict(answer.value)) == (Action.HOLD, None, {})
    assert str(failure.value) in (answer.label or "")
    assert it.company.calls == ["rows"]
    (call,) = await it.plane.store.list_calls(FIRM)
    assert call.settled_at is not None


async def test_a_token_that_was_refused_is_renewed_once(it: CompanyRig) -> None:
    it.company.expired.add("a1")
    answer = await cache(it).get_bill("x00001")
    assert it.company.calls == ["rows", "refresh", "rows"]
    assert answer.value is not None


async def test_a_lost_consent_is_said_without_a_call(it: CompanyRig) -> None:
    it.company.known.clear()
    it.clock.advance(timedelta(hours=2))
    for _ in range(3):
        answer = await cache(it).get_bill("x00001")
        assert answer.action is Action.HOLD
    assert it.company.calls == ["refresh"]


async def test_no_ids_are_no_call(it: CompanyRig) -> None:
    answer = await cache(it).batch_get_bills([])
    assert (it.company.calls, dict(answer.value)) == ([], {})


async def test_it_is_on_both_logs(it: CompanyRig) -> None:
    await cache(it).get_bill("x00001", Purpose.RITUAL)
    (call,) = await it.plane.store.list_calls(FIRM)
    assert (call.trigger, call.purpose, call.units) == (Trigger.RITUAL, Purpose.RITUAL, 1)
    assert "not read whole yet" in call.reason
    await it.plane.decisions.flush()
    (record,) = await it.plane.store.list_decisions(FIRM)
    assert (record.decision.rule, record.calls) == ("books.targeted", (call.id,))


async def test_a_list_that_is_too_long_is_asked_in_halves(it: CompanyRig) -> None:
    """How many ids an answer takes is not documented."""
    send = it.company.send

    async def short(base_url: str, request: Request) -> Response | NoAnswer:
        body = json.loads(request.body)
        it.company.fails.pop("rows", None)
        if len(str(body.get("ids", "")).split(",")) > IDS_A_CALL // 3:
            it.company.fails["rows"] = Outcome.BAD_REQUEST
        return await send(base_url, request)

    it.company.send = short  # type: ignore[method-assign]
    ids = sorted(it.company.bills)
    answer = await cache(it).batch_get_bills(ids)
    assert (answer.action, sorted(answer.value)) == (Action.SERVE, ids)
    assert len(it.company.calls) <= 15


async def test_what_was_deleted_since_is_not_served_again(it: CompanyRig) -> None:
    assert set((await cache(it).batch_get_bills(["x00001", "x00002"])).value) == {
        "x00001",
        "x00002",
    }
    del it.company.bills["x00002"]
    it.clock.advance(timedelta(hours=2))
    assert set((await cache(it).batch_get_bills(["x00001", "x00002"])).value) == {"x00001"}
