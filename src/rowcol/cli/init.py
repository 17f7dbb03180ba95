"""Init: a folder with commented settings, a key, a database, a firm, and an admin token that is shown once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import Json
from rowcol.cli.opening import use_file, writing
from rowcol.core.refusal import BadInput, Misconfigured

if TYPE_CHECKING:
    from rowcol.ports import FullStore
    from rowcol.settings import Settings

EXAMPLES = "Example: rowcol init books --firm-name 'Reed & Co'"
TOKEN_LABEL = "init"  # noqa: S105 - a label


@dataclass(slots=True)
class Made:
    """What init found or made."""

    config: str
    database: str = ""
    key_file: str | None = None
    firm: str = ""
    token: str | None = None
    made: list[str] = field(default_factory=list)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to put the settings.")] = Path(),
    firm_name: Annotated[
        str, typer.Option("--firm-name", help="How the firm is called.")
    ] = "My firm",
    *,
    new: Annotated[
        bool,
        typer.Option("--new", help="Make a database though the settings are a firm's already."),
    ] = False,
    json: Json = False,
) -> None:
    """Set up: settings, key, database, firm, token. What is there already is left as it is."""
    firm_name = firm_name.strip()
    if not firm_name:
        raise BadInput("a firm needs a name", "say how it is called with --firm-name")
    made = face.running(_init(folder, firm_name, is_new=new))
    if json:
        face.emit(made)
        return
    for what in made.made:
        face.say(f"made {what}")
    if not made.made:
        face.say(f"already set up: {made.config}; nothing was changed")
    if made.token is not None:
        face.say("")
        face.say(f"Admin token, shown this once:  {made.token}")
    elif made.made:
        face.say("the firm has a live token already: no new one (`rowcol token create`)")
    face.note("")
    face.note(f"Next: put the keys of your rails into {made.config}, then run `rowcol doctor`.")


async def _init(folder: Path, firm_name: str, *, is_new: bool) -> Made:
    from rowcol.adapters.files import size_of, write_new
    from rowcol.bootstrap import DATABASE_FILE, KEY_FILE, need_database, open_store
    from rowcol.cli.logs import to_stderr
    from rowcol.settings import FILE, load

    to_stderr("error")
    config = (folder / FILE).resolve()
    made = Made(str(config))
    with writing(config):
        config.parent.mkdir(parents=True, exist_ok=True)
    if write_new(config, settings_text()):
        made.made.append(str(config))
    use_file(config)
    settings = load()
    database = settings.data_dir / DATABASE_FILE
    if settings.database_url:
        from rowcol.adapters.sql import schema

        schema.upgrade(settings.database_url, schema=settings.database_schema or None)
        made.database = "the database of ROWCOL_DATABASE_URL"
    else:
        made.database = str(database)
        if not size_of(database):
            if not (is_new or made.made):
                need_database(settings, may_be_new=True)
                _refuse_for_a_firm_s(settings, database)
            made.made.append(str(database))
    store = await open_store(settings)
    try:
        if (
            not settings.secret_keys
        ):  # after the database: a key without one says that there was one
            made.key_file = str(settings.data_dir / KEY_FILE)
            await _refuse_beside_sealed(store, settings)
            if _write_key(settings.data_dir / KEY_FILE):
                made.made.append(made.key_file)
        await _people(store, firm_name, made)
    finally:
        await store.close()
    return made


def _refuse_for_a_firm_s(settings: Settings, database: Path) -> None:
    """Raise `Misconfigured` where settings that were there name keys: their database was there too, on a disk that is not mounted."""
    if settings.plaid or settings.qbo or settings.secret_keys:
        raise Misconfigured(
            f"{database} does not exist, and the settings that are there have a firm's keys",
            "is ROWCOL_DATA_DIR the right folder, and its disk mounted? Then restore a backup; else run `rowcol init --new`",
        )


async def _people(store: Any, firm_name: str, made: Made) -> None:
    from rowcol.adapters.chance import SystemRng
    from rowcol.adapters.clock import SystemClock
    from rowcol.core.ids import FirmId
    from rowcol.core.records import Firm
    from rowcol.services.tokens import issue

    rng, now = SystemRng(), SystemClock().now()
    firms = await store.list_firms()
    if firms:
        made.firm = firms[0].id
    else:
        made.firm = rng.new_id("firm")
        await store.add_firm(Firm(FirmId(made.firm), firm_name, now))
        made.made.append(f"the firm {firm_name!r}")
    if not any(t.revoked_at is None for t in await store.list_tokens(FirmId(made.firm))):
        secret, _ = await issue(store, rng, FirmId(made.firm), ("admin", TOKEN_LABEL), now)
        made.token = secret
        made.made.append("an admin token")


async def _refuse_beside_sealed(store: FullStore, settings: Settings) -> None:
    """Raise `Misconfigured` where the key is missing and the database has logins that only the missing one opens."""
    from rowcol.bootstrap import KEY_FILE, secret_keys
    from rowcol.services.sealing import RESTORE, sealed

    with contextlib.suppress(Misconfigured):
        if secret_keys(settings):
            return
    for firm in await store.list_firms():
        async for view in sealed(store, firm.id):
            raise Misconfigured(
                f"{settings.data_dir / KEY_FILE} is missing, and {view.connection.label} and others may be sealed with it in "
                "the database: a new key would open none of them",
                RESTORE,
            )


def _write_key(path: Path) -> bool:
    """A fresh key, readable by this user only; False when there is one."""
    from rowcol.adapters.files import write_new
    from rowcol.adapters.vault import new_key

    with writing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return write_new(path, new_key() + "\n")


def settings_text() -> str:
    """A commented file with every setting at its default, made from the settings themselves."""
    from rowcol.keys import KEYS
    from rowcol.settings import Settings

    lines = [
        "# RowCol's settings. An environment variable ROWCOL_<NAME> wins over a line here; __ goes a level down,",
        "# as in ROWCOL_PLAID__MAIN__SECRET. `rowcol doctor` names every mistake.",
        "",
    ]
    for name, info in Settings.model_fields.items():
        if name.upper() in KEYS:
            continue
        mark = "" if name == "data_dir" else "# "
        lines += [f"# {info.description}", f"{mark}{name} = {_toml(info.default)}", ""]
    for rail, keys in KEYS.items():
        what = (keys.__doc__ or "").splitlines()[0]
        lines += [
            f"# {what} `main` is your own name for it, and part of its webhook address.",
            f"# [{rail.lower()}.main]",
        ]
        for name, info in keys.model_fields.items():
            default = '"..."' if info.is_required() else _toml(_plain(info.default))
            lines += [f"# # {info.description}", f"# {name} = {default}"]
        lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _plain(value: Any) -> object:
    """A secret's default is no secret."""
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case tuple():
            return "[" + ", ".join(_toml(each) for each in value) + "]"
        case _:
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
