"""Demo: four weeks of a small firm on the emulated rail, then the service for a look."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import Json
from rowcol.core.refusal import BadInput

if TYPE_CHECKING:
    from datetime import date

    from rowcol.simulation.demo import Progress
    from rowcol.simulation.options import DemoOptions
    from rowcol.simulation.report import DemoReport
    from rowcol.simulation.stages import Look

EXAMPLES = (
    "Examples: rowcol demo  |  rowcol demo --once --json  |  rowcol demo --transactions bank.csv"
)


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End with the report; implied without a terminal.")
    ] = False,
    transactions: Annotated[
        Path | None,
        typer.Option(
            "--transactions",
            help="CSV: account, date, amount, [balance]; an account is a business.",
        ),
    ] = None,
    starts_on: Annotated[
        str,
        typer.Option("--from", help="First measured day; default: the busiest weeks of the file."),
    ] = "",
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal weeks.")] = 1,
    businesses: Annotated[int, typer.Option("--businesses", help="Size of the firm.")] = 25,
    weeks: Annotated[int, typer.Option("--weeks", help="How long.")] = 4,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=face.PORT_MAX, help="Of the service; 0: any free one."),
    ] = 0,
    json: Json = False,
) -> None:
    """Run a firm under the policies `ttl` and `evidence`, and compare. Costs nothing, reaches nothing outside."""
    from rowcol.cli.logs import to_stderr
    from rowcol.simulation.options import DemoOptions

    to_stderr("error")
    options = DemoOptions(
        seed=seed,
        businesses=businesses,
        weeks=weeks,
        transactions=transactions,
        first=day_of(starts_on),
        port=port,
    )
    ends = once or json or not sys.stdout.isatty()
    report = face.running(_demo(options, ends=ends, is_json=json))
    if report.errors:
        raise typer.Exit(face.Exit.NO)


async def _demo(options: DemoOptions, *, ends: bool, is_json: bool) -> DemoReport:
    from rowcol.api.app import create_app
    from rowcol.simulation.demo import run_demo

    if ends:
        with progress_bar() as tell:
            report = await run_demo(options, tell, face=create_app)
        _show(report, is_json=is_json)
        return report
    shown: list[DemoReport] = []
    with progress_bar() as tell:
        await _stay(run_demo(options, tell, face=create_app, keep_serving=_look(tell, shown)))
    if not shown:
        raise typer.Exit(face.Exit.INTERRUPTED)
    return shown[0]


def _look(tell: Any, shown: list[DemoReport]) -> Callable[[DemoReport, Look], None]:
    def look(report: DemoReport, at: Look) -> None:
        shown.append(report)
        tell.stop()
        _show(report, is_json=False)
        face.say("")
        face.say(f"The service goes on at {at.url}; Ctrl-C ends it. For a look:")
        face.say(f"  curl -s -H 'Authorization: Bearer {at.token}' {at.url}/v1/board")

    return look


async def _stay(work: Any) -> None:
    """Until Ctrl-C."""
    import asyncio

    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    face.note("stopped")


def _show(report: DemoReport, *, is_json: bool) -> None:
    if is_json:
        face.emit(report.to_json())
        return
    from rich.console import Console

    width = None if sys.stdout.isatty() else 160
    report.render(Console(width=width, highlight=False))


class _Bar:
    """Shows how far it is, on stderr: a bar on a terminal, else a line every tenth."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._tenth = 0

    def __call__(self, progress: Progress) -> None:
        """One step."""
        week = "" if progress.week is None else f", week {progress.week} of {progress.weeks}"
        text = f"{progress.part}{week}"
        if self._bar is not None:
            self._bar.update(self._task, completed=progress.share, description=text)
        elif int(progress.share * 10) > self._tenth:
            self._tenth = int(progress.share * 10)
            left = "" if progress.eta_s is None else f", about {progress.eta_s:.0f} s left"
            face.note(f"{progress.share:4.0%} {text}{left}")

    def start(self) -> None:
        """Take the terminal, if there is one."""
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as RichProgress

            self._bar = RichProgress(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=1.0)
            self._bar.start()

    def stop(self) -> None:
        """Give the terminal back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


@contextlib.contextmanager
def progress_bar() -> Iterator[_Bar]:
    """A bar for as long as the context lasts."""
    bar = _Bar()
    bar.start()
    try:
        yield bar
    finally:
        bar.stop()


def day_of(text: str) -> date | None:
    """`2016-03-07`; raise `BadInput` for what is no day."""
    from datetime import date

    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(f"--from {text!r} is no date", "write 2016-03-07") from error
