"""Main: the commands, and what their ends mean. `rowcol --help` imports nothing but typer."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from rowcol import __version__
from rowcol.cli import (
    account,
    bench,
    books,
    business,
    call,
    connect,
    connection,
    cost,
    db,
    demo,
    doctor,
    explain,
    face,
    firm,
    inbox,
    init,
    pause,
    read,
    sandbox,
    serve,
    token,
)
from rowcol.cli.opening import use_file
from rowcol.core.refusal import Refusal
from rowcol.core.secret import redacted

EXITS = "; ".join(f"{code:d} {meaning.few_words}" for code, meaning in face.MEANINGS.items())
OVERVIEW = f"""What a firm knows of its clients' cash, with proof, for as few paid calls as possible.

To begin: `rowcol demo`, or `rowcol init`, then `rowcol doctor`. Every command takes --json.

Exit codes, the same for every command: {EXITS}.
"""
app = typer.Typer(
    name="rowcol",
    help=OVERVIEW,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    init.init,
    demo.demo,
    serve.serve,
    sandbox.sandbox,
    read.read,
    explain.explain,
    cost.cost,
    doctor.doctor,
    pause.resume,
    connection.disconnect,
    call.call,
)
for _command in COMMANDS:
    _told = face.own_first(_command.__globals__["EXAMPLES"], _command.__name__)
    app.command(epilog=_told)(_command)
GROUPS = (inbox, connect, connection, business, account, books, firm, token, bench, db)
for _noun in GROUPS:
    _group = _noun.__name__.rpartition(".")[2]
    for _inner in _noun.app.registered_commands:
        _word = _inner.name or getattr(_inner.callback, "__name__", "")
        _inner.epilog = face.own_first(_inner.epilog or "", f"{_group} {_word}")
    app.add_typer(_noun.app, name=_group)
app.command(epilog=pause.EXAMPLES)(pause.pause)


def _version(value: bool) -> None:
    if value:
        face.say(f"rowcol {__version__}")
        raise typer.Exit


@app.callback()
def everywhere(
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings file; default ./rowcol.toml.")
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    del version
    if config is not None:
        use_file(config)


def run() -> None:
    """The program. Never shows a traceback, unless ROWCOL_LOG_LEVEL is debug. Ends with one of `face.Exit`."""
    is_json, code = "--json" in sys.argv[1:], face.Exit.DONE
    try:
        try:
            app()
        except Refusal as refusal:
            code = face.refuse(refusal, is_json=is_json)
        except KeyboardInterrupt:
            code = face.Exit.INTERRUPTED
            face.note("stopped")
        except SystemExit as ended:
            if not isinstance(ended.__context__, BrokenPipeError):
                raise
            code = face.Exit.NOT_DONE  # typer says 1, which is "no", where nobody reads us any more
        except Exception as error:  # noqa: BLE001 - a code and words, whatever it is
            code = _mistake(error, is_json=is_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = face.Exit.NOT_DONE
    sys.exit(code)


def _mistake(error: Exception, *, is_json: bool) -> face.Exit:
    """Something that should not happen."""
    if os.environ.get("ROWCOL_LOG_LEVEL") == "debug":
        face.note(redacted("".join(traceback.format_exception(error))))
        return face.Exit.NOT_DONE
    if is_json:
        face.emit({"error": {"code": "internal", "message": type(error).__name__}})
    face.note(f"rowcol: this should not happen ({type(error).__name__}: {redacted(str(error))})")
    face.note("  -> run it again with ROWCOL_LOG_LEVEL=debug and report what it prints")
    return face.Exit.NOT_DONE
