"""Opening: the firm by id, name, or as the only one."""

from pathlib import Path

import pytest

from rowcol.cli.opening import firm_of, writing
from rowcol.core.ids import FirmId
from rowcol.core.records import Firm
from rowcol.core.refusal import Misconfigured, NotFound
from tests.rig import FIRM, rig


async def test_which_firm(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        for word in ("", FIRM, "Firm"):
            assert await firm_of(it.plane, word) == FIRM
        await it.plane.store.add_firm(Firm(FirmId("firm-2"), "Two", it.clock.now()))
        assert await firm_of(it.plane, "Two") == "firm-2"
        with pytest.raises(Misconfigured, match="2 firms"):
            await firm_of(it.plane, "")
        with pytest.raises(NotFound):
            await firm_of(it.plane, "Three")


def test_what_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "none" / "file"
    with pytest.raises(Misconfigured, match="No such file"), writing(path):
        path.touch()
