"""Looks: which call would bring evidence that a state lacks, free ones in order, and when paying cannot help.

No look is proposed twice for the same want: each successful reading removes what proposed it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.rail import CannotHelp, Deed, Look, Want
from rowcol.rails.plaid import facts
from rowcol.rails.plaid.requests import PAGE_ROWS

BANK_ASKED_AGAIN = timedelta(minutes=10)
"""How old word of a bank in trouble may be."""
FLOOR_BEFORE = timedelta(days=730)
"""Capital One and Apple Card ask for a floor; one this low is never too recent."""

_REASONS = {
    Health.NEEDS_RECONNECT: "the bank login needs a person first",
    Health.INSTITUTION_DOWN: "the bank does not answer Plaid",
    Health.UNSUPPORTED: "Plaid does not support this login any more",
    Health.MISCONFIGURED: "our Plaid keys or settings are wrong",
    Health.RETIRED: "the login was removed at Plaid",
}


def free_look(state: ConnectionState, want: Want) -> Look | None:
    """The next free call; None when none would tell more."""
    if state.health is Health.RETIRED:
        return None
    if _is_bank_due(state, want):
        bank = facts.word(state, facts.INSTITUTION)
        return Look("institutions.get_by_id", {"institution_id": bank})
    if _is_item_due(state, want):
        return Look("item.get")
    return _cached(state, want) if state.health in facts.READABLE else None


def _cached(state: ConnectionState, want: Want) -> Look | None:
    """What Plaid's cache has that we lack."""
    are_accounts_due = _are_accounts_due(state, want)
    if are_accounts_due and facts.ACCOUNT_IDS not in state.facts:
        return Look("accounts.get")
    is_dirty = facts.TRANSACTIONS in state.dirty or state.page != ""
    if want.streams and is_dirty and facts.may_sync(state):  # it may bring the balances too
        cursor = state.page or state.cursor
        return Look(
            "transactions.sync", {"cursor": cursor, "count": PAGE_ROWS}, stream=facts.TRANSACTIONS
        )
    return Look("accounts.get") if are_accounts_due else None


def paid_look(state: ConnectionState) -> Look | CannotHelp:
    """The live balance call of all accounts (it costs the same as of one), or why it would not help."""
    until = facts.off_until(state, facts.BALANCE_REFUSED)
    if (reason := _futility(state)) is not None:
        return CannotHelp(reason, until)
    if facts.word(state, facts.INSTITUTION) != facts.CAPITAL_ONE:
        return Look("accounts.balance.get")
    if not facts.answers_from_cache(state):
        floor = _floor(state.looked_at, FLOOR_BEFORE)
        return Look("accounts.balance.get", {"min_last_updated_datetime": floor})
    # Plaid's texts do not agree whether bank accounts that share an Item with a card are answered live. If not, what
    # it has is older than this floor: then it refuses, for nothing, rather than sell the cache.
    bank_accounts = facts.depository_ids(state)
    floor = _floor(state.looked_at, timedelta(0))
    wanted = {"account_ids": ",".join(bank_accounts), "min_last_updated_datetime": floor}
    return Look("accounts.balance.get", wanted, accounts=bank_accounts)


def deed_look(deed: Deed, state: ConnectionState, webhook: str) -> Look | CannotHelp:
    """What a person had asked for; an Item is removed in whatever health it is, also to end its fee."""
    if state.health is Health.RETIRED:
        return CannotHelp(_REASONS[Health.RETIRED])
    match deed:
        case Deed.REMOVE:
            return Look("item.remove")
        case Deed.POINT_WEBHOOK:
            if not webhook:
                return CannotHelp("the app has no address that Plaid could deliver to")
            return Look("item.webhook.update", {"webhook": webhook})
        case Deed.REFRESH:
            reason = _inaccessible(state)
            if reason is None and not facts.may_sync(state):
                reason = "the login has no transactions to refresh"
            return Look("transactions.refresh") if reason is None else CannotHelp(reason)


def _inaccessible(state: ConnectionState) -> str | None:
    """Why Plaid could not look at the bank now, None where it could."""
    if state.health is not Health.OK:
        code = f" ({state.health_reason})" if state.health_reason else ""
        return f"{_REASONS.get(state.health, '')}{code}"
    if facts.word(state, facts.UPDATE_TYPE) == "user_present_required":
        return "this bank lets Plaid in only while the person is present"
    return None


def _futility(state: ConnectionState) -> str | None:
    refusal = facts.word(state, facts.BALANCE_REFUSED)
    has_no_accounts = facts.ACCOUNT_IDS in state.facts and not facts.account_ids(state)
    reasons = (
        (refusal != "", _off(state, refusal)),
        (has_no_accounts, "the login has no accounts"),
        (
            facts.answers_from_cache(state) and not _has_live_accounts(state),
            "at this bank a paid call brings the same cached balances as the free one",
        ),
    )
    return _inaccessible(state) or next((reason for is_so, reason in reasons if is_so), None)


def _off(state: ConnectionState, code: str) -> str:
    until = facts.off_until(state, facts.BALANCE_REFUSED)
    when = "the next look" if until is None else f"{until:%Y-%m-%d %H:%M} UTC"
    return (
        f"live looks are off until {when} because Plaid refused the last one ({code});"
        " a repair, a change of products or `rowcol connection reset` brings them back before"
    )


def _has_live_accounts(state: ConnectionState) -> bool:
    is_capital_one = facts.word(state, facts.INSTITUTION) == facts.CAPITAL_ONE
    return is_capital_one and bool(facts.depository_ids(state))


def _floor(looked_at: datetime | None, before: timedelta) -> str:
    if looked_at is None:
        return "2000-01-01T00:00:00Z"
    at = looked_at - before
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _is_bank_due(state: ConnectionState, want: Want) -> bool:
    """While a bank is down it is asked for before the Item: the Item does not tell that it is back.

    Asked is asked, also where it failed: else a status that never comes would keep the Item from its turn.
    """
    is_down = state.health is Health.INSTITUTION_DOWN
    if not is_down or want.since is None or not facts.word(state, facts.INSTITUTION):
        return False
    asked_at = facts.moment(state, facts.INSTITUTION_ASKED_AT)
    return asked_at is None or asked_at < want.since - BANK_ASKED_AGAIN


def _is_item_due(state: ConnectionState, want: Want) -> bool:
    if facts.HEALTH in state.dirty:
        return True
    if want.since is None:
        return False
    return state.looked_at is None or state.looked_at < want.since


def _are_accounts_due(state: ConnectionState, want: Want) -> bool:
    """Without a time of Plaid's last look cached balances have no age, so they are read for the list only."""
    if facts.ACCOUNT_IDS not in state.facts or facts.ACCOUNTS in state.dirty:
        return True
    if not want.balances or state.seen_until is None:
        return False
    return state.balances_as_of is None or state.balances_as_of < state.seen_until


def key_look(key_id: str) -> Look:
    """The free call that fetches a verification key."""
    return Look("webhook_verification_key.get", {"key_id": key_id})
