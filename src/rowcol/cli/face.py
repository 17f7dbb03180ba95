"""Face: how commands speak. Results on stdout, one JSON object (or lines) with `--json`; everything else on stderr.

What a command ends with is in `Exit` and nowhere else; docs/reference.md and `rowcol --help` are written from it.
"""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Mapping, Sequence
from enum import IntEnum
from typing import Annotated, Any, NamedTuple, TypeVar

import typer

from rowcol.core import refusal as r
from rowcol.core.secret import redacted
from rowcol.core.text import clean, clean_line

SWITCH_INTERVAL_S = 0.0005
T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="One JSON object, or JSON lines, on stdout.")]
FirmOption = Annotated[
    str, typer.Option("--firm", help="Firm, by id or name; needed where there are several.")
]
PORT_MAX = 65_535
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


class Exit(IntEnum):
    """What a command ends with: one table for all of them, for scripts that decide by it."""

    DONE = 0
    NO = 1
    WRONG_USE = 2
    LABELLED = 3
    NOT_DONE = 4
    INTERRUPTED = 130


class Meaning(NamedTuple):
    """What an exit code says in few words (for `--help`), and what falls under it."""

    few_words: str
    such_as: str


MEANINGS: Mapping[Exit, Meaning] = {
    Exit.DONE: Meaning(
        "done, and as fresh as asked",
        "also an empty list, a `doctor` that has only notes, and a `serve`, `sandbox` or `demo` that was told to stop;"
        " `explain`, `cost` and the lists show what is known, and are 0 whatever that is",
    ),
    Exit.NO: Meaning(
        'answered "no": held, or something wrong was found',
        "do not decide on it (`read`, `books`); the books have no such bill; what `doctor`, `db check`, `bench ingest` or"
        " `demo` looked at is not as it should be",
    ),
    Exit.WRONG_USE: Meaning(
        "wrong use",
        "bad input; a thing that is not there; a price that has to be confirmed with `--yes`; settings or a database to"
        " be mended first",
    ),
    Exit.LABELLED: Meaning(
        "answered, but labelled or incomplete",
        "served (`read`, `books`), but late, unverified or without an account that counts: the label says which",
    ),
    Exit.NOT_DONE: Meaning(
        "could not be done",
        "refused by the rail, the budget, a pause, our own limit, or a person who said no; the store is busy; it is there"
        " already, or moved meanwhile; nobody came back in time; nobody reads stdout any more; a mistake of ours (`internal`)",
    ),
    Exit.INTERRUPTED: Meaning("interrupted", "Ctrl-C before it was done"),
}

EXIT_OF: Mapping[type[r.Refusal], Exit] = {
    r.Refusal: Exit.NOT_DONE,
    r.BadInput: Exit.WRONG_USE,
    r.NotFound: Exit.WRONG_USE,
    r.Forbidden: Exit.WRONG_USE,
    r.Unauthorized: Exit.WRONG_USE,
    r.Conflict: Exit.NOT_DONE,
    r.Busy: Exit.NOT_DONE,
    r.Misconfigured: Exit.WRONG_USE,
    r.RailRefused: Exit.NOT_DONE,
    r.NotYet: Exit.NOT_DONE,
    r.Unreadable: Exit.WRONG_USE,
}
"""A narrower refusal ends as the one that it is a kind of."""


def exit_of(refusal: r.Refusal) -> Exit:
    """What a command that is refused ends with."""
    return exit_of_kind(type(refusal))


def exit_of_kind(refusal: type[r.Refusal]) -> Exit:
    """The same of a class."""
    return next(EXIT_OF[kind] for kind in refusal.__mro__ if kind in EXIT_OF)


def end_answer(*, is_held: bool, is_labelled: bool) -> None:
    """End a command that answered a question. Held wins: what may not be decided on has a label too."""
    if is_held:
        raise typer.Exit(Exit.NO)
    if is_labelled:
        raise typer.Exit(Exit.LABELLED)


def own_first(examples: str, command: str) -> str:
    """Examples that commands share, those of this one before the others."""
    each = examples.partition(": ")[2].split("  |  ")
    each.sort(key=lambda example: not f"{example} ".startswith(f"rowcol {command} "))
    return f"Example{'s' * (len(each) > 1)}: {'  |  '.join(each)}"


def emit(record: object) -> None:
    """One JSON object on its own line."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(record).decode() + "\n")
    sys.stdout.flush()


def say(text: str = "") -> None:
    """A result for people."""
    print(clean(text), flush=True)


def note(text: str) -> None:
    """Something for people that is no result."""
    print(clean(text), file=sys.stderr, flush=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Aligned columns; numbers to the right. On a terminal with rules and bold heads, else plain."""
    if not rows:
        if empty:
            note(empty)
        return
    cells = [["" if cell is None else clean_line(str(cell)) for cell in row] for row in rows]
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
    """Ask a person. Raise `BadInput` without a terminal, where `--yes` is the only answer; end the command for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise r.BadInput(f"{question} Not asked, as there is no terminal", "repeat with --yes")
    sys.stderr.write(f"{clean(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        note("Nothing was done.")
        raise typer.Exit(Exit.NOT_DONE)


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


def refuse(refusal: r.Refusal, *, is_json: bool) -> Exit:
    """Say what is refused and what to do; what the command ends with."""
    message, what_to_do = redacted(refusal.message), redacted(refusal.what_to_do)
    if is_json:
        error = {
            "code": refusal.code,
            "message": message,
            "what_to_do": what_to_do,
        }
        emit({"error": error})
    note(f"rowcol: {message}")
    if what_to_do:
        note(f"  -> {what_to_do}")
    return exit_of(refusal)
