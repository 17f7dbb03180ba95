"""Settings: what a person chose, from environment variables and `rowcol.toml`, each mistake named with its variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rowcol.core.refusal import Misconfigured

FILE = "rowcol.toml"
Environment = Literal["production", "sandbox", "emulated"]


class PlaidKeys(BaseModel):
    """One set of Plaid credentials."""

    model_config = ConfigDict(extra="forbid")

    client_id: str
    secret: SecretStr
    environment: Environment = "sandbox"
    base_url: str = Field(
        "",
        description="Only for the emulator or a proxy; empty means the environment's own address.",
    )


class Settings(BaseSettings):
    """Everything that can be set. Environment variables win over `rowcol.toml`."""

    model_config = SettingsConfigDict(
        env_prefix="ROWCOL_",
        env_nested_delimiter="__",
        extra="forbid",
        toml_file=FILE,
        validate_default=True,
    )

    data_dir: Path = Field(
        Path("rowcol-data"), description="Where the embedded database and the key file live."
    )
    database_url: str = Field(
        "",
        description="Empty: SQLite in data_dir. Else postgresql://... (needs the extra [cluster]).",
    )
    database_schema: str = Field(
        "", description="PostgreSQL schema for our tables; empty: the connection's default."
    )
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Fernet keys, newest first, comma separated; empty: the key file in data_dir.",
    )
    public_url: str = Field(
        "",
        description="Where rails reach this service, such as https://rowcol.example; empty: sweeps only.",
    )
    host: str = Field("127.0.0.1", description="Address that `rowcol serve` listens on.")
    port: int = Field(8700, ge=0, le=65535, description="Port that `rowcol serve` listens on.")
    policy: Literal["ttl", "evidence"] = Field(
        "evidence", description="Freshness policy of firms that chose none."
    )
    budget_usd_month: int = Field(
        300,
        ge=0,
        description="Dollars a month that a firm's paid calls may cost unless it says otherwise.",
    )
    concurrency: int = Field(
        8, ge=1, le=64, description="Reconciles that run at once in one process."
    )
    inbox_queue: int = Field(
        2048,
        ge=1,
        le=100_000,
        description="Webhooks that may wait for the disk before senders hear 503.",
    )
    plaid: dict[str, PlaidKeys] = Field(
        default_factory=dict, description="Plaid apps by our own name for them."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What `rowcol serve` logs."
    )

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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(**overrides: object) -> Settings:
    """Read settings. Raise `Misconfigured` naming every mistake with its variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [
            f"ROWCOL_{'__'.join(str(p) for p in e['loc']).upper()}: {e['msg']}"
            for e in error.errors()
        ]
        raise Misconfigured(
            "settings: " + "; ".join(lines), f"correct the variable, or the line in {FILE}"
        ) from error
