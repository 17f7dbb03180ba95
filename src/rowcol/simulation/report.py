"""Report: what a demo found, as one JSON object and as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rowcol.core.money import Cost, Money
from rowcol.core.text import clean_line
from rowcol.simulation.judge import Tally

if TYPE_CHECKING:
    from rich.console import Console

ENVIRONMENT = "emulated"


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One business at the end. `cost`: what its paid calls cost over all the weeks. `bills`: what its books say is
    to be paid, complete as of `books_as_of`; None where no books are connected."""

    business: str
    cash: Money | None
    as_of: datetime | None
    reason: str
    label: str | None
    cost: Cost
    bills: Money | None = None
    books_as_of: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """One row of `board`."""
        return {
            "business": self.business,
            "cash_minor": None if self.cash is None else self.cash.amount_minor,
            "currency": None if self.cash is None else self.cash.currency,
            "as_of": _iso(self.as_of),
            "reason": self.reason,
            "label": self.label,
            "cost_micros": self.cost.micros,
            "bills_minor": None if self.bills is None else self.bills.amount_minor,
            "books_as_of": _iso(self.books_as_of),
        }


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """One policy on the weeks. `billed_calls` is the emulator's own count, `paid_calls` our call log's."""

    policy: str
    business_weeks: int
    paid_calls: int
    billed_calls: int
    cost: Cost
    tally: Tally
    unanswered: int
    seconds: float

    @property
    def paid_calls_per_business_week(self) -> float:
        """The figure that the firm pays for."""
        return round(self.paid_calls / self.business_weeks, 4) if self.business_weeks else 0.0

    @property
    def is_bill_right(self) -> bool:
        """Whether our call log and the emulator's bill agree."""
        return self.paid_calls == self.billed_calls

    def to_json(self) -> dict[str, Any]:
        """One entry of `policies`."""
        return {
            "paid_calls_per_business_week": self.paid_calls_per_business_week,
            "cost_micros": self.cost.micros,
            "paid_calls": self.paid_calls,
            "billed_calls": self.billed_calls,
            **asdict(self.tally),
            "unanswered": self.unanswered,
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Everything that `rowcol demo` has to say."""

    seed: int
    businesses: int
    weeks: int
    starts_at: datetime
    ends_at: datetime
    source: str
    board: tuple[BoardRow, ...]
    policies: Mapping[str, PolicyResult]
    incidents: tuple[str, ...]
    books: Mapping[str, Any] = field(default_factory=dict)
    """What the same weeks of the firm's books cost and how fresh its decisions were: figures of `bench ledger`."""

    @property
    def errors(self) -> tuple[str, ...]:
        """What must never be: a bill that our log does not know, a question without an answer, a false as-of."""
        found = []
        for name, result in self.policies.items():
            if not result.is_bill_right:
                found.append(
                    f"{name}: the emulator billed {result.billed_calls} calls,"
                    f" our call log has {result.paid_calls}"
                )
            if result.unanswered:
                found.append(f"{name}: {result.unanswered} questions were never answered")
            if result.tally.false_as_of:
                found.append(
                    f"{name}: {result.tally.false_as_of} values were not true at their as-of"
                )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "environment": ENVIRONMENT,
            "seed": self.seed,
            "businesses": self.businesses,
            "weeks": self.weeks,
            "starts_at": _iso(self.starts_at),
            "ends_at": _iso(self.ends_at),
            "source": self.source,
            "board": [row.to_json() for row in self.board],
            "policies": {name: result.to_json() for name, result in self.policies.items()},
            "books": dict(self.books),
            "incidents": list(self.incidents),
            "errors": list(self.errors),
        }

    def render(self, console: Console) -> None:
        """The cash board, the summary of costs, and what went wrong on the way."""
        from rich.text import Text  # noqa: PLC0415 - slow to import

        console.print(self._board_table())
        console.print(self._cost_table())
        console.print(Text(self._saving()))
        console.print(Text(self._books()))
        for text in self.incidents:
            console.print(Text(f"- {text}", style="dim"))
        for text in self.errors:
            console.print(Text(f"ERROR {text}", style="bold red"))

    def _board_table(self) -> Any:
        from rich.table import Table  # noqa: PLC0415 - slow to import

        table = Table(
            title=f"Cash board at {self.ends_at:%Y-%m-%d %H:%M} UTC ({ENVIRONMENT})",
            title_justify="left",
        )
        for name in ("Business", "Cash", "As of (UTC)", "Bills open", "Reason", "Cost"):
            is_money = name in {"Cash", "Bills open", "Cost"}
            table.add_column(name, justify="right" if is_money else "left")
        for row in self.board:
            reason = row.reason if row.label is None else f"{row.reason} ({row.label})"
            table.add_row(
                _plain(row.business),
                "?" if row.cash is None else str(row.cash),
                "never" if row.as_of is None else f"{row.as_of:%m-%d %H:%M}",
                "" if row.bills is None else str(row.bills),
                _plain(reason),
                str(row.cost),
            )
        return table

    def _cost_table(self) -> Any:
        from rich.table import Table  # noqa: PLC0415 - slow to import

        table = Table(
            title=f"{self.businesses} businesses, {self.weeks} weeks, same questions, two policies",
            title_justify="left",
        )
        table.add_column("")
        for name in self.policies:
            table.add_column(name, justify="right")
        results = list(self.policies.values())
        lines: tuple[tuple[str, list[object]], ...] = (
            ("Paid calls", [r.paid_calls for r in results]),
            (
                "Paid calls per business and week",
                [f"{r.paid_calls_per_business_week:.2f}" for r in results],
            ),
            ("Cost (assumed prices)", [r.cost for r in results]),
            ("Questions", [r.tally.reads for r in results]),
            ("Decisions answered for free", [f"{r.tally.free_decisions_pct} %" for r in results]),
            ("Stale decisions", [r.tally.stale_decisions for r in results]),
            ("Labelled outside outages", [f"{r.tally.labelled_pct} %" for r in results]),
            ("Held", [r.tally.held for r in results]),
            ("Unverified in an outage", [r.tally.unverified_in_outage for r in results]),
            ("Waits", [r.tally.waited for r in results]),
            ("Wait, 95th percentile", [f"{r.tally.waited_minutes_p95:.0f} min" for r in results]),
        )
        for name, cells in lines:
            table.add_row(name, *map(str, cells))
        return table

    def _books(self) -> str:
        if not self.books:
            return ""
        calls, stale = (
            self.books["metered_calls_per_company_day"],
            self.books["stale_decision_reads_pct"],
        )
        return (
            f"The books: {calls:.2f} metered calls per company and day, {stale} % of decisions stale;"
            " polling seven entities every hour takes 168."
        )

    def _saving(self) -> str:
        ttl, evidence = self.policies.get("ttl"), self.policies.get("evidence")
        if ttl is None or evidence is None or not ttl.paid_calls:
            return ""
        saved = 1 - evidence.paid_calls / ttl.paid_calls
        return f"Looking at free evidence first saved {saved:.0%} of the paid calls."


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _plain(text: str) -> Any:
    from rich.text import Text  # noqa: PLC0415 - names from a file are no markup

    return Text(clean_line(text))
