"""Spoiling: answers of a rail with one place of their JSON replaced, on their way to us."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from rowcol.core.wire import NoAnswer, Request, Response
from rowcol.ports import Transport
from rowcol.services.plane import OpenPlane

FAULT: Final[dict[str, dict[str, Any]]] = {
    "qbo": {"Fault": {"Error": [{"Message": "x", "Detail": "x", "code": "10000"}], "type": "S"}},
    "plaid": {"error_type": "API_ERROR", "error_code": "INTERNAL_SERVER_ERROR", "request_id": "r"},
}
KINDS: Final = ("fault", "beside", "delete", "null", "list", "object", "cut")
"""A fault instead of a part or beside its own, no part, an empty one of three kinds, the bytes cut at it."""
Path = tuple[str | int, ...]


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place of an answer, itself first."""
    yield at
    parts = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, part in parts:
        yield from places(part, (*at, name))


def spoilt(body: bytes, place: int, kind: str, rail: str) -> bytes:
    """The answer with one place of it spoilt; `place` counts on from the first after the last.

    Where a place is already what it would become, the next one that is not is spoilt."""
    said = json.loads(body)
    found = list(places(said))
    at = place % len(found)
    if kind == "cut":
        return body[: len(body) * at // len(found)]
    made = (_with(said, path, kind, rail) for path in found[at:] + found[:at])
    return json.dumps(next(one for one in made if one != said)).encode()


def _with(said: Any, path: Path, kind: str, rail: str) -> Any:
    *above, last = ("whole", *path)
    whole = {"whole": copy.deepcopy(said)}
    parent: Any = whole
    for name in above:
        parent = parent[name]
    if kind == "delete":
        del parent[last]
    else:
        parent[last] = _instead(parent[last], kind, rail)
    return whole.get("whole", {})


def _instead(part: Any, kind: str, rail: str) -> Any:
    if kind == "beside" and isinstance(part, dict):
        return {**part, **FAULT[rail]}
    return {"null": None, "list": [], "object": {}}.get(kind, FAULT[rail])


@dataclass
class Spoiler:
    """A transport that spoils the successful answer which comes after `after` others, once armed.

    Of no `kind` it only counts them."""

    inner: Transport
    rail: str
    after: int = 0
    place: int = 0
    kind: str = ""
    is_armed: bool = False
    n_answers: int = 0
    """Successful answers while armed."""
    path: str = ""
    """Where the answer came from that was spoilt, "" for none yet."""

    @classmethod
    def over(cls, plane: OpenPlane, rail: str) -> Self:
        gateway = plane.gateway
        spoiler = cls(gateway._transport, rail)
        gateway._transport = spoiler
        return spoiler

    def arm(self, after: int, place: int, kind: str) -> None:
        self.after, self.place, self.kind = after, place, kind
        self.is_armed, self.n_answers, self.path = True, 0, ""

    def disarm(self) -> None:
        """Raise `AssertionError` where nothing was spoilt that should have been: such an example shows nothing."""
        self.is_armed = False
        assert self.path or not self.kind, f"nothing was spoilt: {self.n_answers} answers came"

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        answer = await self.inner.send(base_url, request)
        is_one = isinstance(answer, Response) and answer.status == 200 and answer.body
        if not (self.is_armed and is_one and isinstance(answer, Response)):
            return answer
        self.n_answers += 1
        if not self.kind or self.n_answers != self.after + 1:
            return answer
        self.path = request.path
        return replace(answer, body=spoilt(answer.body, self.place, self.kind, self.rail))
