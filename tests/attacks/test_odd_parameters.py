"""Odd values in every parameter of every operation, and in every member of every body: refused in words, never a 500.

Had: `month=0000-01` was 500 where an app is metered; that and a month in other digits were answered elsewhere, and
`Allow` named one method of several. Has: 400 for a parameter, 422 for a body, as problem+json; all methods.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rowcol.api.app import create_app
from rowcol.api.examples import REQUESTS
from rowcol.api.openapi import document
from rowcol.api.operations import OPERATIONS
from tests.api.books_rig import BooksFace, books_face
from tests.api.rig import PATHS, Face, face

OTHER_DIGITS = "\u0662\u0660\u0662\u0666-\u0660\u0661"
"""Of Arabic: 2026-01."""
ODD = (
    "",
    "0",
    "-1",
    "1e999",
    "nan",
    "9" * 400,
    "99999999999999999999",
    "0000-01",
    "9999-12",
    "10000-01",
    "2026-13",
    OTHER_DIGITS,
    "2026-01\n",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "9999-12-31T23:59:59Z",
    "-2026-01-01",
    "1e18",
    "\0",
    "a\0b",
    "\ufffe\U0010ffff",
    "\u202egnp.exe",
    "../../etc/passwd",
    "%2e%2e%2f",
    "' OR 1=1 --",
    "W10=",
    "WyJhIiwiXHVkODAwIl0=",
    "x" * 3000,
    "\r\nset-cookie: a=b",
)
RAW = ("%00", "%ff%fe", "%ed%a0%80", "%", "%zz", "+", "%252e")
"""As they stand in an address."""


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    for path, methods in document["paths"].items():
        if path.startswith("/v1/"):
            for method, operation in methods.items():
                yield method.upper(), path, operation.get("parameters", [])


async def refused(it: Face | BooksFace, method: str, address: str, **more: Any) -> int:
    """The status, of which none is a mistake of ours."""
    answer = await it.ask(method, address, **more)
    assert answer.status_code < 500, (method, address, more, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", address
    return answer.status_code


@pytest.mark.parametrize("rig", [face, books_face])
async def test_no_parameter_is_a_mistake_of_ours(
    tmp_path: Path, rig: Callable[[Path], AbstractAsyncContextManager[Face | BooksFace]]
) -> None:
    async with rig(tmp_path) as it:
        for method, path, parameters in operations(document(create_app(it.it.plane))):
            body = {"json": REQUESTS[key]} if (key := f"{method} {path}") in REQUESTS else {}
            for parameter in parameters:
                name, place = parameter["name"], parameter["in"]
                if place == "query":
                    for value in (*map(quote, ODD), *RAW):
                        await refused(it, method, f"{path.format(**PATHS)}?{name}={value}", **body)
                elif place == "path":
                    for value in (*map(quote, ODD[-9:-1]), *RAW):
                        address = path.format(**{**PATHS, name: value})
                        await refused(it, method, address, **body)


async def test_a_month_that_is_none_is_400(tmp_path: Path) -> None:
    async with books_face(tmp_path) as it:
        for path in ("/v1/cost", "/v1/pools"):
            for month in ("0000-01", "9999-12", "2026-00", OTHER_DIGITS, "2026-01%00"):
                answer = await it.ask("GET", f"{path}?month={month}")
                assert (answer.status_code, answer.json()["code"]) == (400, "bad_input"), month


async def test_no_member_of_a_body_is_a_mistake_of_ours(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        for key, example in REQUESTS.items():
            method, _, path = key.partition(" ")
            if not path.startswith("/v1/"):
                continue
            for body in odd_bodies(example):
                await refused(it, method, path.format(**PATHS), content=body)


def odd_bodies(example: Any) -> Iterator[bytes]:
    """The example with each member odd; and what is no object."""
    yield from (b"", b"null", b"[]", b"{", b"\xff", b'{"a":' * 5000, b"1" * 5000)
    odd = (*map(json.dumps, (*ODD[8:17], None, True, [], {}, -1)), '"\\ud800"', "1e999", "9" * 5000)
    for name in example:
        for value in odd:
            members = (
                f"{json.dumps(n)}: {value if n == name else json.dumps(v)}"
                for n, v in example.items()
            )
            yield f"{{{', '.join(members)}}}".encode()


async def test_allow_names_all_methods(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        by_path: dict[str, set[str]] = {}
        for operation in OPERATIONS:
            by_path.setdefault(operation.path, set()).add(operation.method)
        for path, methods in by_path.items():
            answer = await it.ask("PATCH", path.format(**PATHS))
            assert answer.status_code == 405, path
            allowed = set(answer.headers["allow"].split(", "))
            assert allowed >= methods, path  # bills/batch may be the name of a bill too
            assert len(allowed) <= len(methods) + ("/batch" in path), path
