"""The open plane: a single firm or app needs no name, several do."""

from dataclasses import replace
from pathlib import Path

import pytest

from rowcol.bootstrap import Parts, Plane
from rowcol.core.ids import AppId, FirmId
from rowcol.core.records import Firm
from rowcol.core.refusal import Misconfigured
from tests.fakes import T0
from tests.rig import APP, settings


async def test_firms(tmp_path: Path) -> None:
    async with Plane.open(settings(tmp_path), run=False, may_be_new=True) as plane:
        with pytest.raises(Misconfigured, match="no firm yet"):
            await plane.firm()
        await plane.store.add_firm(Firm(FirmId("one"), "One", T0))
        assert await plane.firm() == "one"
        plane.default_firm = None
        await plane.store.add_firm(Firm(FirmId("two"), "Two", T0))
        assert await plane.firm(FirmId("two")) == "two"
        with pytest.raises(Misconfigured, match="2 firms"):
            await plane.firm()


async def test_apps(tmp_path: Path) -> None:
    parts = Parts(apps=(APP, replace(APP, id=AppId("second"))))
    async with Plane.open(settings(tmp_path), parts=parts, run=False, may_be_new=True) as plane:
        assert plane.app_of("tally", AppId("second")).id == "second"
        with pytest.raises(Misconfigured) as several:
            plane.app_of("tally")
        assert several.value.what_to_do == "name one: main, second"
        with pytest.raises(Misconfigured) as none:
            plane.app_of("plaid")
        assert "ROWCOL_PLAID__MAIN__CLIENT_ID" in none.value.what_to_do
