"""A firm's preferences: its own, else the plane's; read seldom, forgotten at once when changed."""

from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.refusal import BadInput
from tests.rig import FIRM, rig


async def test_a_firm_that_chose_nothing_gets_the_defaults(tmp_path: Path) -> None:
    async with rig(tmp_path, budget_usd_month=7) as it:
        preferences = it.plane.preferences
        assert (await preferences.policy(FIRM)).name == "evidence"
        assert (await preferences.budget(FIRM)).micros == 7_000_000
        assert await preferences.price_book(FIRM) == ()


async def test_a_choice_is_seen_within_seconds(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        preferences = it.plane.preferences
        await preferences.policy(FIRM)
        await it.plane.store.set_firm_settings(FIRM, {"policy": "ttl", "budget_micros_month": 5})
        it.clock.advance(timedelta(seconds=6))
        assert (await preferences.policy(FIRM)).name == "ttl"
        assert (await preferences.budget(FIRM)).micros == 5


async def test_a_policy_of_no_such_name_is_named(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.plane.store.set_firm_settings(FIRM, {"policy": "guess"})
        it.plane.preferences.forget(FIRM)
        with pytest.raises(BadInput, match="guess"):
            await it.plane.preferences.policy(FIRM)
