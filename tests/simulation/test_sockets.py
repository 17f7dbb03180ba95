"""Sockets: an app is served on loopback while the context lasts, and not a moment longer."""

from __future__ import annotations

import signal
import socket
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from rowcol.simulation.sockets import bound, serving, url_of


async def hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", hello)])


async def test_an_app_is_served_for_a_while() -> None:
    place = bound()
    url = url_of(place)
    before = signal.getsignal(signal.SIGINT)
    async with httpx2.AsyncClient(trust_env=False) as client:
        async with serving(APP, place):
            answers = [(await client.get(url)).text for _ in range(3)]
            assert signal.getsignal(signal.SIGINT) is before
        with pytest.raises(httpx2.HTTPError):
            await client.get(url)
    assert answers == ["hello"] * 3


async def test_answers_are_not_held_back() -> None:
    """Nagle's algorithm would cost 40 ms for each of them; the socket that answers has it off."""
    seen: list[int] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        answering = send.__self__.transport.get_extra_info("socket")
        seen.append(answering.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await APP(scope, receive, send)

    place = bound()
    async with httpx2.AsyncClient(trust_env=False) as client, serving(noting, place):
        assert (await client.get(url_of(place))).text == "hello"
    assert seen == [1]


def test_a_port_that_is_taken_is_an_error() -> None:
    with bound() as one, pytest.raises(OSError, match="in use"):
        bound(one.getsockname()[1])
    assert one.family is socket.AF_INET
