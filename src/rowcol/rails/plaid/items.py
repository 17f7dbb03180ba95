"""Items: what `/item/get` and the bank's own status say of a login. Free, and the proof of every cached balance's age."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import NoticeKind
from rowcol.core.evidence import Health
from rowcol.core.outcome import RULES, Outcome
from rowcol.core.rail import Look, Reading
from rowcol.core.wire import Response
from rowcol.rails.plaid import facts, records
from rowcol.rails.plaid.errors import code_of, outcome_of, request_id_of

SKEW_MAX = timedelta(minutes=5)
"""Plaid's clock may run this much before ours; a time further ahead is no evidence."""
DELIVERY_TAKES = timedelta(minutes=15)
"""A change this young may still be announced: deliveries are tried again after 30 s, 2 min and 8 min."""
RENEWED_BY = timedelta(days=1)
"""A consent that ends so much later than announced is another one; they last for months."""
DOWN_KEPT = timedelta(hours=1)
"""How long "the bank is down" stands when nothing says that it is back."""


def read_item(_look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of `/item/get`."""
    answer = records.decode(response.body, records.ItemAnswer)
    at = response.sent_at
    update = answer.status.transactions if answer.status is not None else None
    seen_until = None if update is None else update.last_successful_update
    if seen_until is not None:
        seen_until = records.utc(seen_until)
        if seen_until > response.received_at + SKEW_MAX:
            raise records.Unreadable("Plaid's last look at the bank lies in the future")
        seen_until = min(seen_until, at)
    before = state
    state = state.after(Outcome.OK, "", at).cleared(facts.HEALTH).cleared(facts.REFUSED)
    state = _with_health(with_item(state, answer.item), answer.item, seen_until, at)
    until = _said_at(answer.item.consent_expiration_time)
    told = {facts.CONSENTED: _products(answer.item), facts.CONSENT_UNTIL: until}
    state = _without_past_notices(facts.learnt(state, told), before, at)
    state = replace(state, looked_at=at) if seen_until is None else state.seen(seen_until, at)
    is_repaired = state.health is Health.OK and before.health not in facts.READABLE
    has_changed = facts.word(state, facts.CONSENTED) != facts.word(before, facts.CONSENTED)
    is_worth_it = is_repaired or has_changed or facts.REFUSED in before.dirty
    state = _marked(facts.retried(state, at, is_changed=is_worth_it), at, is_repaired=is_repaired)
    return Reading(
        facts.without_unreadable(state), remote_request_id=request_id_of(answer.request_id)
    )


def with_item(state: ConnectionState, item: records.ItemRecord) -> ConnectionState:
    """The same with what any answer says of the Item."""
    return facts.learnt(
        state,
        {
            facts.INSTITUTION: item.institution_id or "",
            facts.INSTITUTION_NAME: records.text(item.institution_name),
            facts.UPDATE_TYPE: records.text(item.update_type),
            facts.WEBHOOK: records.text(item.webhook),
            # Consented is not enough: the first call would add the subscription, and bill it.
            facts.HAS_TRANSACTIONS: "transactions" in {*item.products, *item.billed_products},
        },
    )


def _products(item: records.ItemRecord) -> str:
    """As one text, so that a change is noticed. Read of the Item itself only: other answers show it with fewer keys."""
    had = {*item.products, *item.billed_products, *item.consented_products}
    return records.text(f"{','.join(sorted(had))}|{','.join(sorted(item.available_products))}")


def _said_at(value: object) -> str:
    """A time as a fact, "" for none or one that cannot be read: it is told ahead, nothing hangs on it."""
    moment = records.moment_of(value if isinstance(value, str) else None)
    return "" if moment is None else moment.isoformat()


def _without_past_notices(
    state: ConnectionState, before: ConnectionState, at: datetime
) -> ConnectionState:
    """A consent that lasts longer than what was announced was given anew since. A bank may also end the login long
    before its consent (INSTITUTION_MIGRATION): that is answered only by one whose end has moved."""
    until, known = (facts.moment(s, facts.CONSENT_UNTIL) for s in (state, before))
    if until is None:
        return state
    has_moved = known is not None and until > known
    past = (
        n.kind
        for n in state.notices
        if n.until is not None
        and until >= n.until + RENEWED_BY
        and (has_moved or n.kind is not NoticeKind.DISCONNECT)
    )
    return state.answered(at, *past)


def _with_health(
    state: ConnectionState,
    item: records.ItemRecord,
    seen_until: datetime | None,
    at: datetime,
) -> ConnectionState:
    """The Item's own error decides; without one, whatever stood there before may be over."""
    if item.error is not None:
        health = RULES[outcome_of(item.error)].health
        return state if health is None else state.with_health(health, code_of(item.error), at)
    if state.health is Health.OK or not _is_over(state, seen_until, at):
        return state
    if state.health is not Health.INSTITUTION_DOWN:
        state = state.payable()
    return state.with_health(Health.OK, "", at)


def _is_over(state: ConnectionState, seen_until: datetime | None, at: datetime) -> bool:
    """An Item without an error tells of a repair, but not of its bank: that one was seen, or time went by."""
    since = state.health_since
    was_seen = since is None or (seen_until is not None and seen_until > since)
    if state.health is Health.INSTITUTION_DOWN:
        return was_seen or (not _said_down(state, at) and at - (since or at) >= DOWN_KEPT)
    return was_seen or state.health is not Health.UNSUPPORTED


def _said_down(state: ConnectionState, at: datetime) -> bool:
    """Whether the bank's own status said so not long ago."""
    checked_at = facts.moment(state, facts.INSTITUTION_CHECKED_AT)
    word, interval = (
        state.facts.get(facts.INSTITUTION_STATUS),
        state.facts.get(facts.REFRESH_INTERVAL),
    )
    is_recent = checked_at is not None and at - checked_at < DOWN_KEPT
    return is_recent and (word == "DOWN" or interval == "STOPPED")


def _marked(state: ConnectionState, at: datetime, *, is_repaired: bool) -> ConnectionState:
    """Mark what the look shows to be worth reading."""
    if is_repaired:
        state = state.marked(facts.ACCOUNTS, "the login works again")
    if not facts.may_sync(state):
        if state.facts.get(facts.HAS_TRANSACTIONS) is not True:
            # Nobody would ask any more.
            state = replace(state, stream_refusal=None, stream_stuck="")
        return state.cleared(facts.TRANSACTIONS)
    if is_repaired:
        return state.marked(facts.TRANSACTIONS, "the login works again")
    if not state.cursor:
        return state.marked(facts.TRANSACTIONS, "transactions were never read")
    seen, synced = state.seen_until, state.synced_until
    if seen is not None and (synced is None or synced < seen):
        is_young = at - seen < DELIVERY_TAKES
        reason = "the bank was seen again a moment ago" if is_young else facts.UNANNOUNCED
        return state.marked(facts.TRANSACTIONS, reason)
    if state.facts.get(facts.HISTORY_COMPLETE) is False:
        return state.marked(facts.TRANSACTIONS, "the history was not complete at the last read")
    return state


def read_bank(_look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of `/institutions/get_by_id`. No status is no word, neither good nor bad."""
    answer = records.decode(response.body, records.InstitutionAnswer)
    at = response.sent_at
    status = answer.institution.status or records.BankStatusRecord()
    pulls = status.transactions_updates or records.PartRecord()
    logins = status.item_logins or records.PartRecord()
    interval = records.text((pulls.breakdown or records.BreakdownRecord()).refresh_interval)
    words = {part.status for part in (pulls, logins) if part.status}
    word = next((w for w in ("DOWN", "DEGRADED", "HEALTHY") if w in words), "")
    state = facts.learnt(
        state.after(Outcome.OK, "", at),
        {
            facts.INSTITUTION_STATUS: word,
            facts.REFRESH_INTERVAL: interval,
            facts.INSTITUTION_CHECKED_AT: at.isoformat(),
            facts.INSTITUTION_ASKED_AT: at.isoformat(),
        },
    )
    is_down = word == "DOWN" or interval == "STOPPED"
    if is_down and state.health is Health.OK:
        state = state.with_health(Health.INSTITUTION_DOWN, f"bank {interval or word}", at)
    elif state.health is Health.INSTITUTION_DOWN and not is_down and (word or interval):
        state = state.with_health(Health.OK, "", at)
    return Reading(state, remote_request_id=request_id_of(answer.request_id))


def read_removal(_look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of `/item/remove`: the fee ends, the history stays."""
    answer = records.decode(response.body, records.AnyAnswer)
    at = response.received_at
    state = state.after(Outcome.OK, "", at).with_health(Health.RETIRED, "removed at Plaid", at)
    return Reading(state, remote_request_id=request_id_of(answer.request_id))


def read_webhook_update(_look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of `/item/webhook/update`."""
    answer = records.decode(response.body, records.WebhookUpdateAnswer)
    state = with_item(state.after(Outcome.OK, "", response.sent_at), answer.item)
    return Reading(state, remote_request_id=request_id_of(answer.request_id))


def read_acknowledgement(look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of an answer that says no more than "done"; the Item shows what came of it."""
    answer = records.decode(response.body, records.AnyAnswer)
    state = state.after(Outcome.OK, "", response.sent_at)
    if look.endpoint != "transactions.refresh":
        return Reading(state, remote_request_id=request_id_of(answer.request_id))
    state = state.marked(facts.HEALTH, "Plaid was asked to look at the bank")
    return Reading(state, remote_request_id=request_id_of(answer.request_id))
