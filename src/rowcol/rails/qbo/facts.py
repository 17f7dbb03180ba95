"""Facts: the rail's own small facts of a connection, by name, and the moves of a state that more than one reading makes.

| fact               | type | what                                                                     |
|--------------------|------|--------------------------------------------------------------------------|
| `institution_name` | str  | the company's name                                                       |
| `token`            | str  | `refused`: the access token was; `renewed`: and it was not used since; then how many new ones were refused in a row, and since when |
| `renewed_at`       | str  | when the access token was renewed last, on our clock                     |
| `consent_until`    | str  | when the consent ends whatever is done, on our clock                     |
| `is_read_only`     | bool | the subscription ended: reads work, writes do not                        |
| `gone`             | str  | names that the last answer said are gone: they were merged               |
| `changes_at`       | str  | QuickBooks' own time of the last read of changes; "" before the first one |
| `home_currency`    | str  | the company's own currency, as its preferences say; "": they say none    |
| `currency_asked_at` | str | when its preferences were asked for last, on our clock                   |
| `country`          | str  | the company's country, as `CompanyInfo` says                             |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rowcol.core.connection import ConnectionState

BOOKS = "books"
"""Scope of the coverage, and the stream that is staged and published."""
INSTITUTION_NAME, READ_ONLY = "institution_name", "is_read_only"
TOKEN, CHANGES_AT, GONE = "token", "changes_at", "gone"
TOKEN_REFUSED, TOKEN_RENEWED, RENEWED_AT = "refused", "renewed", "renewed_at"
CONSENT_UNTIL = "consent_until"
HOME_CURRENCY, CURRENCY_ASKED_AT, COUNTRY = "home_currency", "currency_asked_at", "country"
_READING = "reading."


def learnt(state: ConnectionState, facts: Mapping[str, str | int | bool | None]) -> ConnectionState:
    """The same with these facts."""
    return replace(state, facts={**state.facts, **facts})


def without(state: ConnectionState, name: str) -> ConnectionState:
    """The same without a fact."""
    if name not in state.facts:
        return state
    return replace(state, facts={k: v for k, v in state.facts.items() if k != name})


def word(state: ConnectionState, name: str) -> str:
    """A fact that is a text, "" while unknown."""
    value = state.facts.get(name)
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Token:
    """What happened to the access token, "" for nothing, how many new ones were refused in a row, and since when."""

    name: str = ""
    refused_new: int = 0
    since: datetime | None = None


def token(state: ConnectionState) -> Token:
    """The fact `token` taken apart."""
    name, *rest = word(state, TOKEN).split() or [""]
    return Token(name, int(rest[0]), moment(rest[1])) if len(rest) == 2 else Token(name)


def with_token(state: ConnectionState, token: Token) -> ConnectionState:
    """The same after that happened to it."""
    parts = [token.name]
    if token.since is not None:
        parts += [str(token.refused_new), token.since.isoformat()]
    return learnt(state, {TOKEN: " ".join(parts)})


def moment(text: str) -> datetime | None:
    """A time of ours, None for ""."""
    return datetime.fromisoformat(text) if text else None


def unmarked(name: str) -> str:
    """A mark as it was set, also while a reading is under way."""
    return name.removeprefix(_READING)


def begun(state: ConnectionState) -> ConnectionState:
    """The same at the start of a read of several calls: its marks are told from those set meanwhile."""
    return replace(
        state, dirty={f"{_READING}{k.removeprefix(_READING)}": v for k, v in state.dirty.items()}
    )


def ended(state: ConnectionState) -> ConnectionState:
    """The same at the end of it: what was marked meanwhile may not have been read, so it stays."""
    return replace(
        state, dirty={k: v for k, v in state.dirty.items() if not k.startswith(_READING)}
    )
