"""Gate: what stands before every operation: the token, the role, the size of the body, and errors turned into problems."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive
from typing_extensions import override

from rowcol.api import problem
from rowcol.api.auth import Tokens
from rowcol.api.metrics import Counts
from rowcol.api.roles import Principal, Role
from rowcol.core.ids import FirmId
from rowcol.core.refusal import Forbidden, Refusal
from rowcol.services.plane import OpenPlane

BODY_MAX = 64 * 1024
PLACE = "rowcol.caller"

Handle = Callable[[Request], Coroutine[Any, Any, Response]]
HostPrincipal = Callable[[Request], Awaitable[Principal]]
"""How a host says who asks: it raises `Unauthorized` or an HTTPException, or returns the principal."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and the plane that answers: what every operation is handed."""

    plane: OpenPlane
    principal: Principal
    tokens: Tokens
    counts: Counts

    @property
    def firm(self) -> FirmId:
        """The only firm that this request may touch."""
        return self.principal.firm

    def need(self, least: Role) -> None:
        """Raise `Forbidden` below `least`."""
        if not self.principal.role.covers(least):
            raise Forbidden(
                f"this needs the role {least}, the token has {self.principal.role}",
                f"ask an admin for a token with the role {least}",
            )

    async def need_sole_firm(self) -> None:
        """Raise `Forbidden` where the plane serves other firms too: what follows concerns them as well."""
        if len(await self.plane.store.list_firms()) != 1:
            raise Forbidden(
                "this concerns every firm on this plane", "its operator uses the command line"
            )


def _caller(request: Request) -> Caller:
    found: Caller = request.scope[PLACE]
    return found


Asking = Annotated[Caller, Depends(_caller)]


@dataclass(frozen=True, slots=True)
class Gate:
    """One plane's gate. `roles`: method and path -> least role, None for what needs no token. `bytes_max`: the same -> how
    long a body may be, where that is not `BODY_MAX`."""

    plane: OpenPlane
    tokens: Tokens
    counts: Counts
    roles: dict[str, Role | None]
    principal: HostPrincipal | None = None
    bytes_max: Mapping[str, int] = field(default_factory=dict)

    def route_class(self) -> type[APIRoute]:
        """Routes that pass this gate before anything of the body is read."""
        gate = self

        class Guarded(APIRoute):
            """A route behind the gate."""

            @override
            def get_route_handler(self) -> Handle:
                inner = super().get_route_handler()
                key = f"{next(iter(self.methods or ()))} {self.path}"
                return gate.around(inner, key, self.path)

        return Guarded

    def around(self, inner: Handle, key: str, where: str) -> Handle:
        """`inner` behind the gate. `key`: its method and path."""
        least, bytes_max = self.roles[key], self.bytes_max.get(key, BODY_MAX)

        async def handle(request: Request) -> Response:
            try:
                if least is not None:
                    caller = await self.admit(request)
                    caller.need(least)
                    request.scope[PLACE] = caller
                return await inner(Request(request.scope, bounded(request.receive, bytes_max)))
            except Refusal as error:
                return problem.refused(error)
            except RequestValidationError as error:
                return problem.invalid(error)
            except HTTPException as error:
                return problem.plain(error)
            except Exception as error:  # noqa: BLE001 - whatever it was, its text stays with us
                return problem.broken(error, self.plane.rng, where)

        return handle

    async def admit(self, request: Request) -> Caller:
        """Who asks. Raise `Unauthorized`."""
        if self.principal is None:
            principal = await self.tokens.principal(request.scope["headers"])
        else:
            principal = await self.principal(request)
        return Caller(self.plane, principal, self.tokens, self.counts)


def bounded(receive: Receive, bytes_max: int) -> Receive:
    """`receive` that raises 413 once more than `bytes_max` came."""
    left = bytes_max

    async def take() -> Message:
        nonlocal left
        message = await receive()
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413)
        return message

    return take
