"""Fault knobs: what can be made wrong, from Python (`turn`) and from HTTP (`POST /_control/faults`).

| knob | arguments | effect |
|---|---|---|
| outage | institution_id, starts_at?, ends_at? or hours?, code? | live calls fail with INSTITUTION_DOWN or `code`; pulls fail |
| institution_rate_limit | institution_id, until? or hours? | live calls get 429 INSTITUTION_RATE_LIMIT |
| break_login | item_id, code?, reason? | Item in ITEM_LOGIN_REQUIRED or `code`; ITEM/ERROR; pulls stop |
| repair | item_id | as if the person used update mode; LOGIN_REPAIRED |
| update_type | item_id, update_type | `user_present_required`: no background pulls, live calls fail |
| consent_expires | item_id, at | sets `consent_expiration_time`; PENDING_DISCONNECT is sent |
| institution_health | institution_id, health | status says `delayed`, `unknown`, `transactions_unknown` or `healthy` |
| force_error | path (or `*`), code, n_calls? | the next calls answer with this error, unbilled |
| corrupt | path (or `*`), kind, n_calls? | the next answers are spoilt after billing: kinds in `corruption` |
| mutate_during_pagination | item_id, n? | the log changes after the next page with more to come |
| null_balances | item_id, fields, account_id? | `current` and/or `available` are null from the next look on; [] heals |
| churn_account | item_id, account_id | the account has a new id, its transactions are removed and added |
| webhooks | lost_share?, duplicated_share?, reordered_share?, reorder_s?, delay_median_s?, delay_fixed_s? | the road gets bad; {} heals |
| rotate_key | | webhooks are signed by a new key; the old one has `expired_at` |
| clear | | outages, throttles, forced errors, corruptions and bad roads end |

`n_calls` and `n` are 1 unless given. Moments are ISO 8601 with a zone; `hours` count from now; an outage lasts 6 h.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.endpoints import ENDPOINTS
from rowcol.sandbox.plaid.errors import ERRORS
from rowcol.sandbox.plaid.faults import Corruption, Health, Outage
from rowcol.sandbox.plaid.items import Item
from rowcol.sandbox.plaid.pulls import churn_account
from rowcol.sandbox.plaid.webhooks import Weather

_OUTAGE_HOURS: Final = 6.0

Arguments = Mapping[str, Any]


class BadArgument(ValueError):
    """A knob or control request that makes no sense; the text says why."""


def turn(emulator: PlaidEmulator, knob: str, arguments: Arguments) -> dict[str, Any]:
    """Turn one knob of the table. Raise `BadArgument` for an unknown knob, item, code or kind."""
    if knob not in KNOBS:
        raise BadArgument(f"no knob {knob!r}; there are {', '.join(KNOBS)}")
    return KNOBS[knob](emulator, arguments) or {}


def need(arguments: Arguments, name: str) -> Any:
    """A required argument."""
    if arguments.get(name) is None:
        raise BadArgument(f"{name} is missing")
    return arguments[name]


def need_item(emulator: PlaidEmulator, arguments: Arguments) -> Item:
    """The Item of `item_id`."""
    item_id = need(arguments, "item_id")
    if item_id not in emulator.items:
        raise BadArgument(f"no item {item_id}")
    return emulator.items[item_id]


def moment(text: Any, name: str) -> datetime:
    """ISO 8601 with a zone."""
    try:
        when = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadArgument(f"{name} is no ISO 8601 moment: {text!r}") from None
    if when.tzinfo is None:
        raise BadArgument(f"{name} has no time zone: {text!r}")
    return when.astimezone(UTC)


def _end(arguments: Arguments, name: str, since: datetime) -> datetime:
    if arguments.get(name) is not None:
        return moment(arguments[name], name)
    return since + timedelta(hours=float(arguments.get("hours", _OUTAGE_HOURS)))


def _known_bank(emulator: PlaidEmulator, arguments: Arguments) -> str:
    institution_id = str(need(arguments, "institution_id"))
    if institution_id not in emulator.institutions:
        raise BadArgument(f"no institution {institution_id}")
    return institution_id


def _known_code(code: str) -> str:
    if code not in ERRORS:
        raise BadArgument(f"no error code {code}")
    return code


def _outage(emulator: PlaidEmulator, arguments: Arguments) -> None:
    bank = _known_bank(emulator, arguments)
    starts = arguments.get("starts_at")
    starts_at = emulator.clock.now() if starts is None else moment(starts, "starts_at")
    ends_at = _end(arguments, "ends_at", starts_at)
    code = _known_code(arguments.get("code", "INSTITUTION_DOWN"))
    emulator.faults.outages.append(Outage(bank, starts_at, ends_at, code))


def _throttle(emulator: PlaidEmulator, arguments: Arguments) -> None:
    until = _end(arguments, "until", emulator.clock.now())
    emulator.faults.throttled_until[_known_bank(emulator, arguments)] = until


def _health(emulator: PlaidEmulator, arguments: Arguments) -> None:
    try:
        health = Health(need(arguments, "health"))
    except ValueError as error:
        raise BadArgument(str(error)) from None
    emulator.faults.health[_known_bank(emulator, arguments)] = health


def _break_login(emulator: PlaidEmulator, arguments: Arguments) -> None:
    code = _known_code(arguments.get("code", "ITEM_LOGIN_REQUIRED"))
    emulator.break_login(need_item(emulator, arguments), code, arguments.get("reason"))


def _repair(emulator: PlaidEmulator, arguments: Arguments) -> None:
    emulator.repair(need_item(emulator, arguments))


def _update_type(emulator: PlaidEmulator, arguments: Arguments) -> None:
    update_type = need(arguments, "update_type")
    if update_type not in {"background", "user_present_required"}:
        raise BadArgument(f"update_type is background or user_present_required, not {update_type}")
    emulator.set_update_type(need_item(emulator, arguments), update_type)


def _consent_expires(emulator: PlaidEmulator, arguments: Arguments) -> None:
    item = need_item(emulator, arguments)
    item.consent_expiration_at = moment(need(arguments, "at"), "at")
    extra = {"reason": "INSTITUTION_TOKEN_EXPIRATION"}
    emulator.notify(item, "ITEM", "PENDING_DISCONNECT", extra)


def _count(arguments: Arguments, name: str) -> int:
    count = int(arguments.get(name, 1))
    if count < 1:
        raise BadArgument(f"{name} is at least 1, not {count}")
    return count


def _known_path(arguments: Arguments) -> str:
    path = str(need(arguments, "path"))
    if path != "*" and path not in {endpoint.path for endpoint in ENDPOINTS}:
        raise BadArgument(f"no endpoint {path}")
    return path


def _force_error(emulator: PlaidEmulator, arguments: Arguments) -> None:
    code = _known_code(need(arguments, "code"))
    n_calls = _count(arguments, "n_calls")
    emulator.faults.forced_errors.load(_known_path(arguments), code, n_calls)


def _corrupt(emulator: PlaidEmulator, arguments: Arguments) -> None:
    try:
        kind = Corruption(need(arguments, "kind"))
    except ValueError as error:
        raise BadArgument(str(error)) from None
    n_calls = _count(arguments, "n_calls")
    emulator.faults.corruptions.load(_known_path(arguments), kind, n_calls)


def _mutate(emulator: PlaidEmulator, arguments: Arguments) -> None:
    need_item(emulator, arguments).n_forced_mutations += _count(arguments, "n")


def _null_balances(emulator: PlaidEmulator, arguments: Arguments) -> None:
    fields = frozenset(need(arguments, "fields"))
    if fields - {"available", "current"}:
        raise BadArgument("fields may name available and current")
    only, accounts = arguments.get("account_id"), need_item(emulator, arguments).accounts
    if only is not None and only not in accounts:
        raise BadArgument(f"no account {only} on this item")
    for account in accounts.values():
        if only in {None, account.account_id}:
            account.nulls = fields


def _churn(emulator: PlaidEmulator, arguments: Arguments) -> dict[str, Any]:
    item = need_item(emulator, arguments)
    account_id = need(arguments, "account_id")
    if account_id not in item.accounts:
        raise BadArgument(f"no account {account_id} on this item")
    return {"account_id": churn_account(item, account_id, emulator.dice)}


def _weather(emulator: PlaidEmulator, arguments: Arguments) -> None:
    emulator.outbox.weather = Weather(
        **{name: float(value) for name, value in arguments.items() if value is not None}
    )


def _rotate_key(emulator: PlaidEmulator, _arguments: Arguments) -> dict[str, Any]:
    return {"kid": emulator.keys.rotate(emulator.clock.now())}


def _clear(emulator: PlaidEmulator, _arguments: Arguments) -> None:
    emulator.faults.clear()
    emulator.outbox.weather = Weather()


KNOBS: Final[dict[str, Callable[[PlaidEmulator, Arguments], dict[str, Any] | None]]] = {
    "outage": _outage,
    "institution_rate_limit": _throttle,
    "institution_health": _health,
    "break_login": _break_login,
    "repair": _repair,
    "update_type": _update_type,
    "consent_expires": _consent_expires,
    "force_error": _force_error,
    "corrupt": _corrupt,
    "mutate_during_pagination": _mutate,
    "null_balances": _null_balances,
    "churn_account": _churn,
    "webhooks": _weather,
    "rotate_key": _rotate_key,
    "clear": _clear,
}
