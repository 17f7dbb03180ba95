"""Institutions and how often Plaid looks at each: sandbox ones, and fifteen real ones as a workload needs them.

Ids that Plaid's documentation names: ins_109508-ins_109512, ins_130016, ins_127287, ins_132361, ins_132363, ins_133402, ins_128026,
ins_136439, ins_56, ins_13, ins_127990. The other ids are from memory. Pulls a day are ours: 1-4, mean 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from rowcol.sandbox.dice import Dice

CAPITAL_ONE: Final = "ins_128026"
APPLE_CARD: Final = "ins_136439"
PERSISTENT_ID_INSTITUTIONS: Final = frozenset({"ins_56", "ins_13", "ins_127990", "ins_127287"})
ACCOUNT_REVOKED_INSTITUTIONS: Final = frozenset({"ins_56", "ins_13"})
"""Banks that tell when a person withdraws one account: PNC, in newer text also Chase (and Truist, which is not here)."""
ONE_ITEM_INSTITUTIONS: Final = frozenset({"ins_56", "ins_13", "ins_15", "ins_11"})
"""Chase, PNC, Navy Federal, Schwab: an account linked again breaks the older Item (docs "Duplicate Items")."""

_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Institution:
    """A bank and Plaid's manner with it."""

    institution_id: str
    name: str
    refreshes_per_day: float = 2.0
    refresh_jitter_s: float = 2_400.0
    refresh_failure_share: float = 0.02
    is_oauth: bool = False
    down_code: str | None = None
    """Answered on every live contact and on linking."""
    is_degraded: bool = False

    def next_pull_at(self, item_id: str, after: datetime, dice: Dice) -> datetime:
        """The first scheduled pull of this Item strictly after `after`.

        Slots are evenly spread from a phase of the Item's own; each is moved by its own jitter, always less than half
        a slot, so the order of slots holds and no state is kept.
        """
        period_s = _DAY_S / self.refreshes_per_day
        jitter_s = min(self.refresh_jitter_s, period_s * 0.49)
        phase_s = dice.unit("phase", item_id) * period_s
        slot = int(((after - _EPOCH).total_seconds() - phase_s) // period_s)
        while True:
            shift_s = jitter_s * (2 * dice.unit("jitter", item_id, slot) - 1)
            at = _EPOCH + timedelta(seconds=round(phase_s + slot * period_s + shift_s))
            if at > after:
                return at
            slot += 1


_SANDBOX: Final = (
    Institution("ins_109508", "First Platypus Bank"),
    Institution("ins_109509", "First Gingham Credit Union"),
    Institution("ins_109510", "Tattersall Federal Credit Union"),
    Institution("ins_109511", "Tartan Bank"),
    Institution("ins_109512", "Houndstooth Bank"),
    Institution("ins_130016", "First Platypus Balance Bank"),
    Institution("ins_127287", "Platypus OAuth Bank", is_oauth=True),
    Institution("ins_132363", "Degraded Bank", refresh_failure_share=0.5, is_degraded=True),
    Institution("ins_132361", "Down Bank", down_code="INSTITUTION_DOWN"),
    Institution("ins_133402", "Unsupported Bank", down_code="INSTITUTION_NO_LONGER_SUPPORTED"),
    Institution(APPLE_CARD, "Apple Card", refreshes_per_day=1, is_oauth=True),
    Institution("ins_11", "Charles Schwab", refreshes_per_day=1, is_oauth=True),
)
REAL_INSTITUTIONS: Final = (
    Institution("ins_56", "Chase", 4, is_oauth=True),
    Institution("ins_127989", "Bank of America", 3, is_oauth=True),
    Institution("ins_127991", "Wells Fargo", 3, is_oauth=True),
    Institution(CAPITAL_ONE, "Capital One", 2, is_oauth=True),
    Institution("ins_13", "PNC", 3, is_oauth=True),
    Institution("ins_127990", "U.S. Bank", 2, is_oauth=True),
    Institution("ins_5", "Citibank", 2, is_oauth=True),
    Institution("ins_10", "American Express", 2, is_oauth=True),
    Institution("ins_14", "TD Bank", 2, is_oauth=True),
    Institution("ins_7", "USAA", 2, is_oauth=True),
    Institution("ins_15", "Navy Federal Credit Union", 2, is_oauth=True),
    Institution("ins_19", "Regions Bank", 2),
    Institution("ins_20", "Citizens Bank", 1),
    Institution("ins_21", "Huntington Bank", 1),
    Institution("ins_2", "BB&T", 1),
)
INSTITUTIONS: Final = {bank.institution_id: bank for bank in (*_SANDBOX, *REAL_INSTITUTIONS)}
