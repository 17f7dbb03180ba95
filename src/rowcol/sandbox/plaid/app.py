"""The HTTP face: Plaid's endpoints, the hosted page of Link and the control API in one ASGI app."""

from __future__ import annotations

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rowcol.sandbox.plaid.control import control_routes
from rowcol.sandbox.plaid.corruption import SpoiltAnswers
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.endpoints import ENDPOINTS
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.gate import json_response, pass_through
from rowcol.sandbox.plaid.hosted_link import hosted_link_routes


def plaid_app(emulator: PlaidEmulator) -> Starlette:
    """Serve this emulator. The app starts nothing: whoever owns the clock lets events happen."""

    async def answer(endpoint_index: int, request: Request) -> Response:
        return await pass_through(emulator, ENDPOINTS[endpoint_index], request)

    async def not_found(_request: Request, _error: Exception) -> Response:
        return json_response(PlaidError("NOT_FOUND").envelope("0" * 15), 404)

    routes = [
        Route(endpoint.path, partial(answer, index), methods=["POST"])
        for index, endpoint in enumerate(ENDPOINTS)
    ]
    app = Starlette(
        routes=[*routes, *hosted_link_routes(emulator), *control_routes(emulator)],
        exception_handlers={404: not_found, 405: not_found},
    )
    app.middleware_stack = SpoiltAnswers(app.build_middleware_stack(), emulator.faults)
    return app
