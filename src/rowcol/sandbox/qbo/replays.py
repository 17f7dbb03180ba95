"""Replays: a repeated `requestid` gets the answer of the first time, and has no second effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.switches import Switches

LENGTH_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class _Kept:
    at: datetime
    content: bytes
    answer: bytes


@dataclass(slots=True)
class Replays:
    """Answers of successful writes by realm and request id."""

    switches: Switches
    kept_max: int | None = None
    """How many answers are kept, the latest ones; None: all."""
    _kept: dict[tuple[str, str], _Kept] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, realm_id: str, request_id: str, content: bytes, now: datetime) -> bytes | None:
        """The earlier answer. Raise 600 when the id came with another content."""
        if len(request_id) > LENGTH_MAX:
            raise QboError("2050", "requestid", element="requestid")
        kept = self._kept.get((realm_id, request_id))
        if kept is None or self._is_over(kept, now):
            return None
        if kept.content != content:
            raise QboError("600", request_id)
        return kept.answer

    def keep(
        self, realm_id: str, request_id: str, content: bytes, answer: bytes, now: datetime
    ) -> None:
        self._kept.pop((realm_id, request_id), None)
        self._kept[realm_id, request_id] = _Kept(now, content, answer)
        # They lie in the order of their times, so what is to go is in front.
        while self._is_too_much(now):
            del self._kept[next(iter(self._kept))]

    def _is_too_much(self, now: datetime) -> bool:
        if self.kept_max is not None and len(self._kept) > self.kept_max:
            return True
        return self._is_over(next(iter(self._kept.values())), now)

    def _is_over(self, kept: _Kept, now: datetime) -> bool:
        retention_s = self.switches.requestid_retention_s
        return retention_s is not None and (now - kept.at).total_seconds() > retention_s
