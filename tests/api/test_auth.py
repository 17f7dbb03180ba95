"""Auth: one valid bearer token and nothing else; a revocation elsewhere is seen within a second."""

from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.api.auth import Tokens
from rowcol.api.roles import Role
from rowcol.core.refusal import Unauthorized
from rowcol.services.tokens import hash_of
from tests.api.rig import face
from tests.rig import FIRM


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Basic eDp5")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer \xff\xfe")],
        [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")],
    ],
)
async def test_anything_else_is_refused(tmp_path: Path, headers: list[tuple[bytes, bytes]]) -> None:
    async with face(tmp_path) as it:
        tokens = Tokens(it.it.plane)
        assert tokens.kept(headers, it.it.clock.now()) is None
        with pytest.raises(Unauthorized):
            await tokens.principal(headers)


async def test_a_look_up_is_kept_for_a_second(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        tokens, clock = Tokens(it.it.plane), it.it.clock
        headers = [(b"authorization", f"bearer {it.tokens['operator']}".encode())]
        assert tokens.kept(headers, clock.now()) is None
        principal = await tokens.principal(headers)
        assert tokens.kept([*headers, *headers], clock.now()) is None
        assert (principal.firm, principal.role) == (FIRM, Role.OPERATOR)
        assert tokens.kept(headers, clock.now()) == principal
        await it.it.plane.store.revoke_token(FIRM, hash_of(it.tokens["operator"]), clock.now())
        clock.advance(timedelta(seconds=1))
        assert tokens.kept(headers, clock.now()) is None
        with pytest.raises(Unauthorized):
            await tokens.principal(headers)


async def test_a_token_with_an_unknown_role_may_nothing(tmp_path: Path) -> None:
    from rowcol.core.records import Token

    async with face(tmp_path) as it:
        row = Token(hash_of("t"), FIRM, "superuser", "x", it.it.clock.now())
        await it.it.plane.store.add_token(FIRM, row)
        with pytest.raises(Unauthorized):
            await Tokens(it.it.plane).principal([(b"authorization", b"Bearer t")])
