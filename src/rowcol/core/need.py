"""Need: who asks, for which decision, by when. A need is a row; reconcile satisfies it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rowcol.core.ids import BusinessId, ConnectionId, FirmId, NeedId
from rowcol.core.refusal import BadInput


class Purpose(StrEnum):
    """The decision that an answer serves; it sets the freshness window."""

    RITUAL = "RITUAL"
    GUARDRAIL = "GUARDRAIL"
    VERIFY = "VERIFY"
    DISPLAY = "DISPLAY"
    FORCED = "FORCED"


class Trigger(StrEnum):
    """The recorded cause of a call."""

    PERSON = "PERSON"
    DELIVERY = "DELIVERY"
    RITUAL = "RITUAL"
    SWEEP = "SWEEP"
    REPAIR = "REPAIR"


@dataclass(frozen=True, slots=True)
class Standard:
    """What a purpose asks for: how old an answer may be, how long it may be waited for."""

    window: timedelta
    patience: timedelta
    is_decision: bool


STANDARDS = {
    Purpose.RITUAL: Standard(timedelta(hours=4), timedelta(hours=3), is_decision=True),
    Purpose.GUARDRAIL: Standard(timedelta(hours=1), timedelta(hours=3), is_decision=True),
    Purpose.VERIFY: Standard(timedelta(days=3), timedelta(days=3), is_decision=False),
    Purpose.DISPLAY: Standard(timedelta(hours=24), timedelta(0), is_decision=False),
    Purpose.FORCED: Standard(timedelta(hours=1), timedelta(0), is_decision=True),
}
"""docs/rails.md shows it as a table. A need may carry a tighter window or deadline than its purpose's."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question to the freshness policy.

    `is_confirmed`: a person has seen the price and asked for a live value all the same.
    `deadline`: the last moment at which the answer is of use; `asked_at` where nothing may wait.
    """

    purpose: Purpose
    asked_at: datetime
    window: timedelta
    deadline: datetime
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """A question put to one connection, kept until it is answered."""

    id: NeedId
    firm: FirmId
    business: BusinessId
    connection: ConnectionId
    question: Question
    check_at: datetime
    """When reconcile should look at it next; never later than the deadline."""


TRIGGERS = {
    Purpose.RITUAL: Trigger.RITUAL,
    Purpose.GUARDRAIL: Trigger.PERSON,
    Purpose.VERIFY: Trigger.SWEEP,
    Purpose.DISPLAY: Trigger.PERSON,
    Purpose.FORCED: Trigger.PERSON,
}

_PRIORITIES = {
    Purpose.FORCED: 0,
    Purpose.GUARDRAIL: 1,
    Purpose.DISPLAY: 2,
    Purpose.RITUAL: 3,
    Purpose.VERIFY: 4,
}


def priority_of(question: Question) -> tuple[int, datetime]:
    """Smaller goes first: people, then deadlines."""
    return _PRIORITIES[question.purpose], question.deadline


GRACE = timedelta(minutes=3)
"""How long past its deadline an answer is waited for, and worth money: the slowest live call and a lease taken over fit in."""
WAIT_MAX = timedelta(days=31)
"""Longer is no deadline."""


def question_of(
    purpose: Purpose,
    asked_at: datetime,
    *,
    deadline: datetime | None = None,
    is_confirmed: bool = False,
) -> Question:
    """The standard question of a purpose. A `deadline` before `asked_at` means at once, as always for a display: that
    waits for nothing. Raise `BadInput` past `WAIT_MAX`, and for one without an offset."""
    standard = STANDARDS[purpose]
    if deadline is not None and deadline.tzinfo is None:
        raise BadInput("the deadline has no offset from UTC", "name it with one, such as +00:00")
    if deadline is not None and deadline > asked_at + WAIT_MAX:
        raise BadInput(
            f"the deadline is more than {WAIT_MAX.days} days ahead", "name an earlier one"
        )
    latest = asked_at + standard.patience if deadline is None else max(deadline, asked_at)
    latest = asked_at if purpose is Purpose.DISPLAY else latest
    return Question(purpose, asked_at, standard.window, latest, is_confirmed)
