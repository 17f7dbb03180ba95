"""Rail: QuickBooks Online as the engine sees it. Each method is one line to the module that knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rowcol.core.app import App
from rowcol.core.books import Record
from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import Signal, Verdict, VerificationKey
from rowcol.core.ids import AppId, RemoteId
from rowcol.core.mirror import MirrorRow
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
    Renewed,
    Want,
)
from rowcol.core.wire import RawDelivery, Request, Response, Silence
from rowcol.rails.qbo import (
    calls,
    changes,
    discovery,
    errors,
    grants,
    home,
    listing,
    looks,
    mirror,
    webhook,
)
from rowcol.rails.qbo.records import Unreadable
from rowcol.rails.qbo.requests import request_of
from rowcol.rails.qbo.spec import ENDPOINTS, SPEC

_Reader = Callable[[Look, Response, ConnectionState], Reading | Failure]
_READERS: dict[str, _Reader] = {
    "cdc": changes.read_changes,
    "query": calls.read_page,
    "report.get": calls.read_report,
}
_REFUSALS: dict[str, _Reader] = {
    "cdc": changes.refused_changes,
    "entity.get": calls.refused_object,
}


@dataclass(frozen=True, slots=True)
class Qbo:
    """The rail."""

    @property
    def spec(self) -> RailSpec:
        """QuickBooks Online as data."""
        return SPEC

    def free_look(self, state: ConnectionState, want: Want) -> Look | None:
        """An unfinished reading, everything, or what changed."""
        return looks.free_look(state, want)

    def paid_look(self, state: ConnectionState) -> Look | CannotHelp:
        """Never."""
        return looks.paid_look(state)

    def deed_look(self, deed: Deed, state: ConnectionState, webhook: str) -> Look | CannotHelp:
        """Revoke the grant."""
        return looks.deed_look(deed, state)

    def request(self, look: Look, credentials: Credentials) -> Request:
        """The company in the path, tokens in headers."""
        return request_of(look, credentials)

    def read(self, look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
        """What the answer says."""
        if look.endpoint == "token.revoke":
            return calls.read_revocation(look, response, state)
        if home.is_currency_look(look):
            return _read_currency(look, response, state)
        if errors.is_refused(response):
            return _REFUSALS.get(look.endpoint, errors.refused)(look, response, state)
        reader = _READERS.get(look.endpoint, calls.read_object)
        if look.is_page:
            reader = listing.read_listed
        return _read(reader, look, response, state)

    def silent(
        self, look: Look, outcome: Outcome, detail: str, at: datetime, state: ConnectionState
    ) -> Failure:
        """An unfinished reading goes on where it was, with smaller pages where one was too large."""
        if home.is_currency_look(look):
            failure = errors.failed(look, outcome, detail, at, state)
            return home.without_answer(failure, at, state)
        if detail != Silence.TOO_LARGE:
            return errors.failed(look, outcome, detail, at, state)
        after = listing.after_too_large(look, state)
        failure = errors.failed(look, outcome, detail, at, after)
        return replace(failure, discards=bool(state.page and not after.page))

    def read_grant(self, look: Look, response: Response) -> Grant | Failure:
        """The tokens of a company."""
        return grants.read_grant(look, response)

    def consent_url(self, app: App, state: str) -> str:
        """Intuit's page."""
        return grants.consent_url(app, state)

    def addresses_look(self, app: App) -> Look | None:
        """Intuit's discovery document."""
        return discovery.discovery_look(app)

    def read_addresses(self, app: App, response: Response) -> Mapping[str, str] | Failure:
        """Where consent, tokens and revocation are."""
        return discovery.read_discovery(app, response)

    def callback_look(self, app: App, answers: Mapping[str, str]) -> Look:
        """The code's exchange."""
        return grants.callback_look(app, answers)

    def proof_look(self) -> Look | None:
        """The company's id came by the browser's address; its own description only its own token reads."""
        return Look("companyinfo.get")

    def rows_looks(self, entity: str, ids: Sequence[RemoteId]) -> tuple[Look, ...]:
        """An IN list each 500."""
        return looks.rows_looks(entity, ids)

    def units(self, look: Look, app: App) -> int:
        """One a call, or one an entity where a call for several may be counted so: nobody knows yet."""
        if not ENDPOINTS[look.endpoint].is_metered:
            return 0
        if look.endpoint == "cdc" and app.metering.get("cdc", "entity") == "entity":
            return max(1, len(str(look.arguments.get("entities") or "").split(",")))
        return 1

    def renewal(self, token: str, state: ConnectionState, now: datetime) -> Look | None:
        """Five minutes before the access token ends, or once it was refused."""
        return grants.renewal(token, state, now)

    def read_renewal(
        self, look: Look, response: Response, token: str, state: ConnectionState
    ) -> Renewed | Failure:
        """The new tokens."""
        return grants.read_renewal(look, response, token, state)

    def record(self, row: MirrorRow, state: ConnectionState) -> Record | None:
        """Bills, invoices, vendors, customers, accounts; amounts without a currency in the company's own."""
        return mirror.record_of(row, home.currency_of(state))

    def authenticate(
        self,
        delivery: RawDelivery,
        keys: Mapping[str, VerificationKey],
        secrets: Mapping[str, str],
    ) -> Verdict:
        """HMAC over the raw body with the app's verifier token."""
        return webhook.authenticate(delivery, secrets)

    def key_look(self, key_id: str) -> Look:
        """Never asked for."""
        raise NotImplementedError("QuickBooks signs with a shared secret")

    def read_key(self, app: AppId, response: Response) -> VerificationKey | Failure:
        """There are none."""
        reason = "QuickBooks signs with a shared secret"
        return Failure(Outcome.UNSUPPORTED, reason, ConnectionState())

    def route(self, body: bytes) -> tuple[str, tuple[RemoteId, ...]]:
        """`qbo.bill.updated` and the companies."""
        return webhook.route(body)

    def translate(self, body: bytes, remote_id: RemoteId) -> tuple[Signal, ...]:
        """Hints only."""
        return webhook.translate(body, remote_id)


def _read(
    reader: _Reader, look: Look, response: Response, state: ConnectionState
) -> Reading | Failure:
    """What a reader makes of an answer, or that it is none."""
    try:
        return reader(look, response, state)
    except Unreadable as error:
        at = response.received_at
        failure = errors.failed(look, Outcome.UNREADABLE, str(error), at, state)
        return replace(failure, remote_request_id=errors.remote_request_id(response))


def _read_currency(look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
    if errors.is_refused(response):
        return home.refused_currency(look, response, state)
    read = _read(home.read_currency, look, response, state)
    if isinstance(read, Reading):
        return read
    return home.without_answer(read, response.sent_at, state)
