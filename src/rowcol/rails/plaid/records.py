"""Records: the parts of Plaid's JSON that we read, typed; unknown keys and unknown enum members pass.

Whatever is not what the docs promise raises `Unreadable`: wrong types, missing keys, keys given
twice, numbers that are none, lone surrogates. Numbers stay exact: they arrive as the text that was
sent, never as float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec
from typing_extensions import override

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Id = Annotated[str, msgspec.Meta(pattern=r"^[!-+\--~]{1,200}$")]
"""Opaque; printable ASCII without space and comma, so that a list of them fits into one fact."""

Number = msgspec.Raw
"""A number as the text that was sent, for `number`."""
_NULL = Number(b"null")
_PLACE = re.compile(r"at `(\$[\w.\[\]]*)`$")
_CONTROLS = re.compile("[\x00-\x1f\x7f]")
_TEXT_MAX = 500

T = TypeVar("T")


class Unreadable(ValueError):
    """The bytes are not the JSON that the docs promise. The message is ours and safe to store."""


class ErrorRecord(msgspec.Struct, frozen=True):
    """`{"error_type": "ITEM_ERROR", "error_code": "ITEM_LOGIN_REQUIRED", "request_id": "..."}`."""

    error_type: str
    error_code: str
    request_id: str = ""


class AnyAnswer(msgspec.Struct, frozen=True):
    """What every answer has, and all that some have."""

    request_id: str


class ItemRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The bank login. `webhook` may be "" or null for none; `billed_products` never lists per-call products."""

    item_id: Id
    error: ErrorRecord | None
    institution_id: Id | None = None
    institution_name: str | None = None
    webhook: str | None = None
    products: Sequence[str] = ()
    billed_products: Sequence[str] = ()
    consented_products: Sequence[str] = ()
    available_products: Sequence[str] = ()
    consent_expiration_time: object = None
    update_type: str = "background"


class UpdateRecord(msgspec.Struct, frozen=True):
    """Plaid's own looks at the bank; the first moves also when nothing changed there."""

    last_successful_update: Moment | None = None


class StatusRecord(msgspec.Struct, frozen=True):
    """Each part can be null by itself."""

    transactions: UpdateRecord | None = None


class ItemAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`/item/get`: `status` stands beside `item`, whatever some of the docs' prose says."""

    item: ItemRecord
    status: StatusRecord | None
    request_id: str = ""


class BalanceRecord(msgspec.Struct, frozen=True):
    """`{"available": 100, "current": 110, "limit": null, "iso_currency_code": "USD", "unofficial_currency_code": null}`.

    `last_updated_datetime` means something at two banks only, so it is not typed here.
    """

    available: Number
    current: Number
    limit: Number = _NULL
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None
    last_updated_datetime: str | None = None


class AccountRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One account; `mask` is not unique and not always the end of its number. What it is called and of what kind it is
    may come as null, which costs its balance nothing."""

    account_id: Id
    balances: BalanceRecord
    name: str | None
    type: str | None
    subtype: str | None = None
    mask: str | None = None
    official_name: str | None = None
    persistent_account_id: str | None = None


class AccountsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`/accounts/get` and `/accounts/balance/get` alike; there is no `status`, so no age."""

    accounts: Sequence[AccountRecord]
    item: ItemRecord
    request_id: str = ""


class TransactionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction; `amount` above 0 is money out of the account. `date`: as text, so that a wrong one is one row's,
    as is a `pending` that does not come."""

    transaction_id: Id
    account_id: Id
    amount: Number
    date: str
    pending: bool | None = None
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None
    authorized_date: str | None = None
    datetime: str | None = None
    pending_transaction_id: str | None = None
    name: str | None = None
    merchant_name: str | None = None
    payment_channel: str | None = None


class RemovedRecord(msgspec.Struct, frozen=True):
    """A transaction that is no more."""

    transaction_id: Id


class SyncAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One page of changes; `next_cursor` may be "" while there is nothing yet."""

    added: Sequence[TransactionRecord]
    modified: Sequence[TransactionRecord]
    removed: Sequence[RemovedRecord]
    next_cursor: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{0,4096}$")]
    has_more: bool
    accounts: Sequence[AccountRecord] = ()
    transactions_update_status: str = ""
    request_id: str = ""


class BreakdownRecord(msgspec.Struct, frozen=True):
    """`refresh_interval`: NORMAL, DELAYED or STOPPED."""

    refresh_interval: str | None = None


class PartRecord(msgspec.Struct, frozen=True):
    """How one part of a bank does; `status` is deprecated in favour of `breakdown`."""

    status: str | None = None
    breakdown: BreakdownRecord | None = None


class BankStatusRecord(msgspec.Struct, frozen=True):
    """Null where traffic is thin; null is unknown, not healthy."""

    item_logins: PartRecord | None = None
    transactions_updates: PartRecord | None = None


class InstitutionRecord(msgspec.Struct, frozen=True):
    """A bank."""

    institution_id: Id
    status: BankStatusRecord | None = None


class InstitutionAnswer(msgspec.Struct, frozen=True):
    """`/institutions/get_by_id` with `include_status`."""

    institution: InstitutionRecord
    request_id: str = ""


class _Unshown(msgspec.Struct, frozen=True):
    """Holds a token."""

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class LinkAnswer(_Unshown, frozen=True):
    """`/link/token/create`."""

    link_token: str
    expiration: Moment
    hosted_link_url: str | None = None


class BankRecord(msgspec.Struct, frozen=True):
    """The bank that a person chose at the hosted page."""

    institution_id: str | None = None
    name: str | None = None


class ChosenRecord(msgspec.Struct, frozen=True):
    """An account that a person chose there."""

    name: str | None = None
    mask: str | None = None
    type: str | None = None


class MetadataRecord(msgspec.Struct, frozen=True):
    """What Link's `onSuccess` gives beside the public token."""

    institution: BankRecord | None = None
    accounts: Sequence[ChosenRecord] | None = None


class SuccessRecord(_Unshown, frozen=True):
    """The older form of a session's success; update mode may give a public token, too."""

    public_token: str | None = None
    metadata: MetadataRecord | None = None


class ItemAddRecord(_Unshown, frozen=True):
    """The newer form."""

    public_token: str | None = None
    accounts: Sequence[ChosenRecord] | None = None
    institution: BankRecord | None = None


class ResultsRecord(msgspec.Struct, frozen=True):
    """Results by product; a login is among the Items added."""

    item_add_results: Sequence[ItemAddRecord] | None = None


class ExitMetadataRecord(msgspec.Struct, frozen=True):
    """Where in the flow a person left: `requires_credentials` and the like."""

    status: str | None = None


class ExitErrorRecord(msgspec.Struct, frozen=True):
    """Like `ErrorRecord`; here an object without a code is no error."""

    error_type: str | None = None
    error_code: str | None = None


class ExitRecord(msgspec.Struct, frozen=True):
    """A person left, or had to: then `error` says why. Its text is written for people by Plaid, the code is enough here."""

    error: ExitErrorRecord | None = None
    metadata: ExitMetadataRecord | None = None


class SessionRecord(_Unshown, frozen=True):
    """One visit of the hosted page; `exit` was `on_exit` before."""

    started_at: str | None = None
    finished_at: str | None = None
    on_success: SuccessRecord | None = None
    on_exit: ExitRecord | None = None
    exit: ExitRecord | None = None
    results: ResultsRecord | None = None


class LinkTokenAnswer(_Unshown, frozen=True):
    """`/link/token/get`: every visit that was made with this link token; none yet is no list or an empty one."""

    link_token: str
    link_sessions: Sequence[SessionRecord] | None = None
    request_id: str = ""


class PublicTokenAnswer(_Unshown, frozen=True):
    """`/sandbox/public_token/create`."""

    public_token: str


class ExchangeAnswer(_Unshown, frozen=True):
    """`/item/public_token/exchange`."""

    access_token: str
    item_id: Id


class WebhookUpdateAnswer(msgspec.Struct, frozen=True):
    """`/item/webhook/update`."""

    item: ItemRecord
    request_id: str = ""


class KeyRecord(msgspec.Struct, frozen=True):
    """A public key; `expired_at` in seconds once Plaid has retired it."""

    kid: Id
    kty: str
    crv: str
    alg: str
    x: str
    y: str
    expired_at: int | None = None


class KeyAnswer(msgspec.Struct, frozen=True):
    """`/webhook_verification_key/get`."""

    key: KeyRecord
    request_id: str = ""


def decode(body: bytes, kind: type[T]) -> T:
    """Read `body` as `kind`, or raise `Unreadable`."""
    try:
        record = msgspec.json.decode(body, type=kind)
        json.loads(body, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except (ValueError, ArithmeticError, RecursionError) as error:
        found = _PLACE.search(str(error))
        where = f" at {found.group(1)}" if found else ""
        raise Unreadable(f"not the promised JSON{where}") from error
    return record


def _once(pairs: list[tuple[str, object]]) -> None:
    """Two readers may disagree on which of two equal keys counts, so none does."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise Unreadable("a key is given twice")


def number(raw: Number) -> Decimal | None:
    """The exact number, None for null. A number in quotes is none."""
    digits = bytes(raw).strip()
    if digits == b"null":
        return None
    try:
        return Decimal(digits.decode("ascii"))
    except (ArithmeticError, ValueError) as error:
        raise Unreadable("a value that should be a number is none") from error


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; raise `Unreadable` beyond what a datetime holds."""
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Unreadable("a time out of range") from error


def moment_of(value: str | None) -> datetime | None:
    """A time given as text; None where it is no time with a zone."""
    try:
        return None if value is None else utc(msgspec.convert(value, Moment))
    except ValueError:
        return None


def text(value: str | None) -> str:
    """A text for people: no control characters, bounded."""
    return _CONTROLS.sub(" ", value or "")[:_TEXT_MAX]
