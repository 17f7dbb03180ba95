"""Wire values: what a rail wants sent and what came back. Sending is `adapters/http`, nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_DELIVERY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` is relative to the app's base URL; `headers` may hold secrets (never logged)."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer, whole. `sent_at` is when the request left: a live value is true from then on."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    sent_at: datetime
    received_at: datetime


class Silence(StrEnum):
    """Why no whole answer came."""

    NOT_SENT = "NOT_SENT"
    """Connection refused, name not found, no connection of ours free in time: the rail saw nothing, nothing is billed."""
    TIMEOUT = "TIMEOUT"
    """Sent, no answer in time: it may have been done, and billed."""
    BROKEN = "BROKEN"
    """Sent, then the connection broke: it may have been done, and billed."""
    TOO_LARGE = "TOO_LARGE"
    """The answer passed `MAX_ANSWER_BYTES`; it was done, and may be billed."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The request got no whole answer."""

    silence: Silence
    sent_at: datetime
    received_at: datetime

    @property
    def is_possibly_done(self) -> bool:
        """Whether the rail may have carried the request out."""
        return self.silence is not Silence.NOT_SENT


@dataclass(frozen=True, slots=True)
class RawDelivery:
    """A webhook as it came in, before anything was parsed. Header names are lower case."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime
