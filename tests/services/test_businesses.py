"""Businesses: found by id, external id or name; added once."""

from pathlib import Path

import pytest

from rowcol.core.ids import FirmId
from rowcol.core.refusal import BadInput, NotFound
from rowcol.services.businesses import every, find, find_or_add
from tests.rig import BUSINESS, FIRM, rig


async def test_found_by_every_word(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        for word in (BUSINESS, "b-1", "Business"):
            assert (await find(it.plane, FIRM, word)).id == BUSINESS
        with pytest.raises(NotFound):
            await find(it.plane, FirmId("firm-2"), BUSINESS)


async def test_a_name_that_fits_two_asks_which(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await find_or_add(it.plane, FIRM, "Twin", "t-1")
        await find_or_add(it.plane, FIRM, "Twin", "t-2")
        with pytest.raises(BadInput, match="2 businesses"):
            await find(it.plane, FIRM, "Twin")
        assert (await find(it.plane, FIRM, "t-2")).external_id == "t-2"


async def test_added_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        first, is_new = await find_or_add(it.plane, FIRM, " Harbor ", "h")
        again, is_again = await find_or_add(it.plane, FIRM, "Other", "h")
        assert (first, is_new, is_again) == (again, True, False)
        assert first.name == "Harbor"
        assert len(await every(it.plane, FIRM)) == 2
        with pytest.raises(BadInput):
            await find_or_add(it.plane, FIRM, " ", "x")
