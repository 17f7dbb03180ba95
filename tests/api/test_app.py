"""App: unknown paths and methods, errors as problems, and the same operations inside a host's FastAPI."""

from pathlib import Path

import httpx2
from fastapi import FastAPI
from starlette.requests import Request

from rowcol.api.app import create_app, plane_router
from rowcol.api.roles import Principal, Role
from rowcol.core.refusal import Unauthorized
from tests.api.rig import face
from tests.rig import BUSINESS, FIRM


async def test_unknown_paths_tell_nothing_without_a_token(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        assert (await it.ask("GET", "/v1/nothing", None)).status_code == 401
        answer = await it.ask("GET", "/v1/nothing")
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"


async def test_nobody_is_sent_elsewhere_for_a_slash(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        assert (await it.ask("GET", "/v1/businesses/")).status_code == 404


async def test_a_wrong_method_names_the_right_ones(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        answer = await it.ask("DELETE", "/v1/board")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_what_breaks_inside_is_a_reference_and_nothing_else(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        it.it.plane.answerer = None  # type: ignore[assignment]
        answer = await it.ask("GET", "/v1/board")
        assert answer.status_code == 500
        problem = answer.json()
        assert problem["reference"] in problem["what_to_do"]
        assert "NoneType" not in answer.text
        assert "Traceback" not in answer.text


async def test_a_host_mounts_the_router_under_its_own_auth(tmp_path: Path) -> None:
    async def principal(request: Request) -> Principal:
        if request.headers.get("cookie") != "session=dana":
            raise Unauthorized("no session")
        return Principal(FIRM, Role.VIEWER, "Dana")

    async with face(tmp_path) as it:
        host = FastAPI()
        host.include_router(plane_router(it.it.plane, principal), prefix="/cash")
        transport = httpx2.ASGITransport(app=host)
        async with httpx2.AsyncClient(transport=transport, base_url="http://host") as client:
            path = f"/cash/v1/businesses/{BUSINESS}/balance"
            assert (await client.get(path)).status_code == 401
            answer = await client.get(path, headers={"cookie": "session=dana"})
            assert (answer.status_code, answer.json()["business"]) == (200, BUSINESS)
            refused = await client.get("/cash/v1/tokens", headers={"cookie": "session=dana"})
            assert refused.status_code == 403
            hook = await client.post("/cash/webhooks/tally/main", content=b"X:item-1")
            assert hook.status_code == 401
            taken = await client.post(
                "/cash/webhooks/tally/main", content=b"X:item-1", headers={"key": "k"}
            )
            assert taken.status_code == 200


async def test_the_app_works_under_a_mount_point(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        host = FastAPI()
        host.mount("/cash", create_app(it.it.plane))
        transport = httpx2.ASGITransport(app=host)
        async with httpx2.AsyncClient(transport=transport, base_url="http://host") as client:
            headers = {"authorization": f"Bearer {it.tokens['viewer']}"}
            for _ in range(2):
                path = f"/cash/v1/businesses/{BUSINESS}/balance"
                assert (await client.get(path, headers=headers)).status_code == 200
            assert (await client.get("/cash/healthz")).status_code == 200
            assert (await client.post("/cash/webhooks/no/app")).status_code == 404
