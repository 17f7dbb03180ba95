"""The Sandbox user `user_transactions_dynamic`: an account on which each refresh makes something happen.

50 pending and posted transactions at first; each refresh adds new pending ones, posts all old pending ones and adds
$1.00 to one old amount (docs "Transactions data", 7 Mar 2026).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from rowcol.sandbox.plaid.items import Item
from rowcol.sandbox.world import Posting

DYNAMIC_USER: Final = "user_transactions_dynamic"
_N_NEW: Final = 3
_SETTLES: Final = timedelta(days=400)
_ONE_DOLLAR_MINOR: Final = 100


def seed_postings(now: datetime, n: int = 50) -> list[Posting]:
    """`n` postings of the last weeks, every tenth still pending."""
    postings = []
    for k in range(n):
        at = now - timedelta(hours=12 * (k + 1))
        amount_minor = -(500 + 37 * k)
        if k % 10 == 0:
            postings.append(Posting(f"seed{k}", now + _SETTLES, amount_minor, f"Purchase {k}", at))
        else:
            postings.append(Posting(f"seed{k}", at, amount_minor, f"Purchase {k}"))
    return postings


def stir(item: Item, now: datetime) -> None:
    """New pending ones, old pending ones posted, one amount changed; the next pull sees it."""
    ledger = next(iter(item.accounts.values())).ledger
    old = list(ledger.postings_between(now - _SETTLES, now))
    for posting in ledger.pending_at(now):
        ledger.settle(posting.posting_id, now)
    if old:
        ledger.amend(old[0].posting_id, old[0].amount_minor - _ONE_DOLLAR_MINOR)
    item.n_made += 1
    for k in range(_N_NEW):
        posting_id = f"dynamic{item.n_made}-{k}"
        text = f"Purchase {posting_id}"
        ledger.append(Posting(posting_id, now + _SETTLES, -(700 + k), text, now))
