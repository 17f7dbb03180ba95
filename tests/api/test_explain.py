"""Explain over the wire: the same as the service says."""

from pathlib import Path

from rowcol.adapters.vault import FernetVault, new_key
from rowcol.api.explain import explain_of
from rowcol.services.explain import explain
from tests.api.rig import face
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


async def test_it_is_said_where_no_key_opens_a_login(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        for vault, is_locked in ((it.it.plane.vault, False), (FernetVault([new_key()]), True)):
            it.it.plane.vault = vault
            listed = (await it.ask("GET", f"/v1/businesses/{BUSINESS}/connections")).json()
            told = (await it.ask("GET", f"/v1/explain/{BUSINESS}")).json()
            for row in (*listed, *told["connections"]):
                assert row["is_locked"] is is_locked
                assert ("does not open this login" in row["health_reason"]) is is_locked
            assert len(listed) == len(told["connections"]) == 1
