"""Explain over the wire: the same as the service says."""

from pathlib import Path

from rowcol.api.explain import explain_of
from rowcol.services.explain import explain
from tests.fakes import LIVE_MICROS
from tests.rig import BUSINESS, FIRM, rig


async def test_it_is_all_there(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        out = explain_of(await explain(it.plane, FIRM, BUSINESS), it.plane.vault)
        assert out.business.id == BUSINESS
        assert out.fresh_price_micros == LIVE_MICROS
        assert out.cannot_help is None
        assert out.comes_free_at is None
        assert [c.id for c in out.connections] == ["con-1"]
        assert out.calls
