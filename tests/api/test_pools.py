"""Pools: used, forecast and stage of a month, with who of the firm used it."""

from pathlib import Path

from tests.api.books_rig import books_face
from tests.api.rig import face
from tests.rig import BUSINESS


async def test_a_month(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        out = (await it.ask("GET", "/v1/pools", "viewer")).json()
        (pool,) = out["pools"]
        assert (pool["used"], pool["limit"], pool["stage"]) == (1, 1_000, "OPEN")
        assert pool["metering"] == {"cdc": "call"}
        assert pool["forecast"] >= 1
        assert pool["runs_out_on"] is None
        (burn,) = out["burns"]
        assert (burn["business"], burn["endpoint"], burn["units"]) == (BUSINESS, "changes", 1)


async def test_another_month_has_no_pace(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        out = (await it.ask("GET", "/v1/pools", params={"month": "2026-01"})).json()
        assert (out["pools"][0]["used"], out["pools"][0]["stage"], out["burns"]) == (0, None, [])
        assert (await it.ask("GET", "/v1/pools", params={"month": "x"})).status_code == 400


async def test_a_plane_that_meters_nothing_has_none(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        out = (await it.ask("GET", "/v1/pools")).json()
        assert (out["pools"], out["burns"]) == ([], [])
