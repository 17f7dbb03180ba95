"""Db: the tables and their version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import Json
from rowcol.cli.opening import writing

if TYPE_CHECKING:
    from pathlib import Path

    from rowcol.settings import Settings

EXAMPLES = "Examples: rowcol db check  |  rowcol db upgrade  |  rowcol db sql > rowcol.sql"
app = typer.Typer(help="The database: upgrade, check, sql.", no_args_is_help=True)


@app.command(epilog=EXAMPLES)
def upgrade(*, json: Json = False) -> None:
    """Bring the tables to this release. Safe to run again, and at the same time elsewhere."""
    from rowcol.adapters.sql import schema
    from rowcol.bootstrap import need_database
    from rowcol.settings import load

    settings = load()
    url, name, file = _place(settings)
    if file is not None:
        with writing(file):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        need_database(settings, may_be_new=True)
    schema.upgrade(url, schema=name)
    _say({"state": schema.check(url, schema=name).value}, json=json)


@app.command(epilog=EXAMPLES)
def check(*, json: Json = False) -> None:
    """Compare the tables with this release; exit code 1 unless they fit. Makes nothing."""
    from rowcol.adapters.sql import schema
    from rowcol.bootstrap import need_database
    from rowcol.core.refusal import Misconfigured
    from rowcol.settings import load

    settings = load()
    url, name, _ = _place(settings)
    try:
        need_database(settings)
        state = schema.check(url, schema=name)
    except Misconfigured as error:
        state = schema.SchemaState.MISSING
        face.refuse(error, is_json=False)
    _say({"state": state.value}, json=json)
    if state is not schema.SchemaState.CURRENT:
        raise typer.Exit(face.Exit.NO)


@app.command(epilog=EXAMPLES)
def sql(
    dialect: Annotated[
        str, typer.Option("--dialect", help="postgresql or sqlite; default from settings.")
    ] = "",
    *,
    json: Json = False,
) -> None:
    """Print the tables as SQL, for those who apply it themselves."""
    from rowcol.adapters.sql import schema
    from rowcol.core.refusal import BadInput
    from rowcol.settings import load

    if dialect not in ("", "postgresql", "sqlite"):
        raise BadInput(f"there is no dialect {dialect!r}", "say postgresql or sqlite")
    settings = load()
    chosen = dialect or ("postgresql" if settings.database_url.startswith("postgres") else "sqlite")
    text = schema.sql(schema=settings.database_schema or None, is_postgres=chosen == "postgresql")
    if json:
        face.emit({"dialect": chosen, "sql": text})
    else:
        face.say(text)


def _place(settings: Settings) -> tuple[str, str | None, Path | None]:
    """The database that settings name: address, schema, and the file if it is the embedded one."""
    from rowcol.bootstrap import DATABASE_FILE

    if settings.database_url:
        return settings.database_url, settings.database_schema or None, None
    file = (settings.data_dir / DATABASE_FILE).absolute()
    return f"sqlite:///{file}", None, file


def _say(out: dict[str, Any], *, json: bool) -> None:
    if json:
        face.emit(out)
    else:
        face.say(f"the tables are {out['state']}")
