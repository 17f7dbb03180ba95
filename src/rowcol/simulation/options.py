"""Options: what a demo simulates, as a value, and the workload that it describes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from rowcol.core.refusal import BadInput
from rowcol.simulation.traced import traced
from rowcol.simulation.workload import FIRST_DAY, Workload, synthetic

BUSINESSES_MAX: Final = 2_000
WEEKS_MAX: Final = 52
SYNTHETIC: Final = "workload.toml"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """With `transactions` each account of that file is a business, and `businesses` is not used.

    `first`: the first measured day. `port`: where the service listens, 0 for a free one.
    """

    seed: int = 1
    businesses: int = 25
    weeks: int = 4
    transactions: Path | None = None
    first: date | None = None
    port: int = 0

    @property
    def source(self) -> str:
        """Where the truth comes from, for the report."""
        return SYNTHETIC if self.transactions is None else self.transactions.name


def workload_of(options: DemoOptions) -> Workload:
    """The firm that the options describe. Raise `BadInput`."""
    if not 1 <= options.weeks <= WEEKS_MAX:
        raise BadInput(f"{options.weeks} weeks", f"choose 1 to {WEEKS_MAX}")
    if options.transactions is not None:
        return traced(
            options.transactions, seed=options.seed, weeks=options.weeks, first=options.first
        )
    if not 1 <= options.businesses <= BUSINESSES_MAX:
        raise BadInput(f"{options.businesses} businesses", f"choose 1 to {BUSINESSES_MAX}")
    return synthetic(
        options.seed,
        businesses=options.businesses,
        weeks=options.weeks,
        first=options.first or FIRST_DAY,
    )
