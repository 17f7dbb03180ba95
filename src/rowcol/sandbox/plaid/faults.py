"""Faults: what is wrong right now. State only; the knobs that set it, with their table, are in `knobs`."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from rowcol.sandbox.plaid.catalog import Institution

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outage:
    """A bank answers nothing in [`starts_at`, `ends_at`): live calls fail with `code`, pulls fail."""

    institution_id: str
    starts_at: datetime
    ends_at: datetime
    code: str = "INSTITUTION_DOWN"


class Health(StrEnum):
    """What `/institutions/get_by_id` says of a bank besides what its outages say."""

    HEALTHY = "healthy"
    DELAYED = "delayed"
    UNKNOWN = "unknown"
    """Traffic is thin: `status` is null."""
    TRANSACTIONS_UNKNOWN = "transactions_unknown"


class Corruption(StrEnum):
    """How an answer that was already made, and maybe billed, is spoilt on its way out."""

    UNKNOWN_FIELDS = "unknown_fields"
    UNKNOWN_ENUMS = "unknown_enums"
    MISSING_KEYS = "missing_keys"
    WRONG_TYPES = "wrong_types"
    NAN = "nan"
    DUPLICATE_KEYS = "duplicate_keys"
    TRUNCATED = "truncated"
    HTML = "html"
    HUGE = "huge"
    SLOW_DRIP = "slow_drip"
    RESET = "reset"
    STATUS_500 = "status_500"
    STATUS_502 = "status_502"
    STATUS_503 = "status_503"


@dataclass(slots=True)
class _Charge(Generic[T]):
    value: T
    n_left: int


class Charges(Generic[T]):
    """Values that hold for the next n calls of a path, in the order they were set. `*` is any path."""

    def __init__(self) -> None:
        self._by_path: dict[str, deque[_Charge[T]]] = {}

    def load(self, path: str, value: T, n_calls: int) -> None:
        """The next `n_calls` calls of `path` meet `value`."""
        self._by_path.setdefault(path, deque()).append(_Charge(value, n_calls))

    def take(self, path: str) -> T | None:
        """What the call that happens now meets."""
        if not self._by_path:
            return None
        for key in (path, "*"):
            queue = self._by_path.get(key)
            if queue is None:
                continue
            charge = queue[0]
            charge.n_left -= 1
            if charge.n_left <= 0:
                queue.popleft()
            if not queue:
                del self._by_path[key]
            return charge.value
        return None

    def clear(self) -> None:
        """Forget everything that was loaded."""
        self._by_path.clear()

    def report(self) -> Mapping[str, list[str]]:
        """Path -> `value xN` that still wait."""
        return {
            path: [f"{charge.value} x{charge.n_left}" for charge in queue]
            for path, queue in self._by_path.items()
        }


@dataclass(slots=True)
class Faults:
    """Everything that is wrong with the environment; what is wrong with one Item is on the Item."""

    outages: list[Outage] = field(default_factory=list)
    throttled_until: dict[str, datetime] = field(default_factory=dict)
    """Institution -> until when it throttles Plaid on live calls."""
    health: dict[str, Health] = field(default_factory=dict)
    """Institution -> what its status page says."""
    forced_errors: Charges[str] = field(default_factory=Charges)
    corruptions: Charges[Corruption] = field(default_factory=Charges)

    def outage_code(self, institution: Institution, at: datetime) -> str | None:
        """Why the bank cannot be reached at `at`; None when it can."""
        if institution.down_code is not None:
            return institution.down_code
        for outage in self.outages:
            if (
                outage.institution_id == institution.institution_id
                and outage.starts_at <= at < outage.ends_at
            ):
                return outage.code
        return None

    def is_throttled(self, institution: Institution, at: datetime) -> bool:
        """Whether the bank throttles Plaid at `at`."""
        until = self.throttled_until.get(institution.institution_id)
        return until is not None and at < until

    def clear(self) -> None:
        """Nothing is wrong any more."""
        self.outages.clear()
        self.throttled_until.clear()
        self.health.clear()
        self.forced_errors.clear()
        self.corruptions.clear()
