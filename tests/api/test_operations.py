"""Operations: each route walked with every lesser role and with another firm's token: nothing leaks, nothing moves."""

from pathlib import Path

import pytest

from rowcol.api.app import plane_router
from rowcol.api.operations import OPERATIONS, ROLES
from rowcol.api.roles import Role
from tests.api.rig import GUARDED, PATHS, Face, face
from tests.rig import CONNECTION, FIRM

OURS = ("biz-1", "con-1", "item-1", "acc-1", "b-1", '"Business"', '"Firm"', "firm-1")
SOLE_FIRM = {"GET /v1/unmatched", "POST /v1/pause"}


async def everything(face: Face) -> list[object]:
    """What could have moved."""
    store = face.it.plane.store
    await face.it.plane.decisions.flush()
    return [
        await store.digest(FIRM),
        await store.list_businesses(FIRM),
        await store.list_connections(FIRM),
        await store.list_tokens(FIRM),
        await store.list_calls(FIRM),
        await store.list_deliveries(FIRM),
        await store.list_decisions(FIRM),
        await store.read_firm(FIRM),
        await store.read_switches(),
        await store.read_view(FIRM, CONNECTION),
        list(face.it.bank.calls),
    ]


async def test_another_firm_sees_and_moves_nothing(tmp_path: Path) -> None:
    async with face(tmp_path, firms=2) as it:
        before = await everything(it)
        for operation in GUARDED:
            answer = await it.do(operation, it.other)
            said = (operation.key, answer.status_code, answer.text)
            assert answer.status_code < 500, said
            asked = operation.path.format(**PATHS)
            leaked = [word for word in OURS if word in answer.text and word not in asked]
            assert not leaked, said
            if "{" in operation.path:
                assert answer.status_code == 404, said
            if operation.key in SOLE_FIRM:
                assert answer.status_code == 403, said
            await it.it.settle()
        assert await everything(it) == before


@pytest.mark.parametrize("role", [None, "unknown-token", *Role])
async def test_lesser_roles_are_refused_and_move_nothing(tmp_path: Path, role: str | None) -> None:
    async with face(tmp_path) as it:
        before = await everything(it)
        for operation in GUARDED:
            assert operation.role is not None
            if role in tuple(Role) and Role(str(role)).covers(operation.role):
                continue
            answer = await it.do(operation, role)
            expected = 403 if role in tuple(Role) else 401
            assert answer.status_code == expected, (operation.key, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        assert await everything(it) == before


async def test_the_least_role_suffices(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        for operation in GUARDED:
            if operation.path.endswith(("/balance/refresh", "/balance")):
                continue
            answer = await it.do(operation, str(operation.role))
            assert answer.status_code not in (401, 403, 405), (operation.key, answer.text)


async def test_every_route_is_in_the_table_and_in_the_document(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        routes = [*plane_router(it.it.plane).routes, *it.app.routes]
        found = {
            f"{method} {route.path}"
            for route in routes
            if hasattr(route, "path") and hasattr(route, "methods")
            for method in route.methods or ()
            if method != "HEAD"
        }
        document = (await it.ask("GET", "/openapi.json", None)).json()
        documented = {
            f"{method.upper()} {path}"
            for path, methods in document["paths"].items()
            for method in methods
        }
        assert found == documented == set(ROLES)


def test_no_operation_is_there_twice() -> None:
    assert len({o.key for o in OPERATIONS}) == len(OPERATIONS)
    assert len({o.handle.__name__ for o in OPERATIONS}) == len(OPERATIONS)
