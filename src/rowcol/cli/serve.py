"""Serve: the HTTP API, the webhooks and the runner, in one process."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from rowcol.cli import face
from rowcol.cli.face import Json
from rowcol.core.refusal import Misconfigured

EXAMPLES = "Examples: rowcol serve  |  rowcol serve --port 0 --json"


def serve(
    host: Annotated[
        str, typer.Option("--host", help="Address; default: ROWCOL_HOST, else 127.0.0.1.")
    ] = "",
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=face.PORT_MAX,
            help="Port; 0 takes a free one; default: ROWCOL_PORT, else 8700.",
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Run the service until SIGTERM or Ctrl-C; what was accepted is finished first.

    With --json one object with the address goes to stdout once it listens. Logs are JSON lines on stderr.
    """
    try:
        from rowcol.cli import listening
    except ModuleNotFoundError as error:
        raise Misconfigured(
            f"the package {error.name} is not installed", "pip install 'rowcol[server]'"
        ) from error
    listening.on_fast_loop(_serve(host, port, is_json=json))


async def _serve(host: str, port: int | None, *, is_json: bool) -> None:
    from rowcol.api.app import create_app
    from rowcol.bootstrap import Plane
    from rowcol.cli import listening
    from rowcol.cli.bounds import Bounds, limits_of
    from rowcol.cli.logs import to_stderr
    from rowcol.settings import load

    settings = load()
    to_stderr(settings.log_level)
    made = listening.bound(host or settings.host, settings.port if port is None else port)
    address = listening.address_of(made)

    def announce() -> None:
        if is_json:
            face.emit({"address": address, "pid": os.getpid()})
            return
        face.say(f"RowCol listens on {address}")
        if not settings.plaid and not settings.qbo:
            face.note("no rail is configured: run `rowcol doctor`")
        elif not settings.public_url:
            face.note("no public URL (ROWCOL_PUBLIC_URL): no webhooks, only sweeps")

    bounds = Bounds(limits_of(settings))
    with made:  # also where the plane cannot be opened
        async with Plane.open(settings) as plane:
            await listening.serve(create_app(plane), made, announce, bounds)
    face.note("stopped")
