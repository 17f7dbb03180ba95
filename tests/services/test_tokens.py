"""Tokens: 256 random bits, stored as their hash, one live one per label."""

from pathlib import Path

import pytest

from rowcol.core.ids import FirmId
from rowcol.core.refusal import BadInput, Conflict, NotFound
from rowcol.services.tokens import hash_of, issue
from tests.rig import FIRM, rig


async def test_only_the_hash_is_kept(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        secret, row = await issue(
            it.plane.store, it.plane.rng, FIRM, ("viewer", "Dana"), it.clock.now()
        )
        assert row.token_hash == hash_of(secret)
        assert await it.plane.store.find_token(hash_of(secret)) == row
        assert secret not in repr(await it.plane.store.list_tokens(FIRM))


@pytest.mark.parametrize(
    ("firm", "role", "label", "refusal"),
    [
        (FIRM, "root", "x", BadInput),
        (FIRM, "viewer", " ", BadInput),
        (FirmId("firm-9"), "viewer", "x", NotFound),
        (FIRM, "admin", "taken", Conflict),
    ],
)
async def test_refusals(
    tmp_path: Path, firm: FirmId, role: str, label: str, refusal: type[Exception]
) -> None:
    async with rig(tmp_path) as it:
        plane, now = it.plane, it.clock.now()
        await issue(plane.store, plane.rng, FIRM, ("viewer", "taken"), now)
        with pytest.raises(refusal):
            await issue(plane.store, plane.rng, firm, (role, label), now)
