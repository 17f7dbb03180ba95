"""Accounts: balances, cached and live, with the moment from which each is true.

A cached balance is as old as Plaid's last look, read before it; without one it has no age and is no
evidence. A live one is true from when the call was sent, but at Capital One's cards and Apple Card
the paid call is answered from the cache too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Balance, Health, Observation, Source
from rowcol.core.ids import RemoteId
from rowcol.core.mirror import ACCOUNT
from rowcol.core.money import Money, NotMoney, exponent_of, is_currency, money_of, shown
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Look, Reading, Row
from rowcol.core.wire import Response
from rowcol.rails.plaid import facts, records
from rowcol.rails.plaid.errors import request_id_of
from rowcol.rails.plaid.items import with_item

OFF_MINOR_MAX = Decimal("0.1")
"""Plaid's numbers are JSON doubles, and portfolios have more digits than a currency: less than a tenth of its smallest
unit is rounded (23631.9805 USD). Half a yen is no rounding: it is no value, and says so."""


def read_cached(look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of `/accounts/get`."""
    return _read(look, response, state, is_live=False)


def read_live(look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of `/accounts/balance/get`."""
    return _read(look, response, state, is_live=True)


def _read(look: Look, response: Response, state: ConnectionState, *, is_live: bool) -> Reading:
    answer = records.decode(response.body, records.AccountsAnswer)
    ids = [account.account_id for account in answer.accounts]
    if len(set(ids)) != len(ids):
        raise records.Unreadable("an account is given twice")
    is_whole = not look.arguments.get("account_ids")
    gone, missing = _absent(state, ids) if is_whole else ([], [])
    state = with_item(state.after(Outcome.OK, "", response.sent_at), answer.item)
    if is_whole:
        state = _with_list(state, answer, missing)
    state = _with_error(state, answer.item)
    is_live = is_live and answer.item.error is None
    source, true_at = _evidence(look, response, state, is_live=is_live)
    rows = [_row(account) for account in answer.accounts]
    rows += [Row(ACCOUNT, RemoteId(known), "", None, None) for known in gone]
    seen = []
    for account in answer.accounts:
        since = _true_at(account, response, state, source, true_at)
        if since is not None:
            balance = _balance(account.balances)
            seen.append(_observed(account.account_id, since, response, source, balance))
    if true_at is not None:
        seen += [_observed(known, true_at, response, source, None) for known in gone]
        if is_whole and not missing:
            state = replace(state, balances_as_of=max(true_at, state.balances_as_of or true_at))
    if is_live:
        state = _after_live(state, response.sent_at)
    return Reading(
        state,
        observations=tuple(seen),
        rows=tuple(rows),
        remote_request_id=request_id_of(answer.request_id),
    )


def _with_error(state: ConnectionState, item: records.ItemRecord) -> ConnectionState:
    """The Item itself tells what its error is; until then its balances count as what was cached."""
    if item.error is None:
        return state
    return state.marked(facts.HEALTH, "balances came with an error of the login")


def _absent(state: ConnectionState, ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Accounts that a list does not show: gone, as the one before it lacked them too; and missing. A list may come short:
    what is missing is looked for at once, and until then it is as it was."""
    before = facts.account_ids(state, facts.MISSING_IDS)
    absent = [known for known in facts.account_ids(state) if known not in ids]
    return [i for i in absent if i in before], [i for i in absent if i not in before]


def beside_changes(
    accounts: Sequence[records.AccountRecord], response: Response, state: ConnectionState
) -> tuple[ConnectionState, tuple[Observation, ...]]:
    """Cached balances that came with the last page of changes: of the touched accounts only.

    Where those are all that there are, `/accounts/get` would tell nothing more.
    """
    true_at = state.seen_until
    known = set(facts.account_ids(state))
    if true_at is None or not known or facts.answers_from_cache(state):
        return state, ()
    seen = tuple(
        _observed(a.account_id, true_at, response, Source.CACHED, _balance(a.balances))
        for a in accounts
        if a.account_id in known
    )
    if known <= {a.account_id for a in accounts}:
        state = replace(state, balances_as_of=max(true_at, state.balances_as_of or true_at))
    return state, seen


def _with_list(
    state: ConnectionState, answer: records.AccountsAnswer, missing: Sequence[str]
) -> ConnectionState:
    kinds = {account.type for account in answer.accounts}
    state = state.cleared(facts.ACCOUNTS)
    if missing:
        state = state.marked(facts.ACCOUNTS, "a list did not show an account that was there")
    return facts.learnt(
        state,
        {
            facts.ACCOUNT_IDS: ",".join([*(a.account_id for a in answer.accounts), *missing]),
            facts.MISSING_IDS: ",".join(missing),
            facts.HAS_NON_DEPOSITORY: bool(kinds - {"depository"}),
            facts.DEPOSITORY_IDS: ",".join(
                account.account_id for account in answer.accounts if account.type == "depository"
            ),
        },
    )


def _evidence(
    look: Look, response: Response, state: ConnectionState, *, is_live: bool
) -> tuple[Source, datetime | None]:
    """Whose look it was, and from when it is true. A look at named accounts names those that are answered live."""
    if is_live and (look.accounts or not facts.answers_from_cache(state)):
        return Source.LIVE, response.sent_at
    return Source.CACHED, state.seen_until


def _true_at(
    account: records.AccountRecord,
    response: Response,
    state: ConnectionState,
    source: Source,
    true_at: datetime | None,
) -> datetime | None:
    """The account's own time counts at the two banks that give one; elsewhere it means nothing."""
    own = records.moment_of(account.balances.last_updated_datetime)
    if source is Source.LIVE or own is None or own > response.received_at:
        return true_at
    return own if facts.answers_from_cache(state) else true_at


def _after_live(state: ConnectionState, at: datetime) -> ConnectionState:
    """A bank that has just answered is not down."""
    state = state.payable()
    is_down = state.health is Health.INSTITUTION_DOWN
    return state.with_health(Health.OK, "", at) if is_down else state


def _observed(
    account: str, true_at: datetime, response: Response, source: Source, balance: Balance | None
) -> Observation:
    return Observation(RemoteId(account), true_at, response.received_at, source, balance)


def _balance(record: records.BalanceRecord) -> Balance:
    """Either currency field is null. What is no amount of an official currency is no value, and says so: one such
    account keeps the others' balances from nobody."""
    code = record.iso_currency_code or record.unofficial_currency_code or ""
    why, values = "", list[Money | None]()
    for raw in (record.current, record.available, record.limit):
        try:
            values.append(_money(raw, code))
        except (NotMoney, records.Unreadable) as error:
            values.append(None)
            why = why or str(error)
    current, available, limit = values
    return Balance(current, available, limit, why if current is None else "")


def _money(raw: records.Number, code: str) -> Money | None:
    """Exact to the currency's digits. Raise `NotMoney` or `Unreadable` with every digit and why it is no value."""
    value = records.number(raw)
    if value is None:
        return None
    if not code:
        raise NotMoney(f"{shown(value)} in a currency that its bank does not name")
    if not is_currency(code):
        raise NotMoney(f"{shown(value)} {records.text(shown(code))}: no currency of ISO 4217")
    amount = money_of(value, code)
    off_minor = abs(value - amount.decimal()).scaleb(exponent_of(code))
    if off_minor >= OFF_MINOR_MAX:
        raise NotMoney(f"{shown(value)} is not an exact amount of {code}")
    return amount


def _row(account: records.AccountRecord) -> Row:
    body = {
        "name": records.text(account.name),
        "official_name": records.text(account.official_name),
        "mask": records.text(account.mask),
        "type": records.text(account.type),
        "subtype": records.text(account.subtype),
        "persistent_account_id": records.text(account.persistent_account_id),
        "currency": records.text(
            account.balances.iso_currency_code or account.balances.unofficial_currency_code
        ),
    }
    return Row(ACCOUNT, RemoteId(account.account_id), "", None, body)
