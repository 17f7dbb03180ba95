"""Explain: price, reason and the next free look, without a call."""

from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.change import Action
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId
from rowcol.core.refusal import NotFound
from rowcol.services.explain import explain
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS, FIRM, rig


async def test_a_broken_login_cannot_be_helped_by_paying(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.bank.health = Health.NEEDS_RECONNECT
        await it.settle()
        found = await explain(it.plane, FIRM, BUSINESS)
        assert found.cannot_help == "NEEDS_RECONNECT"
        assert found.fresh_price.micros == LIVE_MICROS


async def test_a_rhythm_foretells_the_next_free_look(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        for _ in range(10):
            it.bank.seen_until = it.clock.now() - timedelta(minutes=5)
            await it.advance(hours=25)
        before = list(it.bank.calls)
        found = await explain(it.plane, FIRM, BUSINESS)
        assert found.comes_free_at is not None
        assert it.clock.now() < found.comes_free_at < it.clock.now() + timedelta(days=2)
        assert it.bank.calls == before


async def test_another_firms_business_is_not_there(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        with pytest.raises(NotFound):
            await explain(it.plane, FIRM, BusinessId("biz-2"))


async def test_the_reason_names_the_price_that_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        it.clock.advance(timedelta(days=3))
        await it.settle()
        found = await explain(it.plane, FIRM, BUSINESS)
        assert found.answer.action is Action.PAY
        assert str(found.fresh_price) in found.answer.reason
