"""Quota: how many calls a key admits in a window, as GCRA: one timestamp per key, exact and durable."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class QuotaScope(StrEnum):
    """What a limit is counted over."""

    APP = "APP"
    COMPANY = "COMPANY"
    """The rail's own id of what is connected, whoever connected it: two firms at one company share it."""
    CONNECTION = "CONNECTION"
    INSTITUTION = "INSTITUTION"
    SOURCE_IP = "SOURCE_IP"


@dataclass(frozen=True, slots=True)
class QuotaRule:
    """A rail's limit: `limit` calls in any `period_s` seconds over `scope`. We run at half of it.

    `shared`: rules of that name are counted together over all endpoints; "" counts each endpoint alone.
    """

    scope: QuotaScope
    limit: int
    period_s: int
    shared: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """One counter to reserve from: its durable `key` and how many calls it admits.

    The promise: any half-open window of `period_us` holds at most `admitted` reservations.
    """

    key: str
    admitted: int
    period_us: int

    @property
    def burst(self) -> int:
        """Calls that may go out at once."""
        return self.admitted // 2 + 1

    @property
    def interval_us(self) -> int:
        """Time that one call uses up, rounded up so that rounding never admits one more."""
        return -(-self.period_us // (self.admitted - self.burst + 1))

    @property
    def full_us(self) -> int:
        """How far ahead of now a key's timestamp can be."""
        return self.burst * self.interval_us


def quota_of(rule: QuotaRule, key: str, share: float = 0.5) -> Quota:
    """The quota we hold ourselves to: `share` of the rail's limit, at least one call a window."""
    return Quota(key, max(1, int(rule.limit * share)), rule.period_s * 1_000_000)


def reserve(quota: Quota, tat_us: int | None, now_us: int) -> tuple[int, int | None]:
    """Ask for one call now. Return the key's next timestamp and None, or the old one and when to ask again.

    `tat_us` is the theoretical arrival time kept for the key, None when it was never used. A
    clock that ran backwards only makes us wait longer, never admits more; and no longer than for a full window, as
    a stamp further ahead than that is none of a clock that is right.
    """
    tat = now_us if tat_us is None else min(max(tat_us, now_us), now_us + quota.full_us)
    allowed_at = tat - (quota.burst - 1) * quota.interval_us
    if now_us < allowed_at:
        return tat, allowed_at
    return tat + quota.interval_us, None
