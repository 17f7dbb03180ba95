"""Live refused: what Plaid refuses once is asked again after a week, a repair or a reset, and never sold from the cache.

Before: a live look refused once was off 90 days later, also after a repair; at Capital One all were, though only cards are.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from rowcol.core.connection import Connection
from rowcol.core.evidence import Source
from rowcol.core.need import Purpose
from rowcol.core.outcome import Billed
from rowcol.sandbox.plaid.catalog import CAPITAL_ONE, REAL_INSTITUTIONS
from rowcol.sandbox.plaid.knobs import turn
from rowcol.sandbox.plaid.switches import Switches
from rowcol.sandbox.world import AccountFacts
from rowcol.services.integration import IntegrationService
from rowcol.simulation.rig import Asked, Rig, open_rig
from rowcol.simulation.wiring import FIRM, Setup

DAY = timedelta(days=1)
LIVE = "/accounts/balance/get"
BANK = next(bank for bank in REAL_INSTITUTIONS if bank.institution_id == CAPITAL_ONE)


async def billed(rig: Rig) -> Counter[Billed | None]:
    calls = await rig.plane.store.list_calls(FIRM, limit=1000)
    return Counter(call.billed for call in calls if call.endpoint == "accounts.balance.get")


async def insist(rig: Rig, login: Connection) -> Asked:
    """A person confirms the price of a live look."""
    asked = await rig.ask(login.business, Purpose.FORCED, is_confirmed=True)
    await rig.advance_to(rig.clock.now() + timedelta(hours=1))
    assert asked.answer is not None
    return asked


@pytest.mark.parametrize("code", ["UNSUPPORTED_RESPONSE", "INSTITUTION_REGISTRATION_REQUIRED"])
async def test_a_refused_live_look_is_tried_once_a_week_for_nothing(code: str) -> None:
    async with open_rig(Setup(seed=2)) as rig:
        rig.world.open_account("a1", AccountFacts("Checking"), 10_000_00, ())
        login = await rig.connect(await rig.add_business("Harbor Dental"), ["a1"])
        turn(rig.emulator, "force_error", {"path": LIVE, "code": code, "n_calls": 100})
        asked = await insist(rig, login)
        for _ in range(19):
            await rig.advance_to(rig.clock.now() + DAY - timedelta(hours=1))
            asked = await insist(rig, login)
        assert await billed(rig) == {Billed.NO: 3}
        assert asked.answer is not None
        assert f"because Plaid refused the last one ({code})" in asked.answer.reason
        turn(rig.emulator, "clear", {})
        await insist(rig, login)
        assert await billed(rig) == {Billed.NO: 3}
        await IntegrationService(rig.plane, login.business, firm=FIRM).reset(login.id)
        await rig.settle()
        await insist(rig, login)
        assert await billed(rig) == {Billed.NO: 3, Billed.YES: 1}


@pytest.mark.parametrize("is_by_item", [False, True])
async def test_capital_ones_bank_accounts_beside_a_card(*, is_by_item: bool) -> None:
    """Both readings of the rule: asked for alone they are answered live, or refused for nothing and left for a week."""
    switches = Switches(capital_one_rule_by_item=is_by_item)
    async with open_rig(Setup(seed=2, switches=switches)) as rig:
        rig.world.open_account("a1", AccountFacts("Checking"), 10_000_00, ())
        card = AccountFacts("Card", account_type="credit", account_subtype="credit card")
        rig.world.open_account("a2", card, 500_00, ())
        business = await rig.add_business("Harbor Dental")
        login = await rig.connect(business, ["a1", "a2"], BANK)
        await rig.advance_to(rig.clock.now() + DAY)
        for _ in range(6):
            await insist(rig, login)
            await rig.advance_to(rig.clock.now() + DAY)
        assert await billed(rig) == ({Billed.NO: 1} if is_by_item else {Billed.YES: 6})
        view = await rig.plane.store.read_view(FIRM, login.id)
        assert view is not None
        seen = {a.type: a.latest_live for a in view.accounts}
        assert seen["credit"] is None
        assert (seen["depository"] is None) is is_by_item
        assert all(not a.is_closed for a in view.accounts)
        (whole,) = [a.latest for a in view.accounts if a.type == "credit"]
        assert whole is not None
        assert whole.source is Source.CACHED
