"""Callback: a page for people that repeats nothing, loads nothing, and is good for one use of its secret."""

from pathlib import Path

import pytest

from rowcol.api.callback import is_callback, page
from tests.api.books_rig import BooksFace, books_face
from tests.api.test_consent import begun
from tests.fake_books import LEDGER

PATH = f"/oauth/{LEDGER}/callback"
CODE = "the-code-itself"


async def back(it: BooksFace, query: str, method: str = "GET") -> tuple[int, str]:
    """Status and page, which is safe whatever it says."""
    answer = await it.ask(method, f"{PATH}?{query}", None)
    if method == "GET":
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert CODE not in answer.text
        for word in ("<script", "src=", "href=", "url("):
            assert word not in answer.text
    return answer.status_code, answer.text


async def test_connected_once(tmp_path: Path) -> None:
    async with books_face(tmp_path, connected=False) as it:
        _, state = await begun(it)
        query = f"code={CODE}&state={state}"
        status, text = await back(it, query)
        assert (status, "Connected" in text, state in text) == (200, True, False)
        assert "may close this window" in text
        status, text = await back(it, query)
        assert (status, "used already" in text) == (400, True)


async def test_a_preview_does_not_use_the_secret_up(tmp_path: Path) -> None:
    async with books_face(tmp_path, connected=False) as it:
        _, state = await begun(it)
        assert (await back(it, f"code={CODE}&state={state}", "HEAD"))[0] == 405
        assert (await back(it, f"code={CODE}&state={state}"))[0] == 200


@pytest.mark.parametrize("query", ["", "state=guessed&code=x", "code=x", "state="])
async def test_a_secret_that_is_none(tmp_path: Path, query: str) -> None:
    async with books_face(tmp_path, connected=False) as it:
        status, text = await back(it, query)
        assert (status, "Not connected" in text) == (400, True)


async def test_a_person_who_declined(tmp_path: Path) -> None:
    async with books_face(tmp_path, connected=False) as it:
        path, state = await begun(it)
        status, text = await back(it, f"error=%3Cb%3Eno%3C/b%3E&state={state}")
        assert status == 400
        assert "<b>no" not in text
        assert (await it.ask("GET", path)).json()["state"] == "failed"


async def test_another_rail_has_no_page(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        answer = await it.ask("GET", "/oauth/none/callback?state=x", None)
        assert (answer.status_code, "Not found" in answer.text) == (404, True)


async def test_what_breaks_is_a_reference(tmp_path: Path) -> None:
    async with books_face(tmp_path, connected=False) as it:
        _, state = await begun(it)
        it.it.plane.gateway = None  # type: ignore[assignment]
        status, text = await back(it, f"code={CODE}&state={state}")
        assert (status, "err_" in text, "NoneType" in text) == (500, True, False)


def test_everything_is_escaped() -> None:
    text = bytes(page(400, "a<b", "<i>x</i>", "y").body).decode()
    assert "<i>" not in text
    assert "Y." in text


def test_wherever_it_is_mounted() -> None:
    assert is_callback("/oauth/x/callback")
    assert is_callback("/cash/oauth/x/callback")
    assert not is_callback("/v1/oauth")
    assert not is_callback("/oauth/callback")
