"""Fault knobs: what can be made wrong, from Python (`turn`) and from HTTP (`POST /_control/faults`).

| knob | arguments | effect |
|---|---|---|
| outage | institution_id, starts_at?, ends_at? or hours?, code? | live calls fail with INSTITUTION_DOWN or `code`; pulls fail |
| institution_rate_limit | institution_id, until? or hours? | live calls get 429 INSTITUTION_RATE_LIMIT |
| break_login | item_id, code?, reason? | Item in ITEM_LOGIN_REQUIRED or `code`; ITEM/ERROR; pulls stop |
| repair | item_id | as if the login was repaired elsewhere, not by update mode here; LOGIN_REPAIRED after ITEM_LOGIN_REQUIRED |
| update_type | item_id, update_type | `user_present_required`: no background pulls, live calls fail |
| consent_expires | item_id, at, notify?, reason? | sets `consent_expiration_time`; PENDING_DISCONNECT is sent now, or with `notify: false` 7 days before |
| pending_expiration | item_id, at? | sets `consent_expiration_time`, in 7 days if not given; PENDING_EXPIRATION (UK, EU) is sent |
| revoke | item_id | the person withdraws the permission: USER_PERMISSION_REVOKED, as a webhook and as the Item's error for good |
| revoke_account | item_id, account_id | the person withdraws one account: no more shown; USER_ACCOUNT_REVOKED at Chase and PNC |
| institution_health | institution_id, health | status says `delayed`, `unknown`, `transactions_unknown` or `healthy` |
| force_error | path (or `*`), code, n_calls? | the next calls answer with this error, unbilled |
| corrupt | path (or `*`), kind, n_calls? | the next answers are spoilt after billing: kinds in `corruption` |
| refuse_cursors | item_id, on? | every cursor but the empty one is INVALID_FIELD, until `on: false` |
| mutate_during_pagination | item_id, n? | the log changes after the next page with more to come |
| null_balances | item_id, fields, account_id? | `current` and/or `available` are null from the next look on; [] heals |
| churn_account | item_id, account_id, mask?, name? | the account has a new id, its transactions are removed and added; the bank renumbers or renames it |
| new_account | item_id, account | the login shows one more (as in POST items): NEW_ACCOUNTS_AVAILABLE; shared only by update mode |
| close_account | item_id, account_id | the bank closed it: no Item and no login shows it any more; its transactions stay |
| webhooks | lost_share?, duplicated_share?, reordered_share?, reorder_s?, delay_median_s?, delay_fixed_s? | the road gets bad; {} heals |
| rotate_key | | webhooks are signed by a new key; the old one has `expired_at` |
| clear | | outages, throttles, forced errors, corruptions and bad roads end |

`n_calls` and `n` are 1 unless given. Moments are ISO 8601 with a zone; `hours` count from now; an outage lasts 6 h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from rowcol.sandbox.plaid.arguments import (
    Arguments,
    BadArgument,
    given_account,
    moment,
    need,
    need_account,
    need_item,
)
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.endpoints import ENDPOINTS
from rowcol.sandbox.plaid.errors import ERRORS
from rowcol.sandbox.plaid.faults import Corruption, Health, Outage
from rowcol.sandbox.plaid.items import NOTICE_AHEAD
from rowcol.sandbox.plaid.pulls import churn_account
from rowcol.sandbox.plaid.shapes import pending_disconnect_shape, stamp
from rowcol.sandbox.plaid.webhooks import Weather

_OUTAGE_HOURS: Final = 6.0
_DISCONNECT_REASONS: Final = ("INSTITUTION_TOKEN_EXPIRATION", "INSTITUTION_MIGRATION")


def turn(emulator: PlaidEmulator, knob: str, arguments: Arguments) -> dict[str, Any]:
    """Turn one knob of the table. Raise `BadArgument` for an unknown knob, item, code or kind."""
    if knob not in KNOBS:
        raise BadArgument(f"no knob {knob!r}; there are {', '.join(KNOBS)}")
    return KNOBS[knob](emulator, arguments) or {}


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
    item = need_item(emulator, arguments)
    if item.is_revoked:
        raise BadArgument("the permission was revoked: only a new item helps")
    emulator.repair(item)


def _update_type(emulator: PlaidEmulator, arguments: Arguments) -> None:
    update_type = need(arguments, "update_type")
    if update_type not in {"background", "user_present_required"}:
        raise BadArgument(f"update_type is background or user_present_required, not {update_type}")
    emulator.set_update_type(need_item(emulator, arguments), update_type)


def _consent_expires(emulator: PlaidEmulator, arguments: Arguments) -> None:
    item = need_item(emulator, arguments)
    reason = arguments.get("reason", _DISCONNECT_REASONS[0])
    if reason not in _DISCONNECT_REASONS:
        raise BadArgument(f"reason is one of {', '.join(_DISCONNECT_REASONS)}")
    is_announced = arguments.get("notify", True) is not False
    emulator.set_consent_end(item, moment(need(arguments, "at"), "at"), is_announced=is_announced)
    if is_announced:
        extra = pending_disconnect_shape(item, emulator.clock.now(), reason)
        emulator.notify(item, "ITEM", "PENDING_DISCONNECT", extra)


def _pending_expiration(emulator: PlaidEmulator, arguments: Arguments) -> None:
    item = need_item(emulator, arguments)
    at = arguments.get("at")
    ends_at = emulator.clock.now() + NOTICE_AHEAD if at is None else moment(at, "at")
    emulator.set_consent_end(item, ends_at, is_announced=True)
    extra = {"consent_expiration_time": stamp(ends_at)}
    emulator.notify(item, "ITEM", "PENDING_EXPIRATION", extra)


def _revoke(emulator: PlaidEmulator, arguments: Arguments) -> None:
    emulator.revoke(need_item(emulator, arguments))


def _revoke_account(emulator: PlaidEmulator, arguments: Arguments) -> None:
    item = need_item(emulator, arguments)
    emulator.revoke_account(item, need_account(item, arguments))


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


def _refuse_cursors(emulator: PlaidEmulator, arguments: Arguments) -> None:
    need_item(emulator, arguments).refuses_cursors = arguments.get("on", True) is not False


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
    account_id = need_account(item, arguments)
    ledger = item.accounts[account_id].ledger
    facts = ledger.facts
    mask, name = arguments.get("mask") or facts.mask, arguments.get("name") or facts.name
    ledger.facts = replace(facts, mask=None if mask is None else str(mask), name=str(name))
    return {"account_id": churn_account(item, account_id, emulator.dice)}


def _new_account(emulator: PlaidEmulator, arguments: Arguments) -> dict[str, Any]:
    item = need_item(emulator, arguments)
    account_id = given_account(emulator, need(arguments, "account"))
    if account_id in item.login.account_ids:
        raise BadArgument(f"the login shows {account_id} already")
    emulator.add_account(item.login, account_id)
    return {"world_account_id": account_id}


def _close_account(emulator: PlaidEmulator, arguments: Arguments) -> None:
    item = need_item(emulator, arguments)
    emulator.close_account(item.accounts[need_account(item, arguments)].ledger.account_id)


def _weather(emulator: PlaidEmulator, arguments: Arguments) -> None:
    emulator.outbox.weather = Weather(
        **{name: float(value) for name, value in arguments.items() if value is not None}
    )


def _rotate_key(emulator: PlaidEmulator, _arguments: Arguments) -> dict[str, Any]:
    return {"kid": emulator.keys.rotate(emulator.wire_clock.now())}


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
    "pending_expiration": _pending_expiration,
    "revoke": _revoke,
    "revoke_account": _revoke_account,
    "force_error": _force_error,
    "corrupt": _corrupt,
    "refuse_cursors": _refuse_cursors,
    "mutate_during_pagination": _mutate,
    "null_balances": _null_balances,
    "churn_account": _churn,
    "new_account": _new_account,
    "close_account": _close_account,
    "webhooks": _weather,
    "rotate_key": _rotate_key,
    "clear": _clear,
}
