"""Settings: what a person chose, from environment variables and `rowcol.toml`, each mistake named with its variable.

Arguments win over the environment, the environment over the file. The file is `ROWCOL_CONFIG`, else `rowcol.toml`
in the current folder, else none; a relative `data_dir` in it is relative to it. Start at `load`.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import os
import re
import tomllib
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from typing_extensions import override

from rowcol.core.refusal import Misconfigured
from rowcol.keys import KEYS, PlaidKeys, QboKeys, address

FILE = "rowcol.toml"
PREFIX = "ROWCOL_"
FILE_VARIABLE = "ROWCOL_CONFIG"
OTHER_VARIABLES = (FILE_VARIABLE, "ROWCOL_TEST_")
"""Variables of ours that are no settings: the file, and what only tests read."""
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "sqlite", "sqlite+aiosqlite")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with the settings, and what to do about it."""

    variable: str
    message: str
    what_to_do: str


class WrongSettings(Misconfigured):
    """Every mistake at once."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        lines = [f"{m.variable}: {m.message} ({m.what_to_do})" for m in mistakes]
        super().__init__("; ".join(lines), f"correct the variable, or the line in {FILE}")
        self.mistakes = mistakes


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", validate_default=True
    )

    data_dir: Path = Field(
        Path("rowcol-data"), description="Where the embedded database and the key file live."
    )
    database_url: str = Field(
        "",
        description="Empty: SQLite in data_dir. Else postgresql://... (needs the extra [cluster]).",
    )
    database_schema: str = Field(
        "",
        description="PostgreSQL schema for our tables; empty: the connection's default.",
        pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$",
    )
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Fernet keys, newest first, comma separated; empty: the key file in data_dir.",
    )
    public_url: str = Field(
        "",
        description="Where rails reach this service, such as https://rowcol.example; empty: sweeps only.",
    )
    host: str = Field(
        "127.0.0.1", description="Address that `rowcol serve` listens on.", min_length=1
    )
    port: int = Field(8700, ge=0, le=65535, description="Port that `rowcol serve` listens on.")
    policy: Literal["ttl", "evidence"] = Field(
        "evidence", description="Freshness policy of firms that chose none: evidence or ttl."
    )
    budget_usd_month: int = Field(
        300, ge=0, le=1_000_000, description="Dollars a month for a firm's paid calls."
    )
    concurrency: int = Field(8, ge=1, le=64, description="Reconciles at once in one process.")
    retention_days: int = Field(
        0,
        ge=0,
        description="Days that drained webhooks, calls and decisions are kept; 0: everything, for ever.",
    )
    inbox_queue: int = Field(
        2048, ge=1, le=100_000, description="Webhooks that may wait before senders hear 503."
    )
    max_connections: int = Field(
        512, ge=8, le=100_000, description="Connections to `rowcol serve` at once, of everybody."
    )
    max_connections_per_address: int = Field(
        100,
        ge=1,
        le=100_000,
        description="Connections to `rowcol serve` at once from one address (of IPv6: one /64).",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1", "::1"),
        description="Addresses or networks, comma separated, that may have more than one address may: your proxies.",
    )
    plaid: dict[str, PlaidKeys] = Field(
        default_factory=dict, description="Plaid apps by our own name for them."
    )
    qbo: dict[str, QboKeys] = Field(
        default_factory=dict, description="QuickBooks Online apps by our own name for them."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What `rowcol serve` logs."
    )

    @field_validator("secret_keys", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("secret_keys")
    @classmethod
    def _are_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number, key in enumerate(value, start=1):
            if not is_key(key.get_secret_value()):
                raise ValueError(
                    f"key {number} is not a Fernet key (32 bytes in URL-safe base64); "
                    "`rowcol init` makes one"
                )
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                ip_network(each)
            except ValueError as error:
                wrong = f"{each!r}: give an address or network, such as 10.0.0.4 or 10.0.0.0/8"
                raise ValueError(wrong) from error
        return value

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, value: str) -> str:
        if value and value.split("://", 1)[0] not in _SCHEMES:
            raise ValueError("is no database address: use postgresql://user@host/name")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_public(cls, value: str) -> str:
        return address(value)

    @field_validator("plaid", "qbo")
    @classmethod
    def _have_names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name) is None:
                raise ValueError(f"{name!r} is no name: at most 40 letters, digits, - and _")
        return value

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _File(settings_cls)


class _File(PydanticBaseSettingsSource):
    """The TOML file."""

    @override
    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    @override
    def __call__(self) -> dict[str, Any]:
        path = settings_file()
        if path is None:
            return {}
        values = read_file(path)
        folder = values.get("data_dir")
        if isinstance(folder, str):
            values["data_dir"] = path.parent / folder
        return values


def load(**overrides: object) -> Settings:
    """Read settings. Raise `WrongSettings` naming every mistake with its variable."""
    found = list(_unknown_variables())
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        found += [_mistake(detail) for detail in error.errors()]
    except SettingsError as error:
        found.append(_unparsed(error))
    except WrongSettings as error:
        found += error.mistakes
    else:
        if not found:
            return settings
    raise WrongSettings(tuple(found))


def _unparsed(error: SettingsError) -> Mistake:
    """A variable that holds a whole table and is not JSON; the message names the field, in quotes."""
    named = re.search(r'"(\w+)"', str(error))
    variable = f"ROWCOL_{named.group(1).upper()}" if named else "ROWCOL_"
    better = f"set its parts, such as {variable}__MAIN__CLIENT_ID, or use rowcol.toml"
    return Mistake(variable, "is not JSON", better)


def settings_file() -> Path | None:
    """The file that settings come from, if there is one."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    return Path(FILE) if Path(FILE).is_file() else None


def read_file(path: Path) -> dict[str, Any]:
    """The file's tables. Raise `WrongSettings` with the line where it is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _wrong(FILE_VARIABLE, f"{path} does not exist", "run `rowcol init`") from error
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is not UTF-8"
        raise _wrong(str(path), f"cannot be read: {why}", "make it a readable text file") from error
    except tomllib.TOMLDecodeError as error:
        raise _wrong(str(path), f"not TOML: {error}", "correct that line") from error


def _wrong(variable: str, message: str, what_to_do: str) -> WrongSettings:
    return WrongSettings((Mistake(variable, message, what_to_do),))


def is_key(text: str) -> bool:
    """Whether this is a Fernet key: 32 bytes in URL-safe base64."""
    try:
        return len(base64.urlsafe_b64decode(text.encode("ascii"))) == 32
    except (ValueError, binascii.Error):
        return False


def _unknown_variables() -> tuple[Mistake, ...]:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    allowed = (*OTHER_VARIABLES, *(f"{PREFIX}{rail}__" for rail in KEYS))
    return tuple(
        Mistake(variable, "is not a setting", _nearest(variable.upper(), list(known)))
        for variable in sorted(os.environ)
        if (name := variable.upper()).startswith(PREFIX)
        and not name.startswith(allowed)
        and name not in known
    )


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else "remove it; `rowcol init` lists what there is"


def _mistake(detail: ErrorDetails) -> Mistake:
    variable = PREFIX + "__".join(str(part) for part in detail["loc"]).upper()
    message = detail["msg"].removeprefix("Value error, ")
    match detail["type"]:
        case "extra_forbidden":
            known = [f"{PREFIX}{name}".upper() for name in Settings.model_fields]
            if len(detail["loc"]) > 1:
                stem = variable.rsplit("__", 1)[0]
                keys = KEYS[str(detail["loc"][0]).upper()]
                known = [f"{stem}__{name}".upper() for name in keys.model_fields]
            return Mistake(variable, "is not a setting", _nearest(variable, known))
        case "missing":
            return Mistake(variable, "is missing", "set it")
        case "value_error":
            return Mistake(variable, message, "correct it")
        case _:
            return Mistake(variable, message, "set it, or leave it out for the default")
