"""Answer: a question about a business's cash, with its proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from typing_extensions import override

from rowcol.core.cash import FIELD, Cash, Role, cash_of, counted, is_gone, live
from rowcol.core.change import Account, Action, ConnectionView, Decision, DecisionRecord
from rowcol.core.connection import Connection
from rowcol.core.evidence import Observation
from rowcol.core.identity import BankAccount, Doubt, Identified
from rowcol.core.ids import BusinessId, CallId, FirmId
from rowcol.core.mirror import TRANSACTION, pending_of
from rowcol.core.money import Cost, Money
from rowcol.core.need import Question
from rowcol.core.rail import Rail
from rowcol.core.rail import Role as RailRole
from rowcol.core.sameness import AccountRef
from rowcol.engine.ambient import Ambient
from rowcol.engine.decisions import DecisionLog
from rowcol.engine.gateway import Gateway
from rowcol.engine.resolve import Open, Part, Resolved, Resolver
from rowcol.ports import FullStore

NAMED_MAX = 5
PENDING_MAX = 1000
"""Pending transactions of one login that are summed: banks show days of them, not years."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Cash with its proof. `as_of`: the oldest part's time at the bank, None when a part was never seen.

    `action`: SERVE, or HOLD when it must not be decided on. `label`: what must be said beside it.
    `cost`: spent for this very answer. `calls`: the lines of the call log behind it. `accounts`: every account, also
    those that do not count. `pending`: by the account as its login shows it, what is announced and not posted: in
    no sum. `doubts`: accounts that may be one. `notes`: what should be known, and takes nothing from the value.
    """

    business: BusinessId
    question: Question
    value: Cash
    as_of: datetime | None
    action: Action
    reason: str
    label: str | None
    cost: Cost
    calls: tuple[CallId, ...]
    parts: tuple[Part, ...]
    policy: str
    answered_at: datetime
    records: tuple[DecisionRecord, ...] = ()
    logins: tuple[Connection, ...] = ()
    """At banks, removed ones too."""
    accounts: tuple[BankAccount, ...] = ()
    pending: Mapping[AccountRef, Money] = field(default_factory=dict)
    doubts: tuple[Doubt, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def evidence(self) -> tuple[Observation, ...]:
        """The looks that the value rests on."""
        return tuple(part.observation for part in self.value.parts if part.observation is not None)


class Answerer:
    """Answers questions about cash."""

    def __init__(
        self,
        rails: Mapping[str, Rail],
        store: FullStore,
        gateway: Gateway,
        decisions: DecisionLog,
        ambient: Ambient,
    ) -> None:
        self._resolver = CashResolver(rails, store, gateway, decisions, ambient, RailRole.CASH)
        self._store = store

    async def peek(
        self, firm: FirmId, business: BusinessId, question: Question
    ) -> tuple[Answer, tuple[ConnectionView, ...]]:
        """What would be decided now, and every login, removed ones too. `action` may be LOOK, WAIT or PAY: what asking would lead to."""
        found = await self._resolver.peek(firm, business, question)
        return await self._composed(firm, found), found.views

    async def ask(self, firm: FirmId, business: BusinessId, question: Question) -> Answer | Open:
        """An answer at once, or the needs that will bring it."""
        found = await self._resolver.ask(firm, business, question)
        return found if isinstance(found, Open) else await self._composed(firm, found)

    async def collect(
        self, firm: FirmId, business: BusinessId, open_: Open
    ) -> Answer | Open | None:
        """The answer if every need has been answered; None while one is missing."""
        found = await self._resolver.collect(firm, business, open_)
        return await self._composed(firm, found) if isinstance(found, Resolved) else found

    async def give_up(self, firm: FirmId, business: BusinessId, open_: Open) -> Answer:
        """An answer without reconcile's: nobody worked on the needs in time, so nothing may be decided on it."""
        return await self._composed(firm, await self._resolver.give_up(firm, business, open_))

    async def _composed(self, firm: FirmId, found: Resolved) -> Answer:
        return compose(found, await self._pending(firm, found.views))

    async def _pending(
        self, firm: FirmId, views: Sequence[ConnectionView]
    ) -> Mapping[AccountRef, Money]:
        """What is pending at accounts that count. Read only where a bank shows that something may be."""
        found: dict[AccountRef, Money] = {}
        for view in live(views):
            names = {a.remote_id for a in view.accounts if counted(a) and _may_have_pending(a)}
            if names:
                login = view.connection.id
                rows = await self._store.list_due(
                    firm, login, TRANSACTION, date.max, limit=PENDING_MAX
                )
                for name, amount in pending_of(rows, names).items():
                    found[login, name] = amount
        return found


class CashResolver(Resolver):
    """Decides on cash: also on the whole of it."""

    @override
    def hold(self, answer: Resolved) -> Decision | None:
        return held_cash(answer)


def held_cash(found: Resolved) -> Decision | None:
    """Why nothing may be decided on this cash, whatever is known of each login: it is nothing, or less than everything
    that counts, or nobody knows whether two accounts are one."""
    cash, rule = cash_of(found.views), "cash.nothing_counts"
    logins = live(found.views)
    reason = found.identified.holds
    if reason is not None:
        rule = "cash.same_account"
    elif logins and all(view.accounts for view in logins) and not cash.parts:
        reason = nothing_counts(found.identified)
        if any(_is_missing(one) for one in found.identified.accounts):
            rule = "cash.gone"  # it may be shown again
    elif unvalued := [p for p in cash.parts if p.observation is not None and p.amount is None]:
        rule, names = "cash.no_value", ", ".join(f"{p.name} ({p.mask})" for p in unvalued)
        reason = f"no {FIELD} balance is known of {names}, which counts as cash"
    if reason is None:
        return None
    held = f"held: {reason}"
    return Decision(Action.HOLD, rule, held, cash.as_of, label=held)


def _is_missing(one: BankAccount) -> bool:
    return one.role is Role.OPERATING and is_gone(one.speaking)


def nothing_counts(identified: Identified) -> str:
    """That no account counts as cash, and what each is instead."""
    roles = ", ".join(
        f"{one.name} is {'no longer shown' if is_gone(one.speaking) else one.role}"
        for one in identified.accounts[:NAMED_MAX]
    )
    more = "" if len(identified.accounts) <= NAMED_MAX else ", ..."
    return f"no account counts as cash ({roles}{more}); `rowcol account role` says what each is for"


def _may_have_pending(account: Account) -> bool:
    balance = None if account.latest is None else account.latest.balance
    return balance is not None and balance.available != balance.current


def compose(found: Resolved, pending: Mapping[AccountRef, Money] | None = None) -> Answer:
    """One answer from its parts: the worst action and the first reason of that action speak for the whole."""
    cash = cash_of(found.views)
    decision = found.speaking("no bank login is connected for this business")
    labels = list(found.labels)
    doubts = found.identified.doubts
    reason = decision.reason
    if found.held is None:
        if found.identified.holds:
            labels.append(found.identified.holds)
        if not cash.parts and found.parts and found.identified.accounts:
            reason = nothing_counts(found.identified)
            labels.append(reason)
    if cash.is_incomplete and cash.incomplete_reason:
        labels.append(cash.incomplete_reason)
    pending = pending or {}
    return Answer(
        business=found.business,
        question=found.question,
        value=cash,
        as_of=cash.as_of,
        action=decision.action,
        reason=reason,
        label="; ".join(dict.fromkeys(labels)) or None,
        cost=found.cost,
        calls=found.calls,
        parts=found.parts,
        policy=found.policy,
        answered_at=found.answered_at,
        records=found.records,
        logins=tuple(view.connection for view in found.views),
        accounts=found.identified.accounts,
        pending=pending,
        doubts=doubts,
        notes=tuple(_notes(found.identified, pending)),
    )


def _notes(identified: Identified, pending: Mapping[AccountRef, Money]) -> Iterator[str]:
    """Pending money, accounts that other businesses show as well, and doubts that change nothing."""
    for one in identified.accounts:
        if one.counts and (note := pending_note(one, pending)):
            yield note
    names = {ref: one.name for one in identified.accounts for ref in one.refs}
    said: set[str] = set()
    for shared in identified.shared:
        if shared.account in names:
            surely = "is" if shared.is_certain else "may be"
            told = f"{names[shared.account]} {surely} also an account of {shared.other_business}: each counts it{shared.ask}"
            if told not in said:
                said.add(told)
                yield told
    if rest := [doubt.reason for doubt in identified.doubts if not doubt.is_material]:
        many = f"{len(rest)} pairs of accounts may be one each: `rowcol account list` names them"
        yield f"the cash is the same either way, but {rest[0] if len(rest) == 1 else many}"


def pending_note(one: BankAccount, pending: Mapping[AccountRef, Money]) -> str | None:
    """What of an account's balance is on its way, said beside it; None where nothing is."""
    account = one.speaking
    balance = None if account.latest is None else account.latest.balance
    if balance is None or balance.current is None or balance.available == balance.current:
        return None
    waiting = pending.get((account.connection, account.remote_id))
    parts = [] if waiting is None else [f"{waiting} pending"]
    if balance.available is not None:
        parts.append(f"{balance.available} available")
    said = ", ".join(parts)
    return f"{one.name}: {said}; cash counts the {FIELD} {balance.current}" if said else None
