"""The host's principal: checked at mount, believed only when it is one, and what the host raises is the host's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI, Header, HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rowcol.api.app import plane_router
from rowcol.api.gate import checked
from rowcol.api.roles import Principal, Role
from rowcol.core.ids import FirmId
from rowcol.core.refusal import Forbidden, Misconfigured, Unauthorized
from tests.rig import BUSINESS, FIRM, rig

ONE = Principal(FIRM, Role.VIEWER, "Dana")
PATH = f"/cash/v1/businesses/{BUSINESS}/connections"


class NotLoggedIn(Exception):
    """A host's own, with a handler of its own."""


@asynccontextmanager
async def hosted(folder: Path, principal: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with rig(folder) as it:
        host = FastAPI()

        @host.exception_handler(NotLoggedIn)
        async def sent_off(_request: Request, _error: NotLoggedIn) -> Response:
            return JSONResponse({"login": "/login"}, 401)

        host.include_router(plane_router(it.plane, principal), prefix="/cash")
        transport = httpx2.ASGITransport(app=host)
        async with httpx2.AsyncClient(transport=transport, base_url="http://host") as client:
            yield client


class Asked:
    """A host's object."""

    async def __call__(self, request: Request) -> Principal:
        return ONE


async def coroutine(request: Request) -> Principal:
    return ONE


def plain(request: Request) -> Principal:
    return ONE


def late(request: Request) -> Awaitable[Principal]:
    return coroutine(request)


def marked(request: Request) -> Annotated[Principal, "of the host"]:
    return ONE


def of_a_missing_name(request: Request) -> httpx2.Missing:  # type: ignore[valid-type]
    """Had: an AttributeError at mount."""
    return ONE


GOOD = [coroutine, plain, late, Asked(), lambda request: ONE, of_a_missing_name, marked]


@pytest.mark.parametrize("principal", GOOD, ids=range(len(GOOD)))
async def test_each_kind_of_function_is_asked(tmp_path: Path, principal: Any) -> None:
    async with hosted(tmp_path, principal) as client:
        assert (await client.get(PATH)).status_code == 200
        assert (await client.get("/cash/v1/tokens")).status_code == 403


def nothing_taken() -> Principal:
    return ONE


def two_taken(request: Request, more: str) -> Principal:
    return ONE


def a_word(request: Request) -> str:
    return "admin"


def one() -> Principal:
    return ONE


def injected(request: Request, user: Principal = Depends(one)) -> Principal:  # noqa: B008 - as hosts write it
    """Had: accepted, and called with the mark itself."""
    return user


def injected_only(user: Principal = Depends(one)) -> Principal:  # noqa: B008 - as hosts write it
    return user


def from_a_header(request: Request, token: str = Header("")) -> Principal:
    return ONE


def annotated(
    request: Request, user: Annotated[Principal | None, Depends(one)] = None
) -> Principal:
    return user or ONE


async def perhaps(request: Request) -> Principal | None:
    return None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("admin", "cannot be called"),
        (ONE, "cannot be called"),
        (nothing_taken, "with the request alone"),
        (two_taken, "with the request alone"),
        (injected, "wants user injected"),
        (injected_only, "wants user injected"),
        (from_a_header, "wants token injected"),
        (annotated, "wants user injected"),
        (a_word, "not a Principal"),
        (perhaps, "not a Principal"),
    ],
)
def test_a_wrong_function_is_told_at_mount(wrong: Any, said: str) -> None:
    """It was an error of the first request."""
    with pytest.raises(Misconfigured, match=said) as told:
        checked(wrong)
    assert "rowcol.api.roles.Principal" in told.value.what_to_do


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "canary",
        {"firm": FIRM, "role": "admin", "key": "canary"},
        Principal(FIRM, "admin"),  # type: ignore[arg-type]
        Principal(FirmId(""), Role.ADMIN),
        Principal(None, Role.ADMIN),  # type: ignore[arg-type]
    ],
    ids=range(6),
)
async def test_a_wrong_value_opens_no_door(
    tmp_path: Path, wrong: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with hosted(tmp_path, lambda request: wrong) as client:
        answer = await client.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (500, "misconfigured")
    said = capsys.readouterr().out
    assert "the host's principal returned" in said
    assert "the log says why" in answer.json()["what_to_do"]
    assert "canary" not in said + answer.text


@pytest.mark.parametrize("status", [401, 403])
async def test_a_host_s_own_refusal_passes_through(tmp_path: Path, status: int) -> None:
    """It was answered as a problem of ours, with another body."""

    async def principal(request: Request) -> Principal:
        raise HTTPException(status, {"host": "no"}, {"www-authenticate": 'Basic realm="host"'})

    async with hosted(tmp_path, principal) as client:
        answer = await client.get(PATH)
    assert (answer.status_code, answer.json()) == (status, {"detail": {"host": "no"}})
    assert answer.headers["www-authenticate"] == 'Basic realm="host"'
    assert answer.headers["content-type"] == "application/json"


async def test_a_host_s_own_exception_meets_its_own_handler(tmp_path: Path) -> None:
    async def principal(request: Request) -> Principal:
        raise NotLoggedIn

    async with hosted(tmp_path, principal) as client:
        answer = await client.get(PATH)
        assert (answer.status_code, answer.json()) == (401, {"login": "/login"})


@pytest.mark.parametrize(("refusal", "status"), [(Unauthorized, 401), (Forbidden, 403)])
async def test_our_refusals_are_problems(tmp_path: Path, refusal: Any, status: int) -> None:
    def principal(request: Request) -> Principal:
        raise refusal("not today")

    async with hosted(tmp_path, principal) as client:
        answer = await client.get(PATH)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_firm_that_is_not_on_the_plane_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It had 200 and an empty list."""
    nobody = Principal(FirmId("firm-none"), Role.ADMIN, "Dana")
    async with hosted(tmp_path, lambda request: nobody) as client:
        answer = await client.get("/cash/v1/businesses")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "api.unknown_firm" in capsys.readouterr().out


async def test_a_host_hears_of_no_token(tmp_path: Path) -> None:
    """It was told that its token has viewer, and to ask an admin for another."""
    async with hosted(tmp_path, lambda request: ONE) as client:
        answer = await client.get("/cash/v1/tokens")
    assert answer.status_code == 403
    assert "token" not in answer.json()["detail"] + answer.json()["what_to_do"]
