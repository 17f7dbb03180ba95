"""Keys: one set of credentials per rail, as settings hold them. Secrets never show in a representation."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_core.core_schema import ValidationInfo

from rowcol.core.ids import AppId

Environment = Literal["production", "sandbox", "emulated"]
CdcEntity = Literal["Account", "Customer", "Deposit", "Vendor"]
"""What nobody has confirmed that /cdc tells wholly: derived balances, inactive names, deposits."""


class _Keys(BaseModel):
    """What every rail's keys have."""

    model_config = ConfigDict(extra="forbid", validate_default=True)

    client_id: str = Field(description="From the rail's developer portal.", min_length=1)
    secret: SecretStr = Field(description="The secret of that environment.", min_length=1)
    environment: Environment = Field(
        "sandbox", description="production, sandbox, or emulated (`rowcol sandbox`)."
    )
    base_url: str = Field(
        "",
        description="Only for the emulator or a proxy; empty: the environment's own address.",
    )

    @field_validator("base_url")
    @classmethod
    def _is_reachable(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("environment") == "emulated" and not value:
            raise ValueError(
                "is empty, but environment is `emulated`: give the emulator's address, "
                "as `rowcol sandbox` prints it, such as http://127.0.0.1:8701"
            )
        return address(value)


class PlaidKeys(_Keys):
    """A set of Plaid keys (dashboard, Developers > Keys)."""


class QboKeys(_Keys):
    """A QuickBooks Online app's keys (developer portal, Keys & credentials)."""

    verifier_token: SecretStr = Field(
        SecretStr(""),
        description="From the portal's Webhooks page; while it is replaced both, comma separated; "
        "empty: no webhook is believed, sweeps only.",
    )
    monthly_calls: int = Field(
        500_000,
        ge=0,
        description="Metered calls a month of the app's tier (Builder: 500000, Silver: 1000000).",
    )
    cdc_metering: Literal["call", "entity"] = Field(
        "entity",
        description="How the portal's Analytics counts one /cdc call; entity is the worst case.",
    )
    cdc_omits: tuple[CdcEntity, ...] = Field(
        (),
        description="Entities of which /cdc was found not to tell every change: listed beside each, "
        "one call for each thousand rows.",
    )


KEYS: dict[str, type[_Keys]] = {"PLAID": PlaidKeys, "QBO": QboKeys}
"""By the rail's name in a variable."""


FIRST_RAIL = "plaid"
"""Its apps were named before there was a second rail; their ids in the database stay as they are."""


def app_id_of(rail: str, name: str) -> AppId:
    """The id of the app that settings call `name`: unlike that of another rail's app of the same name."""
    return AppId(name if rail == FIRST_RAIL else f"{rail}-{name}")


def address(value: str) -> str:
    """An http address without a trailing slash. Raise `ValueError` saying what is wrong with it."""
    if re.search(r"[\s\"'<>]", value):
        raise ValueError(
            "has a blank, a quote or < or >, which no address has: write it as %20, %22, .."
        )
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("is no address: it begins with https:// (or http://) and names a host")
    if parts.query or parts.fragment:
        raise ValueError("has a ? or # part: leave it out")
    return value.rstrip("/")
