"""Transactions: pages of changes since a cursor, staged, and published together with the next cursor.

A page changes nothing but the place to go on from; what it counted waits among the facts, so that a
read that starts over counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from rowcol.core.connection import ConnectionState
from rowcol.core.freshness.calendar import is_bank_day
from rowcol.core.ids import RemoteId
from rowcol.core.mirror import TRANSACTION
from rowcol.core.money import NotMoney, is_currency, money_of, shown
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Look, Reading, Row
from rowcol.core.wire import Response
from rowcol.rails.plaid import facts, records
from rowcol.rails.plaid.accounts import beside_changes
from rowcol.rails.plaid.errors import failed, request_id_of

UNREADABLE = "unreadable"
"""In a row's body, only where it has no amount: why."""
EMPTY_MAX, CHANGES_MAX = 20, 1_000_000
"""Pages in a row without a row, and rows of one reading, after which each further page waits."""
YEARS = range(1970, 2101)
"""Dates outside are none: each year costs a calendar."""


def read_page(look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
    """The reading of `/transactions/sync`."""
    answer = records.decode(response.body, records.SyncAnswer)
    request_id = request_id_of(answer.request_id)
    staged = rows_of(answer)
    asked = state.page or state.cursor
    if not state.page:
        state = facts.without_pages(state)
    if answer.has_more:
        if answer.next_cursor in ("", asked):
            raise records.Unreadable("more pages, but none to go on with")
        empty = 0 if staged else facts.count(state, facts.EMPTY) + 1
        moved = _counted(state.after(Outcome.OK, "", response.sent_at), answer, len(staged))
        moved = facts.learnt(replace(moved, page=answer.next_cursor), {facts.EMPTY: empty})
        if empty > EMPTY_MAX or facts.count(moved, facts.CHANGES) > CHANGES_MAX:
            # A failure stages nothing: it goes on only past a page that had no row.
            return _endless(state if staged else moved, response, request_id)
        return Reading(moved, staged=staged, remote_request_id=request_id)
    if not answer.next_cursor:
        if staged:
            raise records.Unreadable("changes, but no cursor after them")
        # Called too early: no error, nothing to keep. The mark stays, so it is asked again.
        failure = failed(look, Outcome.NOT_READY, "NOT_READY", response.received_at, state)
        return replace(failure, remote_request_id=request_id)
    state = _counted(state.after(Outcome.OK, "", response.sent_at), answer, len(staged))
    is_restart = state.is_restarting
    if is_restart and not _is_confirmed(state, answer):
        state = _unconfirmed(state, answer)
        return Reading(state, discards=True, remote_request_id=request_id)
    state = _published(state, answer, response.sent_at)
    state, seen = beside_changes(answer.accounts, response, state)
    return Reading(
        state,
        observations=seen,
        staged=staged,
        publishes=look.stream or facts.TRANSACTIONS,
        buries=(TRANSACTION,) if is_restart else (),
        remote_request_id=request_id,
    )


def _endless(state: ConnectionState, response: Response, request_id: str) -> Failure:
    """More pages and no end of them: each further one waits longer, and other looks go first."""
    why, at = "one page of changes after another, and no end of them", response.received_at
    state = state.after(Outcome.TRY_AGAIN, why, at)
    return Failure(Outcome.TRY_AGAIN, why, state, remote_request_id=request_id)


def rows_of(answer: records.SyncAnswer) -> tuple[Row, ...]:
    """All three lists, in the order in which they apply; a removed one is a tombstone."""
    changed = (*answer.added, *answer.modified)
    gone = (Row(TRANSACTION, RemoteId(r.transaction_id), "", None, None) for r in answer.removed)
    return (*(_row(record) for record in changed), *gone)


def _row(record: records.TransactionRecord) -> Row:
    """The amount stays the exact text of a decimal: Plaid sends more digits than a currency has, and coins have others.

    One that is no amount, or dated when nothing can be, is kept without one and says why (`unreadable`): the page's
    other rows and its cursor go on, and no sum can take it for zero.
    """
    currency = records.text(record.iso_currency_code or record.unofficial_currency_code)
    amount, why = _amount(record, currency)
    day = _day(record)
    # What is not known to be posted, too: no sum of what is pending may leave it out.
    is_open = record.pending is not False
    body = {
        "account_id": record.account_id,
        "amount": amount,
        "currency": currency,
        "date": "" if day is None else day.isoformat(),
        "authorized_date": records.text(record.authorized_date),
        "pending": is_open,
        "pending_transaction_id": records.text(record.pending_transaction_id),
        "name": records.text(record.name),
        "merchant_name": records.text(record.merchant_name),
        "payment_channel": records.text(record.payment_channel),
    }
    if why:
        body[UNREADABLE] = why
    at = records.moment_of(record.datetime)
    due_on = day if is_open else None  # what is open of it, so that it is found quickly
    return Row(TRANSACTION, RemoteId(record.transaction_id), "", at, body, due_on)


def _amount(record: records.TransactionRecord, currency: str) -> tuple[str, str]:
    """The amount's text, "" where it is none, and then why."""
    if record.pending is None:
        return "", "nothing says whether it is pending"
    try:
        value = records.number(record.amount)
        if value is None:
            return "", "no amount"
        # Bounded as an amount of two digits would be: in which currency it is, changes nothing of its digits.
        money_of(value, currency if is_currency(currency) else "USD")
    except (NotMoney, records.Unreadable) as error:
        return "", str(error)
    if _day(record) is None:
        return "", f"a date that cannot be: {shown(records.text(record.date))}"
    return str(value), ""


def _day(record: records.TransactionRecord) -> date | None:
    """Its date, None where it is none or lies in no year that can be."""
    try:
        day = date.fromisoformat(record.date)
    except ValueError:
        return None
    return day if day.year in YEARS else None


def _counted(state: ConnectionState, answer: records.SyncAnswer, changes: int) -> ConnectionState:
    """What a page adds to the closed-days proof; only posted rows that it brings as new count."""
    days = [day for r in answer.added if r.pending is False and (day := _day(r)) is not None]
    closed = sum(not is_bank_day(day) for day in days)
    first = _least(facts.word(state, facts.POSTED_FIRST_ON), days)
    return facts.learnt(
        state,
        {
            facts.CHANGES: facts.count(state, facts.CHANGES) + changes,
            facts.POSTED: facts.count(state, facts.POSTED) + len(days),
            facts.POSTED_CLOSED: facts.count(state, facts.POSTED_CLOSED) + closed,
            facts.POSTED_FIRST_ON: "" if first is None else first.isoformat(),
        },
    )


def _least(known: str, days: Sequence[date]) -> date | None:
    return min((*days, *([date.fromisoformat(known)] if known else [])), default=None)


def _is_confirmed(state: ConnectionState, answer: records.SyncAnswer) -> bool:
    """Whether what a reading from nothing did not show is no more: a page that came empty would look the same, so two
    readings in a row have to show as many rows, and Plaid may not say that more history comes."""
    before = state.facts.get(facts.WHOLE_ROWS)
    return _may_be_whole(answer) and before == facts.count(state, facts.CHANGES)


def _may_be_whole(answer: records.SyncAnswer) -> bool:
    return answer.transactions_update_status not in ("INITIAL_UPDATE_COMPLETE", "NOT_READY")


def _unconfirmed(state: ConnectionState, answer: records.SyncAnswer) -> ConnectionState:
    """The state after the first of them, which publishes nothing. The second follows at once; where they differ the
    bank is changing, and the next look at it brings another."""
    is_first = facts.WHOLE_ROWS not in state.facts
    rows = facts.count(state, facts.CHANGES)
    state = facts.without_pages(state).cleared(facts.TRANSACTIONS)
    if not _may_be_whole(answer):
        return facts.without(state, facts.WHOLE_ROWS)
    state = facts.learnt(state, {facts.WHOLE_ROWS: rows})
    return state.marked(facts.TRANSACTIONS, "confirming what is no more") if is_first else state


def _published(state: ConnectionState, answer: records.SyncAnswer, at: datetime) -> ConnectionState:
    """The state once the last page is in. A first read is never a gap: Plaid announces only after it."""
    first = facts.word(state, facts.POSTED_FIRST_ON)
    known = [] if state.first_posted_on is None else [state.first_posted_on]
    has_gap = (
        state.cursor != ""
        and facts.count(state, facts.CHANGES) > 0
        and state.dirty.get(facts.TRANSACTIONS) == facts.UNANNOUNCED
    )
    is_whole = answer.transactions_update_status == "HISTORICAL_UPDATE_COMPLETE"
    state = replace(
        state.cleared(facts.TRANSACTIONS),
        cursor=answer.next_cursor,
        synced_until=state.seen_until,
        webhook_gaps=state.webhook_gaps + has_gap,
        webhook_gap_at=at if has_gap else state.webhook_gap_at,
        posted_count=state.posted_count + facts.count(state, facts.POSTED),
        posted_closed_days=state.posted_closed_days + facts.count(state, facts.POSTED_CLOSED),
        first_posted_on=_least(first, known),
    ).followed(at)
    state = facts.learnt(state, {facts.HISTORY_COMPLETE: is_whole, facts.RESTARTS: 0})
    return facts.without_pages(facts.without(state, facts.WHOLE_ROWS))
