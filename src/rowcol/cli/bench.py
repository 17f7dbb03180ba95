"""Bench: what the service costs against a bare server, as ratios in one run."""

from __future__ import annotations

from typing import Annotated

import typer

from rowcol.cli import face
from rowcol.cli.face import Json

EXAMPLES = "Examples: rowcol bench ingest --json  |  rowcol bench read"
app = typer.Typer(help="Measure: ingest, read.", no_args_is_help=True)
Rounds = Annotated[int, typer.Option("--rounds", min=1, max=50, help="Medians are over these.")]


@app.command(epilog=EXAMPLES)
def ingest(
    count: Annotated[int, typer.Option("--count", min=100, help="Webhooks a round.")] = 12_000,
    rounds: Rounds = 3,
    *,
    json: Json = False,
) -> None:
    """Measure authenticated, durable webhooks against a server that answers 200 and does nothing."""
    from rowcol.simulation.bench.ingest import run_ingest

    out = face.running(run_ingest(count=count, rounds=rounds, progress=face.note))
    _show(out, is_json=json)
    if out["lost"] or out["duplicated"]:
        raise typer.Exit(face.NO)


@app.command(epilog=EXAMPLES)
def read(
    count: Annotated[int, typer.Option("--count", min=100, help="Reads a round.")] = 15_000,
    rounds: Rounds = 3,
    *,
    json: Json = False,
) -> None:
    """Measure a cached balance over HTTP with its token checked, and in process."""
    from rowcol.simulation.bench.read import run_read

    _show(face.running(run_read(count=count, rounds=rounds, progress=face.note)), is_json=json)


def _show(out: dict[str, float | int], *, is_json: bool) -> None:
    if is_json:
        face.emit(out)
        return
    for name, value in out.items():
        face.say(f"{name:<18} {value:>12,}")
