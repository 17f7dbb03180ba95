"""The mirror of the books equals the books, row for row, after any mix of edits, deletes, voids, merges, outages and renewals."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowcol.core.need import Purpose
from rowcol.rails.qbo.spec import ENTITIES
from rowcol.sandbox.qbo.books import Books
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.faults import Fault
from rowcol.sandbox.qbo.switches import Switches
from rowcol.simulation.chance import stream
from rowcol.simulation.ledger.clerk import Clerk
from rowcol.simulation.ledger.edits import DEEDS
from rowcol.simulation.rig import Rig, open_rig
from rowcol.simulation.wiring import FIRM, Setup

LATER = timedelta(minutes=20)
_exact = msgspec.json.Decoder(float_hook=Decimal)
FAULTS = (
    "error_500",
    "throttle_json",
    "throttle_xml",
    "html",
    "not_json",
    "truncated",
    "no_answer",
)
STEPS = st.one_of(
    st.sampled_from(sorted(DEEDS)).map(lambda deed: ("deed", deed)),
    st.sampled_from(FAULTS).map(lambda fault: ("fault", fault)),
    st.sampled_from(["merge", "expire", "read", "wait", "future", "outage"]).map(
        lambda what: (what, "")
    ),
)


def exact(row: Mapping[str, Any]) -> Any:
    """A row as JSON has it, numbers exact."""
    return _exact.decode(msgspec.json.Encoder(decimal_format="number").encode(row))


async def mirror_of(rig: Rig, connection: Any, entity: str) -> dict[str, Any]:
    """What the mirror has that was not deleted."""
    found: dict[str, Any] = {}
    after = ""
    while rows := await rig.plane.store.list_rows(FIRM, connection.id, entity, after=after):
        found |= {row.remote_id: _exact.decode(row.body or b"null") for row in rows}
        after = rows[-1].remote_id
    return found


def merge(books: Books, dice: Any) -> None:
    """Two vendors become one."""
    names = [row["Id"] for row in books.rows("Vendor") if row["Active"]]
    loser, winner = dice.sample(names, 2)
    books.merge("Vendor", loser, winner)


def act(rig: Rig, books: Books, clerk: Clerk, dice: Any, step: tuple[str, str]) -> None:
    """One thing that happens over there."""
    what, detail = step
    realm_id = next(iter(rig.books.companies))
    now = rig.clock.now()
    match what:
        case "deed":
            clerk.do(detail)
        case "fault":
            rig.books.faults.next(Fault(detail), 2)
        case "outage":
            rig.books.faults.outage(now, now + timedelta(hours=2))
        case "expire":
            rig.books.expire_access(realm_id)
        case "future":
            row = dice.choice(books.rows("Account"))
            books.set_last_updated("Account", row["Id"], now + timedelta(days=35))
        case "merge":
            merge(books, dice)
        case _:
            """Time passes."""


async def check(
    seed: int, steps: Sequence[tuple[str, str]], switches: Switches, omits: tuple[str, ...]
) -> None:
    """Play it, heal everything, read once, and compare."""
    setup = Setup(seed, books=switches, books_omit=omits)
    async with open_rig(setup) as rig:
        company = rig.books.add_company("Harbor")
        dice = stream(seed, "steps")
        clerk = Clerk(company.books, stream(seed, "clerk"))
        clerk.open_the_books()
        business = await rig.add_business("Harbor")
        connection = await rig.connect_books(business, company)
        for step in steps:
            if step[0] == "read":
                await rig.ask_books(business, Purpose.GUARDRAIL)
            elif step[0] == "merge" and len(company.books.rows("Vendor")) < 4:
                continue
            else:
                with contextlib.suppress(QboError):  # what a merge took away cannot be edited
                    act(rig, company.books, clerk, dice, step)
            await rig.advance_to(rig.clock.now() + LATER)
        rig.books.faults.clear()
        await rig.advance_to(rig.clock.now() + timedelta(hours=3))
        asked = await rig.ask_books(business, Purpose.FORCED, is_confirmed=True)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=2))
        assert asked.answer is not None
        assert asked.answer.label is None, asked.answer.reason
        for entity in ENTITIES:
            truth = {row["Id"]: exact(row) for row in company.books.rows(entity)}
            assert await mirror_of(rig, connection, entity) == truth, entity


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.lists(STEPS, max_size=25))
def test_the_mirror_equals_the_books(seed: int, steps: list[tuple[str, str]]) -> None:
    asyncio.run(check(seed, steps, Switches(), ()))


NAMES = ("Vendor", "Customer", "Account")
UNVERIFIED: Final = {
    "no derived balances": (Switches(cdc_has_derived_balances=False), NAMES),
    "no inactive names": (Switches(cdc_has_inactive=False), NAMES),
    "no deposits": (Switches(cdc_has_deposit=False), ("Deposit",)),
    "silent merges": (Switches(merge_touches_references=False), ()),
    "merges without a tombstone": (Switches(merge_has_tombstone=False), ()),
    "exclusive": (Switches(changed_since="exclusive"), ()),
    "legacy": (Switches(webhook_format="legacy", void_suffix="voided"), ()),
    "linked": (Switches(webhook_linked_changes=True, multi_realm_posts=True), ()),
    "no echo": (Switches(echo_own_writes=False, webhook_gather_s=60), ()),
    "entity": (Switches(cdc_metering="entity", batch_metering="request"), ()),
    "403": (Switches(throttle_status=403, throttle_body="xml", wrong_company_status=403), ()),
    "grace": (Switches(rotation_grace_s=86_400, head_of_line_blocking=False), ()),
}
"""What nobody could verify about QuickBooks, the other way round, and what settings then say that /cdc omits."""
BUSY: Final = (
    *(("deed", "deactivate vendor"), ("read", "")),
    *(("deed", deed) for deed in sorted(DEEDS)),
    *(("deed", "deactivate vendor"), ("read", ""), ("merge", ""), ("read", "")),
    *(("deed", "deposit"), ("future", ""), ("expire", ""), ("deed", "pay bill"), ("read", "")),
)


@pytest.mark.parametrize("name", UNVERIFIED)
async def test_it_does_however_quickbooks_turns_out_to_be(name: str) -> None:
    await check(3, BUSY, *UNVERIFIED[name])


@settings(max_examples=5, deadline=None)
@given(st.sampled_from(sorted(UNVERIFIED)), st.integers(0, 10_000), st.lists(STEPS, max_size=15))
def test_it_does_after_any_mix_too(name: str, seed: int, steps: list[tuple[str, str]]) -> None:
    asyncio.run(check(seed, steps, *UNVERIFIED[name]))


@pytest.mark.parametrize("name", ["no derived balances", "no inactive names", "no deposits"])
async def test_without_the_setting_it_would_not(name: str) -> None:
    """So each of these switches is one that the test can see."""
    steps = [step for step in BUSY if step[0] != "merge"]  # which has names listed anew
    with pytest.raises(AssertionError):
        await check(3, steps, UNVERIFIED[name][0], ())


@pytest.mark.parametrize("count", [999, 1000, 2500])
async def test_an_import_that_no_answer_can_hold(count: int) -> None:
    """A thousand and more changes at once; some of them deleted again, some of another type."""
    async with open_rig() as rig:
        company = rig.books.add_company("Harbor")
        clerk = Clerk(company.books, stream(1, "clerk"))
        clerk.open_the_books()
        business = await rig.add_business("Harbor")
        connection = await rig.connect_books(business, company)
        await rig.advance_to(rig.clock.now() + LATER)
        for _ in range(count):
            clerk.do("enter bill")
        for row in company.books.rows("Bill")[:40]:
            company.books.delete("Bill", row["Id"])
        clerk.do("card purchase")
        asked = await rig.ask_books(business, Purpose.GUARDRAIL)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=5))
        assert asked.answer is not None
        assert asked.answer.label is None
        for entity in ("Bill", "Purchase", "Vendor", "Account"):
            truth = {row["Id"]: exact(row) for row in company.books.rows(entity)}
            assert await mirror_of(rig, connection, entity) == truth, entity


async def test_a_company_that_nobody_read_for_six_weeks_is_read_whole() -> None:
    async with open_rig() as rig:
        company = rig.books.add_company("Harbor")
        clerk = Clerk(company.books, stream(1, "clerk"))
        clerk.open_the_books()
        business = await rig.add_business("Harbor")
        connection = await rig.connect_books(business, company)
        rig.books.faults.outage(rig.clock.now(), rig.clock.now() + timedelta(days=45))
        gone = company.books.rows("Bill")[0]["Id"]
        company.books.delete("Bill", gone)
        clerk.do("enter bill")
        await rig.advance_to(rig.clock.now() + timedelta(days=46))
        asked = await rig.ask_books(business, Purpose.FORCED, is_confirmed=True)
        await rig.advance_to(rig.clock.now() + timedelta(minutes=5))
        assert asked.answer is not None
        assert asked.answer.label is None
        truth = {row["Id"]: exact(row) for row in company.books.rows("Bill")}
        assert await mirror_of(rig, connection, "Bill") == truth
        assert gone not in truth


@pytest.mark.parametrize("off_h", [-1, 1])
async def test_a_company_whose_clock_is_an_hour_off(off_h: int) -> None:
    async with open_rig() as rig:
        company = rig.books.add_company("Harbor", clock_offset=timedelta(hours=off_h))
        clerk = Clerk(company.books, stream(1, "clerk"))
        clerk.open_the_books()
        business = await rig.add_business("Harbor")
        connection = await rig.connect_books(business, company)
        for _ in range(4):
            await rig.advance_to(rig.clock.now() + timedelta(minutes=15))
            clerk.do("enter bill")
            asked = await rig.ask_books(business, Purpose.GUARDRAIL)
            assert asked.answer is not None
            assert asked.answer.label is None
            assert asked.answer.as_of == rig.clock.now() - timedelta(minutes=5)
            truth = {row["Id"]: exact(row) for row in company.books.rows("Bill")}
            assert await mirror_of(rig, connection, "Bill") == truth
