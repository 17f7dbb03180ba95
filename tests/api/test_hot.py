"""Hot: a display read from memory is the same answer, is counted, and never outlives its token or its second."""

from datetime import timedelta
from pathlib import Path

from tests.api.rig import OTHER_BUSINESS, face
from tests.rig import BUSINESS, FIRM

BALANCE = f"/v1/businesses/{BUSINESS}/balance"


async def test_the_kept_answer_is_the_answer(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        first = await it.ask("GET", BALANCE, "viewer")
        again = await it.ask("GET", f"{BALANCE}?purpose=display", "viewer")
        assert again.json() == first.json()
        await it.it.plane.decisions.flush()
        decisions = await it.it.plane.store.list_decisions(FIRM)
        assert [d.inputs.get("times") for d in decisions] == [1, None]


async def test_it_ends_with_its_second(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        first = await it.ask("GET", BALANCE)
        it.it.clock.advance(timedelta(seconds=2))
        again = await it.ask("GET", BALANCE)
        assert again.json()["answered_at"] > first.json()["answered_at"]


async def test_another_firms_token_never_meets_it(tmp_path: Path) -> None:
    async with face(tmp_path, firms=2) as it:
        await it.ask("GET", BALANCE)
        await it.ask("GET", f"/v1/businesses/{OTHER_BUSINESS}/balance", it.other)
        assert (await it.ask("GET", BALANCE, it.other)).status_code == 404


async def test_a_revoked_token_is_refused_at_once(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        await it.ask("GET", BALANCE, "viewer")
        tokens = (await it.ask("GET", "/v1/tokens")).json()
        (viewer,) = [t["id"] for t in tokens if t["label"] == "viewer"]
        assert (await it.ask("DELETE", f"/v1/tokens/{viewer}")).status_code == 200
        assert (await it.ask("GET", BALANCE, "viewer")).status_code == 401
