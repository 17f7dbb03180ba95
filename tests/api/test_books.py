"""Books: bills, vendors and accounts with their proof; a bill that is not there is missing as of a time."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rowcol.core.outcome import Outcome
from tests.api.books_rig import books_face
from tests.api.test_consent import begun
from tests.fake_books import LEDGER
from tests.rig import FIRM
from tests.waiting import pass_time, until_stuck


async def test_open_bills_by_due_date_with_their_proof(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        out = (await it.ask("GET", "bills", "viewer")).json()
        assert [b["id"] for b in out["value"]] == ["b1", "b2"]
        assert out["value"][1]["balance"] == {"amount_minor": 490, "currency": "USD"}
        assert (out["action"], out["age_s"], out["calls"]) == ("SERVE", 0, [])
        assert out["evidence"] == [
            {"scope": "everything", "complete_as_of": out["as_of"], "source": "CACHED"}
        ]
        until = (await it.ask("GET", "bills", params={"due_until": "2026-11-05"})).json()
        assert [b["id"] for b in until["value"]] == ["b1"]
        wrong = await it.ask("GET", "bills", params={"due_until": "friday"})
        assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_input")


async def test_a_row_that_cannot_be_read_is_named_beside_the_others(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        part_of_a_cent = {"party": "v1", "due": "2026-11-05", "total": 0.5, "open": 0.5}
        it.it.office.rows = {**it.it.office.rows, ("Bill", "x7"): part_of_a_cent}
        it.it.clock.advance(timedelta(days=2))
        asked = asyncio.create_task(it.ask("GET", "bills"))
        await until_stuck(it.it.clock, asked, settle=it.it.settle)
        batch = await it.ask("POST", "bills/batch", json={"ids": ["b1", "x7", "b2"]})
        page = await it.ask("GET", "bills", params={"limit": 1})
        why = "not an exact amount of USD"
        for answer, ids in ((asked.result(), ["b1", "b2"]), (batch, ["b1", "b2"]), (page, ["b1"])):
            out = answer.json()
            assert (answer.status_code, out["action"]) == (200, "SERVE")
            assert [b["id"] for b in out["value"]] == ids
            assert out["unreadable"] == [{"entity": "Bill", "id": "x7", "why": why}]
            assert out["label"] == f"not in it, as it cannot be read: Bill 'x7' ({why})"


async def test_asked_for_by_its_id_it_is_a_problem(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        part_of_a_cent = {"party": "v1", "due": "2026-11-05", "total": 0.5, "open": 0.5}
        it.it.office.rows = {**it.it.office.rows, ("Bill", "x7"): part_of_a_cent}
        it.it.clock.advance(timedelta(days=2))
        asked = asyncio.create_task(it.ask("GET", "bills/x7"))
        await until_stuck(it.it.clock, asked, settle=it.it.settle)
        answer = asked.result()
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (409, "row_unreadable")
        assert (problem["entity"], problem["id"]) == ("Bill", "x7")
        assert problem["detail"] == "Bill 'x7' cannot be read: not an exact amount of USD"
        assert "correct it in the books" in problem["what_to_do"]
        assert (await it.ask("GET", "bills/b1")).status_code == 200


async def test_lists_come_in_pages(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        for what in ("bills", "vendors"):
            whole = (await it.ask("GET", what)).json()
            assert whole["next"] is None
            found: list[object] = []
            after: str | None = ""
            for _ in range(len(whole["value"])):
                out = (await it.ask("GET", what, params={"limit": 1, "after": after})).json()
                assert len(out["value"]) == 1
                found += out["value"]
                after = out["next"]
            assert found == whole["value"]
            assert after is None
        for wrong in ({"after": "%%%"}, {"after": "eA=="}, {"limit": 0}, {"limit": 1001}):
            assert (await it.ask("GET", "bills", params=wrong)).status_code == 400


async def test_a_bill_that_is_not_there_is_missing_as_of_a_time(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        assert (await it.ask("GET", "bills/b1")).json()["value"]["number"] == "N-b1"
        it.it.clock.advance(timedelta(hours=1))
        missing = await it.ask("GET", "bills/b9")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
        assert "as of 2026-11-02 12:00:00 UTC" in missing.json()["detail"]
        assert missing.json()["as_of"].startswith("2026-11-02T12:00:00")


async def test_a_batch_costs_no_call_while_the_mirror_vouches(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        it.it.office.calls.clear()
        body = {"ids": ["b2", "none", " b1", "b2"]}
        out = (await it.ask("POST", "bills/batch", "viewer", json=body)).json()
        assert [b["id"] for b in out["value"]] == ["b2", "b1"]
        assert it.it.office.calls == []
        assert (await it.ask("POST", "bills/batch", json={"ids": []})).status_code == 422


async def test_ten_thousand_ids_fit_one_batch(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        ids = ["b1", *(f"{n:020}" for n in range(9_999))]
        out = await it.ask("POST", "bills/batch", json={"ids": ids})
        assert out.status_code == 200, out.text
        assert [b["id"] for b in out.json()["value"]] == ["b1"]
        many = await it.ask("POST", "bills/batch", json={"ids": [*ids, "b2"]})
        assert (many.status_code, many.json()["code"]) == (422, "bad_input")
        long = await it.ask("POST", "bills/batch", json={"ids": ["x" * 99] * 6_000})
        assert (long.status_code, long.json()["code"]) == (413, "content_too_large")
        assert "batches of bills 512 KiB" in long.json()["what_to_do"]


async def test_books_that_were_never_read(tmp_path: Path) -> None:
    """A row is asked for by its id; where nothing is connected the answer is HOLD."""
    async with books_face(tmp_path, connected=False) as it:
        out = (await it.ask("GET", "bills/b1")).json()
        assert (out["action"], out["value"], out["as_of"]) == ("HOLD", None, None)
        assert "no books are connected" in out["reason"]
        _, state = await begun(it)
        await it.ask("GET", f"/oauth/{LEDGER}/callback?code=c&state={state}", None)
        out = (await it.ask("GET", "bills/b1")).json()
        assert (out["value"]["id"], it.it.office.calls) == ("b1", ["token", "rows"])


async def test_vendors_and_bank_accounts(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        vendors = (await it.ask("GET", "vendors", "viewer")).json()
        assert [v["name"] for v in vendors["value"]] == ["Bolt & Nut"]
        accounts = (await it.ask("GET", "books/bank-accounts", "viewer")).json()
        assert [a["name"] for a in accounts["value"]] == ["Checking"]


async def test_what_may_call_each_time_needs_an_advisor(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        it.it.office.calls.clear()
        for path in ("bills?force=true", "bills/b1?force=true", "vendors?purpose=guardrail"):
            assert (await it.ask("GET", path, "viewer")).status_code == 403
        assert it.it.office.calls == []
        it.it.clock.advance(timedelta(minutes=1))
        asked = asyncio.create_task(it.ask("GET", "bills?force=true", "advisor"))
        await until_stuck(it.it.clock, asked, settle=it.it.settle)
        out = asked.result().json()
        assert (out["action"], out["purpose"], out["age_s"]) == ("SERVE", "FORCED", 0)
        assert it.it.office.calls == ["changes"]
        assert len(out["calls"]) == 1


LISTS = ("bills", "bills/b1", "vendors", "books/bank-accounts")


@pytest.mark.parametrize("path", LISTS)
async def test_whatever_is_read_can_be_forced(tmp_path: Path, path: str) -> None:
    async with books_face(tmp_path) as it:
        it.it.office.calls.clear()
        it.it.clock.advance(timedelta(minutes=1))
        assert (await it.ask("GET", f"{path}?force=true", "viewer")).status_code == 403
        asked = asyncio.create_task(it.ask("GET", f"{path}?force=true", "advisor"))
        await until_stuck(it.it.clock, asked, settle=it.it.settle)
        out = asked.result().json()
        assert (out["action"], out["purpose"], out["age_s"]) == ("SERVE", "FORCED", 0)
        assert it.it.office.calls == ["changes"]


@pytest.mark.parametrize("path", [*LISTS, "bills/batch"])
@pytest.mark.parametrize("offset", ["Z", "", "+00:00"])
async def test_the_deadline_is_when_it_is_answered(tmp_path: Path, path: str, offset: str) -> None:
    """A check after payment waits for days where none is given; a time without an offset is UTC."""
    async with books_face(tmp_path) as it:
        it.it.clock.advance(timedelta(minutes=1))
        by = it.it.clock.now() + timedelta(minutes=5)
        how = {"purpose": "verify", "deadline": f"{by:%Y-%m-%dT%H:%M:%S}{offset}"}
        is_batch = path.endswith("batch")
        more: dict[str, Any] = {"json": {"ids": ["b1"], **how}} if is_batch else {"params": how}
        asked = asyncio.create_task(it.ask("POST" if is_batch else "GET", path, **more))
        within = timedelta(minutes=6)
        await pass_time(it.it.clock, asked, at_most=within, settle=it.it.settle)
        out = asked.result().json()
        assert (out["action"], out["label"], out["age_s"]) == ("SERVE", None, 0)
        assert datetime.fromisoformat(out["answered_at"]) >= by


@pytest.mark.parametrize("path", LISTS)
async def test_a_deadline_that_is_none(tmp_path: Path, path: str) -> None:
    async with books_face(tmp_path) as it:
        for wrong, status in (("soon", 400), ("2027-11-02T12:00:00Z", 422)):
            answer = await it.ask("GET", path, params={"deadline": wrong})
            assert (answer.status_code, answer.json()["code"]) == (status, "bad_input")
            batch = await it.ask("POST", "bills/batch", json={"ids": ["b1"], "deadline": wrong})
            assert batch.status_code == 422


async def test_what_is_held_is_not_called_missing(tmp_path: Path) -> None:
    """A broken or paused login says so, also for a bill that the old books do not have."""
    async with books_face(tmp_path) as it:
        (login,) = await it.it.plane.store.list_connections(FIRM)
        await it.it.plane.store.set_paused(FIRM, login.id, is_paused=True)
        it.it.clock.advance(timedelta(days=3))
        asked = asyncio.create_task(it.ask("GET", "bills/b9?purpose=guardrail", "advisor"))
        step, hour = timedelta(seconds=10), timedelta(hours=1)
        await pass_time(it.it.clock, asked, at_most=hour, step=step, settle=it.it.settle)
        answer = asked.result()
        assert (answer.status_code, answer.json()["action"]) == (200, "HOLD")
        assert answer.json()["value"] is None


async def test_a_viewer_s_display_waits_for_nothing_whatever_the_deadline(tmp_path: Path) -> None:
    """Else the rail would be asked again and again for somebody who may only look."""
    async with books_face(tmp_path) as it:
        by = it.it.clock.now() + timedelta(days=30)
        it.it.clock.advance(timedelta(days=2))
        it.it.office.calls.clear()
        it.it.office.fails["changes"] = Outcome.TRY_AGAIN
        asked = asyncio.create_task(
            it.ask("GET", "bills", "viewer", params={"deadline": f"{by:%Y-%m-%dT%H:%M:%SZ}"})
        )
        await pass_time(it.it.clock, asked, at_most=timedelta(minutes=5), settle=it.it.settle)
        assert asked.result().json()["label"]
        assert len(it.it.office.calls) <= 3


async def test_a_viewer_asks_for_a_thousand_bills_at_most(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        body = {"ids": [f"b{n}" for n in range(1_001)]}
        assert (await it.ask("POST", "bills/batch", "viewer", json=body)).status_code == 403
        assert (await it.ask("POST", "bills/batch", "advisor", json=body)).status_code == 200
