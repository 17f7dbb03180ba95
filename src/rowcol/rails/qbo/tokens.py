"""Tokens: what a grant is, as the text that the engine keeps sealed. Access lasts an hour, refresh 100 days from its last use.

`{"access_token": "..", "refresh_token": "..", "access_expires_at": "2026-11-25T13:00:00+00:00",
"refresh_expires_at": "..", "hard_expires_at": "", "renewed_at": ".."}`; times are ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from typing_extensions import override

from rowcol.rails.qbo.records import TokenAnswer

ACCESS_S = 3_600
"""Where an answer does not say."""
REFRESH_S = 100 * 86_400
EARLY = timedelta(minutes=5)
"""An access token that ends within this is renewed before it is used."""
_LIFE_S_MAX = 20 * 366 * 86_400


class Tokens(msgspec.Struct, frozen=True):
    """One company's tokens. Never shown."""

    access_token: str
    refresh_token: str
    access_expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    hard_expires_at: datetime | None = None
    renewed_at: datetime | None = None

    @override
    def __repr__(self) -> str:
        """Never the tokens."""
        return "Tokens(...)"


_decoder = msgspec.json.Decoder(Tokens)
NONE = Tokens("", "")


def parse(token: str | None) -> Tokens:
    """The tokens in a stored text; empty ones where it is none, which the rail then refuses."""
    try:
        return NONE if token is None else _decoder.decode(token)
    except (ValueError, RecursionError):
        return NONE


def build(answer: TokenAnswer, old: Tokens, sent_at: datetime) -> str:
    """The text to keep. Lives count from when the request left; without a new refresh token the old one stays."""
    refresh_token = answer.refresh_token or old.refresh_token
    hard_s = _seconds(answer.x_refresh_token_hard_expires_in)
    made = Tokens(
        answer.access_token,
        refresh_token,
        sent_at + timedelta(seconds=_seconds(answer.expires_in) or ACCESS_S),
        sent_at + timedelta(seconds=_seconds(answer.x_refresh_token_expires_in) or REFRESH_S),
        old.hard_expires_at if hard_s is None else sent_at + timedelta(seconds=hard_s),
        sent_at,
    )
    return msgspec.json.encode(made).decode()


def is_ending(token: str, now: datetime) -> bool:
    """Whether it has to be renewed before it is used."""
    its = parse(token)
    ends_at, renewed_at = its.access_expires_at, its.renewed_at
    if renewed_at is not None and renewed_at > now + EARLY:  # by a clock that ran ahead
        return True
    return ends_at is None or ends_at.tzinfo is None or ends_at - now < EARLY


def _seconds(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return int(value) if 0 < value < _LIFE_S_MAX else None
