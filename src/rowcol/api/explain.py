"""Explain, as it goes over the wire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rowcol.api import lines, shapes
from rowcol.ports import Vault
from rowcol.services.explain import Explained


@dataclass(frozen=True, slots=True)
class ExplainOut:
    """Why an answer is what it is. `fresh_price_micros`: a live look now; `comes_free_at`: when none is needed.

    `connections`: logins at banks, `books`: those of books; `decisions` and `calls` are of both.
    """

    business: shapes.BusinessOut
    now: shapes.BalanceOut
    fresh_price_micros: int
    cannot_help: str | None
    comes_free_at: datetime | None
    connections: tuple[shapes.ConnectionOut, ...]
    books: tuple[shapes.ConnectionOut, ...]
    decisions: tuple[lines.DecisionOut, ...]
    calls: tuple[lines.CallOut, ...]


def explain_of(found: Explained, vault: Vault) -> ExplainOut:
    now = found.answer.answered_at
    return ExplainOut(
        business=shapes.business_of(found.business),
        now=shapes.balance_of(found.answer),
        fresh_price_micros=found.fresh_price.micros,
        cannot_help=found.cannot_help,
        comes_free_at=found.comes_free_at,
        connections=tuple(shapes.login_of(view, now, vault) for view in found.logins),
        books=tuple(shapes.login_of(view, now, vault) for view in found.books),
        decisions=tuple(lines.decision_of(d) for d in found.decisions),
        calls=tuple(lines.call_of(c) for c in found.calls),
    )
