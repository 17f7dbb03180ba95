"""Wiring: what a rig starts from, and how service and emulators reach each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rowcol.core.app import App
from rowcol.core.ids import AppId, FirmId
from rowcol.keys import app_id_of
from rowcol.ports import Transport
from rowcol.sandbox import qbo
from rowcol.sandbox.clock import DEFAULT_START_AT
from rowcol.sandbox.delivery import WebhookSender
from rowcol.sandbox.plaid.emulator import DEFAULT_CLIENTS
from rowcol.sandbox.plaid.switches import Switches

APP = AppId("demo")
BOOKS_APP = app_id_of("qbo", "demo")
FIRM = FirmId("firm_demo")
WEBHOOK_PATH = f"/webhooks/plaid/{APP}"
BOOKS_WEBHOOK_PATH = "/webhooks/qbo/demo"
CALLBACK_PATH = "/oauth/qbo/callback"


@dataclass(frozen=True, slots=True)
class Wiring:
    """How they reach each other. The defaults need no socket."""

    base_url: str = "http://emulator"
    books_url: str = "http://books"
    public_url: str = "http://service"
    transport: Transport | None = None
    sender: WebhookSender | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """What a rig starts from. `firm` are the firm's own settings (price book, budget)."""

    seed: int = 0
    starts_at: datetime = DEFAULT_START_AT
    policy: str = "evidence"
    firm: Mapping[str, object] = field(default_factory=dict)
    switches: Switches = field(default_factory=Switches)
    books: qbo.Switches = field(default_factory=qbo.Switches)
    pool_limit: int | None = None
    books_omit: tuple[str, ...] = ()


def bank_app(wiring: Wiring) -> App:
    """The app of the emulated bank."""
    (client_id, secret), *_ = DEFAULT_CLIENTS.items()
    keys = {"client_id": client_id, "secret": secret}
    return App(APP, "plaid", "emulated", wiring.base_url, keys, wiring.public_url + WEBHOOK_PATH)


def books_app_of(setup: Setup, wiring: Wiring) -> App:
    """The app of the emulated books."""
    return App(
        BOOKS_APP,
        "qbo",
        "emulated",
        wiring.books_url,
        {"client_id": "qbo-client", "secret": "qbo-secret", "verifier_token": "qbo-verifier"},
        wiring.public_url + BOOKS_WEBHOOK_PATH,
        callback_url=wiring.public_url + CALLBACK_PATH,
        pool_limit=setup.pool_limit,
        metering={"cdc": setup.books.cdc_metering},
        omits=setup.books_omit,
        name="demo",
    )
