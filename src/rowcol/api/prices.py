"""Prices: a firm's own price book, held against what the rails charge for: a misspelt item would be ignored in silence."""

from __future__ import annotations

from collections.abc import Mapping

from rowcol.core.rail import Rail
from rowcol.core.refusal import BadInput
from rowcol.core.tariff import Per


def per_of(rails: Mapping[str, Rail], rail: str, item: str) -> Per:
    """What the rail charges this item for: each call, or each month of a login. Raise `BadInput` for what it has no price of."""
    known = {(p.rail, p.item): p.per for r in rails.values() for p in r.spec.prices}
    found = known.get((rail, item))
    if found is None:
        items = ", ".join(f"{of}/{what}" for of, what in sorted(known))
        raise BadInput(f"there is no price of {rail}/{item}", f"items: {items or 'none'}")
    return found
