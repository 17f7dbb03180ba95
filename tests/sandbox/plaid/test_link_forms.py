"""Odd forms at the hosted page of Link: whatever is posted, the page answers and nothing is linked by accident."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.rig import Rig, ask

NAMES = ("session", "stage", "action", "institution_id", "username", "password", "account")
WORDS = (
    "cancel",
    "bank",
    "login",
    "accounts",
    "consent",
    "success",
    "exited",
    "ins_56",
    "ins_109508",
    "ins_132361",
    "user_good",
    "pass_good",
    "user_custom",
    "error_ITEM_LOCKED",
    "{session}",
    "{account}",
)
VALUES = st.one_of(st.sampled_from(WORDS), st.text(max_size=20))
FIELDS = st.lists(
    st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), VALUES), max_size=8
)
GOOD = (
    {"institution_id": "ins_109508"},
    {"username": "user_good", "password": "pass_good"},
    {"account": "{account}"},
)


class Page:
    """A page somebody walked on for some steps."""

    def __init__(self, n_steps: int) -> None:
        self.rig = Rig()
        self.n_steps = n_steps
        self.path = ""

    async def open(self) -> None:
        made = await self.rig.ok(
            "/link/token/create",
            client_name="RowCol",
            language="en",
            country_codes=["US"],
            user={"client_user_id": "u1"},
            products=["transactions"],
            hosted_link={},
        )
        self.path = made["hosted_link_url"].removeprefix("http://127.0.0.1:80")
        await ask(self.rig.app, self.path, method="GET")
        for values, stage in zip(GOOD[: self.n_steps], ("bank", "login", "accounts"), strict=False):
            await self.send([("session", "{session}"), ("stage", stage), *values.items()])

    @property
    def session(self) -> Any:
        return self.rig.emulator.link_tokens.all()[0].sessions[0]

    async def send(self, fields: list[tuple[str, str]]) -> int:
        login = self.session.login
        known = {
            "{session}": self.session.session_id,
            "{account}": "none" if login is None else login.account_ids[0],
        }
        filled = [(name, known.get(value, value)) for name, value in fields]
        return await self.send_raw(urlencode(filled, errors="replace").encode())

    async def send_raw(self, body: bytes) -> int:
        status, _ = await ask(self.rig.app, self.path, body)
        return status


@settings(max_examples=150, deadline=None)
@given(n_steps=st.integers(0, 3), forms=st.lists(FIELDS, min_size=1, max_size=4))
def test_odd_fields_are_survived(n_steps: int, forms: list[list[tuple[str, str]]]) -> None:
    async def check() -> None:
        page = Page(n_steps)
        await page.open()
        for fields in forms:
            assert await page.send(fields) in {303, 410}
        shown, _ = await ask(page.rig.app, page.path, method="GET")
        assert shown in {303, 410}
        assert page.rig.emulator.items == {}

    asyncio.run(check())


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200), n_steps=st.integers(0, 3))
def test_odd_bytes_are_survived(body: bytes, n_steps: int) -> None:
    async def check() -> None:
        page = Page(n_steps)
        await page.open()
        stage = page.session.stage
        assert await page.send_raw(body) in {303, 413}
        assert page.session.stage is stage

    asyncio.run(check())


def test_nobody_shares_an_account_of_somebody_else() -> None:
    async def check() -> None:
        page = Page(2)
        await page.open()
        page.rig.account("foreign")
        named = [("session", "{session}"), ("stage", "accounts"), ("account", "foreign")]
        await page.send(named)
        assert page.session.error["error_code"] == "NO_ACCOUNTS"
        await page.send([*named, ("account", "{account}")])
        assert page.session.chosen_ids == (page.session.login.account_ids[0],)

    asyncio.run(check())


def test_a_page_that_is_not_there() -> None:
    async def check() -> None:
        rig = Rig()
        assert [(await ask(rig.app, "/hl/none", b"", method))[0] for method in ("GET", "POST")] == [
            404,
            404,
        ]

    asyncio.run(check())
