"""Rail: Plaid as the engine sees it. Each method is one line to the module that knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rowcol.core.app import App
from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import Signal, Verdict, VerificationKey
from rowcol.core.ids import AppId, RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import (
    CannotHelp,
    Credentials,
    Deed,
    Failure,
    Grant,
    Look,
    RailSpec,
    Reading,
    Want,
)
from rowcol.core.wire import RawDelivery, Request, Response
from rowcol.core.without_books import WithoutBooks
from rowcol.rails.plaid import accounts, errors, grants, items, looks, transactions, webhook
from rowcol.rails.plaid.records import Unreadable
from rowcol.rails.plaid.requests import request_of
from rowcol.rails.plaid.spec import SPEC

_READERS: dict[str, Callable[[Look, Response, ConnectionState], Reading | Failure]] = {
    "item.get": items.read_item,
    "item.remove": items.read_removal,
    "item.webhook.update": items.read_webhook_update,
    "institutions.get_by_id": items.read_bank,
    "accounts.get": accounts.read_cached,
    "accounts.balance.get": accounts.read_live,
    "transactions.sync": transactions.read_page,
}


@dataclass(frozen=True, slots=True)
class Plaid(WithoutBooks):
    """The rail."""

    @property
    def spec(self) -> RailSpec:
        """Plaid as data."""
        return SPEC

    def free_look(self, state: ConnectionState, want: Want) -> Look | None:
        """Item, then accounts, then transactions."""
        return looks.free_look(state, want)

    def paid_look(self, state: ConnectionState) -> Look | CannotHelp:
        """The live balance call."""
        return looks.paid_look(state)

    def deed_look(self, deed: Deed, state: ConnectionState, webhook: str) -> Look | CannotHelp:
        """Remove the Item, point its webhook, refresh its transactions."""
        return looks.deed_look(deed, state, webhook)

    def request(self, look: Look, credentials: Credentials) -> Request:
        """Keys in headers, the token in the body."""
        return request_of(look, credentials)

    def read(self, look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
        """What the answer says."""
        if errors.is_refused(response):
            return errors.refused(look, response, state)
        reader = _READERS.get(look.endpoint, items.read_acknowledgement)
        try:
            return reader(look, response, state)
        except Unreadable as error:
            at = response.received_at
            return errors.failed(look, Outcome.UNREADABLE, str(error), at, state)

    def silent(
        self, look: Look, outcome: Outcome, detail: str, at: datetime, state: ConnectionState
    ) -> Failure:
        """A paged read starts over."""
        return errors.failed(look, outcome, detail, at, state)

    def read_grant(self, look: Look, response: Response) -> Grant | Failure:
        """Link token, public token, access token."""
        return grants.read_grant(look, response)

    def callback_look(self, app: App, answers: Mapping[str, str]) -> Look:
        """The public token's exchange."""
        return grants.exchange_look(answers)

    def authenticate(
        self,
        delivery: RawDelivery,
        keys: Mapping[str, VerificationKey],
        secrets: Mapping[str, str],
    ) -> Verdict:
        """ES256 over the raw body's hash, at most 5 minutes old."""
        return webhook.authenticate(delivery, keys)

    def key_look(self, key_id: str) -> Look:
        """One key by its id."""
        return looks.key_look(key_id)

    def read_key(self, app: AppId, response: Response) -> VerificationKey | Failure:
        """Plaid names a retired key's end."""
        return webhook.read_key(app, response)

    def route(self, body: bytes) -> tuple[str, tuple[RemoteId, ...]]:
        """`TYPE.CODE` and the Item."""
        return webhook.route(body)

    def translate(self, body: bytes, remote_id: RemoteId) -> tuple[Signal, ...]:
        """Hints only."""
        return webhook.translate(body)
