"""The wire: the address a client came by, and a broken connection in process."""

from __future__ import annotations

import pytest

from rowcol.sandbox.qbo.wire import Answer, read_request, send_answer


async def test_a_request_as_a_value() -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/a",
        "query_string": b"x=1%2B2&empty=",
        "headers": [(b"Host", b"h:1")],
        "scheme": "https",
    }
    parts: list[dict[str, object]] = [{"body": b"ab", "more_body": True}, {"body": b"c"}]

    async def receive() -> dict[str, object]:
        return parts.pop(0)

    asked = await read_request(scope, receive)
    assert (asked.body, asked.query) == (b"abc", {"x": "1+2", "empty": ""})
    assert asked.base_url == "https://h:1"


async def test_a_dropped_answer() -> None:
    async def send(_message: object) -> None:
        raise AssertionError

    with pytest.raises(ConnectionResetError):
        await send_answer(Answer(0, b"", is_dropped=True), send)
