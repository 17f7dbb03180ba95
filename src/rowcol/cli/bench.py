"""Bench: what the service costs against a bare server, as ratios in one run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import Json

EXAMPLES = "Examples: rowcol bench ingest --json  |  rowcol bench read  |  rowcol bench ledger --raw > events.json"
app = typer.Typer(help="Measure: ingest, read, ledger.", no_args_is_help=True)
Rounds = Annotated[int, typer.Option("--rounds", min=1, max=50, help="Medians are over these.")]


@app.command(epilog=EXAMPLES)
def ingest(
    count: Annotated[int, typer.Option("--count", min=100, help="Webhooks a round.")] = 12_000,
    rounds: Rounds = 3,
    *,
    json: Json = False,
) -> None:
    """Measure authenticated, durable webhooks against a server that answers 200 and does nothing.

    The first figures are Plaid's, whose signatures (ES256) cost most; `by_rail` has them beside QuickBooks' (HMAC).
    """
    from rowcol.simulation.bench.ingest import run_ingest

    by_rail = face.running(run_ingest(count=count, rounds=rounds, progress=face.note))
    _show({**by_rail["plaid"], "by_rail": by_rail}, is_json=json)
    if any(out["lost"] or out["duplicated"] for out in by_rail.values()):
        raise typer.Exit(face.Exit.NO)


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


@app.command(epilog=EXAMPLES)
def ledger(
    companies: Annotated[int, typer.Option("--companies", min=1, max=1000)] = 100,
    weeks: Annotated[int, typer.Option("--weeks", min=1, max=52)] = 4,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal weeks.")] = 1,
    *,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="Also print every event and the emulator's own counts; implies --json."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Measure what the books of a firm cost, and how stale its decisions are, beside hourly polling.

    Four weeks of the quoted workload on an emulated QuickBooks: with 1, 10 and 100 % of the
    webhooks lost, and the same weeks polled every hour. Three to eight minutes.
    """
    from rowcol.simulation.ledger.bench import run_ledger

    steps: dict[str, int] = {}

    def tell(what: str, share: float) -> None:
        if int(share * 4) > steps.get(what, -1):
            steps[what] = int(share * 4)
            face.note(f"{what}: {share:.0%}")

    report, events = face.running(
        run_ledger(companies=companies, weeks=weeks, seed=seed, tell=tell)
    )
    if json or raw:
        face.emit({**report, "raw": events} if raw else report)
        return
    _show(report, is_json=False)


def _flat(report: dict[str, Any], above: str = "") -> Iterator[tuple[str, float]]:
    for name, value in report.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _show(out: dict[str, Any], *, is_json: bool) -> None:
    if is_json:
        face.emit(out)
        return
    rows = list(_flat(out))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        face.say(f"{name:<{width}} {value:>12,}")
