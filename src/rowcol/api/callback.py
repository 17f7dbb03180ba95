"""Callback: where a rail sends a person back to. It needs no token: the secret `state` in the address is what it is trusted by.

The page is one file without scripts or outside resources, and says nothing of what the address brought.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rowcol.core.rail import CONSENT
from rowcol.core.refusal import Misconfigured, Refusal, Unreadable
from rowcol.core.secret import origin_of
from rowcol.core.seldom import Seldom
from rowcol.core.text import clean
from rowcol.services import consent
from rowcol.services.linking import TakenHere
from rowcol.services.plane import OpenPlane

CALLBACK = "/oauth/{rail}/callback"
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em;color:#222}"
    "h1{font-size:1.4em}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
CLOSE = "You may close this window."

log = structlog.get_logger(__name__)


def is_callback(path: str) -> bool:
    """Whether this path, wherever the API is mounted, is a callback's."""
    parts = path.split("/")
    return len(parts) >= 4 and parts[-1] == "callback" and parts[-3] == "oauth"


class Callback:
    """The page behind `/oauth/{rail}/callback`."""

    def __init__(self, plane: OpenPlane) -> None:
        self._plane = plane
        self._seldom = Seldom()

    async def respond(self, request: Request) -> Response:
        """Complete the consent that the address speaks of, and say so."""
        rail = self._plane.rails.get(request.path_params["rail"])
        if rail is None or CONSENT not in rail.spec.hosts:
            return page(404, "Not found", "Nothing is connected here.")
        if request.method != "GET":  # a preview must not use up the secret
            return page(405, "Not done", "Open the address in a browser.")
        answers = request.query_params
        request.scope["query_string"] = (
            b""  # the server's access log names the scope's address: code and state are secrets
        )
        return await self._completed(dict(answers))

    async def _completed(self, answers: Mapping[str, str]) -> Response:
        try:
            made = await consent.complete(self._plane, answers)
        except (Misconfigured, Unreadable) as error:
            log.error("callback.misconfigured", detail=error.message, error=origin_of(error))
            text = "The service is not set up for this. Its operator finds the reason with rowcol doctor."
            return page(400, "Not connected", text)
        except (
            TakenHere
        ):  # whoever has the link sees this page; the firm's people read the rest with a token
            self._tell(TakenHere.code)
            text = "This company is connected to the firm already. Ask whoever sent you the link."
            return page(400, "Not connected", text)
        except Refusal as error:
            self._tell(error.code)
            return page(400, "Not connected", error.message, error.what_to_do)
        except Exception as error:  # noqa: BLE001 - logged without locals
            reference = self._plane.rng.new_id("err")
            log.error("callback.failed", reference=reference, error=origin_of(error))
            text = (
                f"Something went wrong on our side. Give the operator this reference: {reference}"
            )
            return page(500, "Not connected", text)
        log.info("callback.connected", rail=made.rail, connection=made.id)
        return page(200, "Connected", "The login is stored, and its first reading has begun.")

    def _tell(self, code: str) -> None:
        """Anybody may ask for the page: a flood of guesses is no flood of lines."""
        times = self._seldom.times(code, self._plane.clock.now().timestamp())
        if times:
            log.info("callback.refused", code=code, times=times)


def callback_app(plane: OpenPlane) -> Starlette:
    """Nothing but the callback, for a command that waits for one."""
    return Starlette(routes=[Route(CALLBACK, Callback(plane).respond, methods=["GET"])])


def page(status: int, title: str, text: str, what_to_do: str = "") -> Response:
    """A page of its own, everything in it escaped."""
    lines = [line for line in (_sentence(text), _sentence(what_to_do), CLOSE) if line]
    body = "".join(f"<p>{html.escape(clean(line))}</p>" for line in lines)
    head = html.escape(clean(title))
    made = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>RowCol: {head}</title>'
        f"<style>{STYLE}</style></head><body><h1>{head}</h1>{body}</body></html>"
    )
    return Response(made, status, HEADERS, media_type="text/html")


def _sentence(text: str) -> str:
    """Refusals are written to be read after a colon."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")
