"""Gate: what stands before every operation: the token, the role, the size of the body, and errors turned into problems."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import structlog
from fastapi import Depends, params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
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
from rowcol.core.refusal import Forbidden, Misconfigured, Refusal
from rowcol.core.seldom import Seldom
from rowcol.services.plane import OpenPlane

BODY_MAX = 64 * 1024
PLACE = "rowcol.caller"
INJECTED = (params.Depends, params.Param, params.Body)
"""What FastAPI fills in where it makes the call itself."""
TAKES = (
    "give `principal` a function that takes the request and returns a `rowcol.api.roles.Principal`"
)
FIRM_SHOWN = 64

log = structlog.get_logger(__name__)

Handle = Callable[[Request], Coroutine[Any, Any, Response]]
HostPrincipal = Callable[[Request], Awaitable[Principal] | Principal]
"""How a host says who asks.

It takes the request, as a coroutine function or a plain one (which is run in a thread), and returns a `Principal` with the
firm, the role and a name for the log. Whom it does not know it refuses: by `Unauthorized` or `Forbidden` of ours, answered
as a problem, or by whatever the host raises elsewhere (`HTTPException(401, headers=...)`), which passes through unchanged.
It never returns None. A wrong function is told at mount (`checked`), a wrong value is a 500 and nobody gets in.
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and the plane that answers: what every operation is handed."""

    plane: OpenPlane
    principal: Principal
    tokens: Tokens
    counts: Counts
    is_hosts: bool = False
    """Whether the host said who asks: then there is no token of ours."""

    @property
    def firm(self) -> FirmId:
        """The only firm that this request may touch."""
        return self.principal.firm

    def need(self, least: Role) -> None:
        """Raise `Forbidden` below `least`."""
        if not self.principal.role.covers(least):
            who = "you have" if self.is_hosts else "the token has"
            raise Forbidden(
                f"this needs the role {least}, {who} {self.principal.role}",
                "ask who runs this service for that role"
                if self.is_hosts
                else f"ask an admin for a token with the role {least}",
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
    firms: set[FirmId] = field(default_factory=set)
    """Those that hosts named and the plane has; a firm is never removed."""
    seldom: Seldom = field(default_factory=Seldom)

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
        is_asked = self.roles[key] is not None and self.principal is not None

        async def handle(request: Request) -> Response:
            claim: object = None
            if is_asked:
                try:
                    claim = await self._ask_host(request)
                except Refusal as error:  # what else the host raises is the host's own to answer
                    return problem.refused(error)
            return await self._answer(request, claim, inner, key, where)

        return handle

    async def _answer(
        self, request: Request, claim: object, inner: Handle, key: str, where: str
    ) -> Response:
        least, bytes_max = self.roles[key], self.bytes_max.get(key, BODY_MAX)
        try:
            if least is not None:
                caller = await self.admit(request, claim)
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

    async def _ask_host(self, request: Request) -> object:
        """What the host's function returns. A plain one may wait for its database: it runs in a thread."""
        assert self.principal is not None
        call = getattr(self.principal, "__call__", None)  # noqa: B004 - an object may have an async one
        is_async = inspect.iscoroutinefunction(self.principal) or inspect.iscoroutinefunction(call)
        returned: object = (
            self.principal(request)
            if is_async
            else await run_in_threadpool(self.principal, request)
        )
        return await returned if inspect.isawaitable(returned) else returned

    async def admit(self, request: Request, claim: object) -> Caller:
        """Who asks. `claim`: what the host's principal returned. Raise `Unauthorized`, or `Misconfigured` where that is none."""
        principal = claim
        if self.principal is None:
            principal = await self.tokens.principal(request.scope["headers"])
        if not (
            isinstance(principal, Principal)
            and isinstance(principal.role, Role)
            and isinstance(principal.firm, str)
            and principal.firm
        ):
            raise Misconfigured(
                f"the host's principal returned {_kind(principal)}, not a Principal with a firm and a Role",
                "raise `Unauthorized` or an HTTPException for whom it does not know",
            )
        await self._need_firm(principal.firm)
        return Caller(self.plane, principal, self.tokens, self.counts, self.principal is not None)

    async def _need_firm(self, firm: FirmId) -> None:
        """Raise `Forbidden` where the host names a firm that is not on this plane; a token's always is."""
        if self.principal is None or firm in self.firms:
            return
        if await self.plane.store.read_firm(firm) is None:
            if times := self.seldom.times("firm", self.plane.clock.now().timestamp()):
                log.warning("api.unknown_firm", firm=firm[:FIRM_SHOWN], times=times)
            raise Forbidden(
                "your firm is not on this plane", "ask who runs this service: `rowcol firm list`"
            )
        self.firms.add(firm)


def checked(principal: HostPrincipal | None) -> HostPrincipal | None:
    """The host's function, as far as can be seen before it is called. Raise `Misconfigured` saying what is wrong with it."""
    if principal is None:
        return None
    if not callable(principal):
        raise Misconfigured(f"principal is {_kind(principal)}, which cannot be called", TAKES)
    named = principal if inspect.isroutine(principal) else type(principal).__call__
    try:
        hints = get_type_hints(named, include_extras=True)
    except Exception:  # noqa: BLE001 - names that exist for type checkers only; an annotation may raise anything
        hints = {}
    _check_parameters(principal, hints)
    given = hints.get("return", Any)
    if get_origin(given) is Annotated:
        given = get_args(given)[0]
    if get_origin(given) in (Awaitable, Coroutine):
        given = get_args(given)[-1]
    if given is not Any and not (isinstance(given, type) and issubclass(given, Principal)):
        raise Misconfigured(f"principal returns {given}, not a Principal", TAKES)
    return principal


def _check_parameters(principal: HostPrincipal, hints: Mapping[str, Any]) -> None:
    try:
        signature = inspect.signature(principal)
        signature.bind(object())
    except TypeError:
        raise Misconfigured("principal cannot be called with the request alone", TAKES) from None
    except ValueError:  # a signature that cannot be seen
        return
    for name, parameter in signature.parameters.items():
        marks = (parameter.default, *get_args(hints.get(name)))
        if any(isinstance(each, INJECTED) for each in marks):
            raise Misconfigured(
                f"principal wants {name} injected, but we call it with the request alone", TAKES
            )


def _kind(value: object) -> str:
    """Of a host's value its kind alone: it may hold anything."""
    return "None" if value is None else f"a value of type {type(value).__name__}"


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
