"""App: the HTTP API of one plane. `create_app` for a service of its own, `plane_router` for a host's FastAPI."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from rowcol import __version__
from rowcol.api import problem
from rowcol.api.auth import Tokens
from rowcol.api.callback import CALLBACK, Callback, is_callback
from rowcol.api.gate import Gate, HostPrincipal, checked
from rowcol.api.health import Readiness
from rowcol.api.hot import Front
from rowcol.api.metrics import Counts
from rowcol.api.openapi import document
from rowcol.api.operations import BYTES_MAX, OPERATIONS, ROLES, WEBHOOK
from rowcol.api.webhooks import Webhooks
from rowcol.core.refusal import Refusal
from rowcol.services.plane import OpenPlane

TITLE = "RowCol"
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
OPEN_PATHS = ("/healthz", "/readyz", "/openapi.json")


def create_app(plane: OpenPlane) -> FastAPI:
    """The whole service. It starts nothing and stops nothing: whoever opened the plane closes it."""
    tokens, counts = Tokens(plane), Counts()
    # No redirects: behind a proxy they would name http:// and whatever the Host header says.
    app = _App(
        title=TITLE,
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.include_router(_router(Gate(plane, tokens, counts, ROLES, bytes_max=BYTES_MAX)))
    app.add_exception_handler(HTTPException, _plain)
    app.add_api_route("/openapi.json", _openapi, methods=["GET"], include_in_schema=False)
    app.front = Front(app.inside, plane, tokens, counts)
    app.plane = plane
    app.tokens = tokens
    return app


def plane_router(plane: OpenPlane, principal: HostPrincipal | None = None) -> APIRouter:
    """The same operations for a host: `app.include_router(plane_router(plane, principal), prefix="/rowcol")`.

    `principal`: how the host says who asks (`gate.HostPrincipal`: what it takes, returns and raises); left out, our own
    tokens are asked for. Webhooks and health need neither. Raise `Misconfigured` for one that cannot be right.
    """
    return _router(Gate(plane, Tokens(plane), Counts(), ROLES, checked(principal), BYTES_MAX))


class _App(FastAPI):
    """FastAPI behind the front: the hot paths leave before it, what breaks inside becomes a problem."""

    front: Front
    plane: OpenPlane
    tokens: Tokens

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.front(scope, receive, send)

    async def inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything but the hot paths. Under /v1 only a token's holder hears what exists."""
        if scope["type"] == "http" and not _is_open(scope["path"]):
            refusal = await self._unknown(scope)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def _unknown(self, scope: Scope) -> Response | None:
        try:
            await self.tokens.principal(scope["headers"])
        except Refusal as error:
            return problem.refused(error)
        except Exception as error:  # noqa: BLE001 - whatever it was, its text stays with us
            return problem.broken(error, self.plane.rng, "auth")
        return None


def _is_open(path: str) -> bool:
    return path.endswith(OPEN_PATHS) or is_callback(path)


def _router(gate: Gate) -> APIRouter:
    router = APIRouter(route_class=gate.route_class())
    for op in OPERATIONS:
        extra = {} if op.shape is None else {"response_model": op.shape}
        router.add_api_route(
            op.path,
            op.handle,
            methods=[op.method],
            status_code=op.status,
            summary=op.summary,
            name=op.handle.__name__,
            operation_id=op.handle.__name__,
            **extra,
        )

    readiness = Readiness(gate.plane)

    async def readyz(_request: Request) -> Response:
        health = await readiness.health()
        body = {"status": health.status, "reason": health.reason}
        return JSONResponse(body, 200 if health.status == "ok" else 503)

    webhooks = Webhooks(gate.plane, gate.counts)
    router.add_route("/readyz", readyz, methods=["GET"], include_in_schema=False)
    callback = Callback(gate.plane)
    router.add_route(CALLBACK, callback.respond, methods=["GET"], include_in_schema=False)
    router.add_route(WEBHOOK, webhooks.respond, methods=["POST"], include_in_schema=False)
    return router


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = problem.plain(error)
    if (
        error.status_code == 405
    ):  # the framework names the methods of one route, and each of ours has one
        answer.headers["allow"] = ", ".join(_methods(request))
    return answer


def _methods(request: Request) -> list[str]:
    scope = dict(request.scope)
    found = {
        method
        for method in METHODS
        for route in request.app.routes
        if route.matches({**scope, "method": method})[0] is Match.FULL
    }
    return sorted(found)


async def _openapi(request: Request) -> Response:
    return JSONResponse(document(request.app))
