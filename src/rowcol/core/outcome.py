"""Outcome: the one table that says what each way a call can end means for the next one.

Outcome
|- OK
|- RESTART            a paged read changed under us: drop the pages, start over
|- NOT_READY          the rail has nothing yet
|- TRY_AGAIN          the rail failed on its side
|- RATE_LIMITED       we (or others on our keys) asked too often
|- INSTITUTION_*      the bank behind the rail fails or throttles
|- TOKEN_EXPIRED      renew the access token, then the same call once more
|- NOT_FOUND, CONFLICT  one row is not there, or was changed by somebody else: the rest goes on
|- NEEDS_PERSON, GONE, UNSUPPORTED, BAD_REQUEST, BAD_CREDENTIALS     parked until somebody acts
`- NOT_SENT, NO_ANSWER, UNREADABLE       nothing usable came back
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rowcol.core.evidence import Health
from rowcol.core.wire import NoAnswer, Silence


class Outcome(StrEnum):
    """How a call ended."""

    OK = "OK"
    RESTART = "RESTART"
    NOT_READY = "NOT_READY"
    TRY_AGAIN = "TRY_AGAIN"
    RATE_LIMITED = "RATE_LIMITED"
    INSTITUTION_THROTTLED = "INSTITUTION_THROTTLED"
    INSTITUTION_DOWN = "INSTITUTION_DOWN"
    NEEDS_PERSON = "NEEDS_PERSON"
    GONE = "GONE"
    UNSUPPORTED = "UNSUPPORTED"
    BAD_REQUEST = "BAD_REQUEST"
    BAD_CREDENTIALS = "BAD_CREDENTIALS"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 - an outcome, no secret
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    NOT_SENT = "NOT_SENT"
    NO_ANSWER = "NO_ANSWER"
    UNREADABLE = "UNREADABLE"


class Billed(StrEnum):
    """Whether the rail charges for a priced call that ended so."""

    NO = "NO"
    YES = "YES"
    POSSIBLY = "POSSIBLY"
    """It may have been done after we stopped listening: counted as spent, never retried by itself."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows from an outcome.

    `retry_after`: the first pause before a free call is tried again (doubled per repeat, at most an
    hour); None: not until something else changes. `health`: what the connection becomes, None:
    unchanged. `is_alarm`: an operator should hear of it.
    """

    retry_after: timedelta | None
    billed: Billed = Billed.NO
    health: Health | None = None
    is_alarm: bool = False


_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_AT_ONCE = timedelta(0)

RULES: dict[Outcome, Rule] = {
    Outcome.OK: Rule(_AT_ONCE, Billed.YES),
    Outcome.RESTART: Rule(_AT_ONCE),
    Outcome.NOT_READY: Rule(_MINUTE),
    Outcome.TRY_AGAIN: Rule(_MINUTE),
    Outcome.RATE_LIMITED: Rule(_MINUTE),
    Outcome.INSTITUTION_THROTTLED: Rule(10 * _MINUTE),
    Outcome.INSTITUTION_DOWN: Rule(_HOUR, health=Health.INSTITUTION_DOWN),
    Outcome.NEEDS_PERSON: Rule(None, health=Health.NEEDS_RECONNECT),
    Outcome.GONE: Rule(None, health=Health.RETIRED),
    Outcome.UNSUPPORTED: Rule(None, health=Health.UNSUPPORTED, is_alarm=True),
    Outcome.BAD_REQUEST: Rule(_HOUR, is_alarm=True),
    Outcome.BAD_CREDENTIALS: Rule(_HOUR, health=Health.MISCONFIGURED, is_alarm=True),
    Outcome.TOKEN_EXPIRED: Rule(_AT_ONCE),
    Outcome.NOT_FOUND: Rule(_MINUTE),
    Outcome.CONFLICT: Rule(_MINUTE),
    Outcome.NOT_SENT: Rule(_MINUTE),
    Outcome.NO_ANSWER: Rule(5 * _MINUTE, Billed.POSSIBLY),
    Outcome.UNREADABLE: Rule(10 * _MINUTE, Billed.POSSIBLY, is_alarm=True),
}
PAUSE_MAX = timedelta(hours=1)


def outcome_of_silence(answer: NoAnswer) -> Outcome:
    """What no answer means."""
    return Outcome.NOT_SENT if answer.silence is Silence.NOT_SENT else Outcome.NO_ANSWER


def retry_at(outcome: Outcome, failures: int, now: datetime) -> datetime | None:
    """When a free call that failed `failures` times in a row may be tried again; None: not by time alone."""
    pause = RULES[outcome].retry_after
    if pause is None:
        return None
    if outcome is Outcome.TOKEN_EXPIRED and failures > 1:  # a renewed one was refused too
        pause, failures = _MINUTE, failures - 1
    doublings = min(max(failures - 1, 0), 16)
    return now + min(pause * (1 << doublings), PAUSE_MAX)
