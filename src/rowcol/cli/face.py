"""Face: how commands speak. Results on stdout, one JSON object (or lines) with `--json`; everything else on stderr.

Exit codes: 0 done; 1 the answer is "no", or partial; 2 wrong use, or something has to be set up first.
"""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any, TypeVar

import typer

from rowcol.core.refusal import Busy, Conflict, RailRefused, Refusal

DONE, NO, WRONG = 0, 1, 2
SWITCH_INTERVAL_S = 0.0005
T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="One JSON object, or JSON lines, on stdout.")]
FirmOption = Annotated[
    str, typer.Option("--firm", help="Firm, by id or name; needed where there are several.")
]
PORT_MAX = 65_535
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def emit(record: object) -> None:
    """One JSON object on its own line."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(record).decode() + "\n")
    sys.stdout.flush()


def say(text: str = "") -> None:
    """A result for people."""
    print(text, flush=True)


def note(text: str) -> None:
    """Something for people that is no result."""
    print(text, file=sys.stderr, flush=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Aligned columns; numbers to the right. On a terminal with rules and bold heads, else plain."""
    if not rows:
        if empty:
            note(empty)
        return
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    right = [all(isinstance(row[i], int) for row in rows) for i in range(len(columns))]
    if sys.stdout.isatty():
        _rich_table(columns, cells, right)
        return
    widths = [max(len(row[i]) for row in [list(columns), *cells]) for i in range(len(columns))]
    for row in [[name.upper() for name in columns], *cells]:
        padded = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ]
        say("  ".join(padded).rstrip())


def _rich_table(columns: Sequence[str], cells: list[list[str]], right: list[bool]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=SIMPLE)
    for name, is_right in zip(columns, right, strict=True):
        made.add_column(name, justify="right" if is_right else "left")
    for row in cells:
        made.add_row(*(Text(cell) for cell in row))
    Console().print(made)


def money(micros: int) -> str:
    """Dollars, `$0.10`."""
    from rowcol.core.money import Cost

    return str(Cost(micros))


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person; without a terminal `--yes` is the only answer. Exit 1 for no."""
    if yes:
        return
    if not sys.stdin.isatty():
        note(f"{question} Not asked, as there is no terminal: repeat with --yes.")
        raise typer.Exit(NO)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        note("Nothing was done.")
        raise typer.Exit(NO)


def running(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work on a loop of its own, the fast one where it is installed.

    The loop hands the interpreter to the store's threads and back at every write; Python's default
    of 5 ms before it asks for it back would make each of them that slow under load.
    """
    import asyncio

    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


def refuse(refusal: Refusal, *, is_json: bool) -> int:
    """Say what is refused and what to do; the exit code."""
    if is_json:
        error = {
            "code": refusal.code,
            "message": refusal.message,
            "what_to_do": refusal.what_to_do,
        }
        emit({"error": error})
    note(f"rowcol: {refusal.message}")
    if refusal.what_to_do:
        note(f"  -> {refusal.what_to_do}")
    return NO if isinstance(refusal, Busy | Conflict | RailRefused) else WRONG
