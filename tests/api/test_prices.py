"""Prices: an item is charged as its rail says; one that no rail charges is refused with those that are."""

import pytest

from rowcol.api.prices import per_of
from rowcol.core.refusal import BadInput
from rowcol.core.tariff import Per
from rowcol.rails.registry import RAILS


def test_an_item_is_charged_as_its_rail_says() -> None:
    assert per_of(RAILS, "plaid", "balance") is Per.CALL
    assert per_of(RAILS, "plaid", "connection") is Per.CONNECTION_MONTH


@pytest.mark.parametrize(("rail", "item"), [("plaid", "balanse"), ("nope", "balance")])
def test_an_item_that_nobody_charges_is_refused(rail: str, item: str) -> None:
    with pytest.raises(BadInput) as refused:
        per_of(RAILS, rail, item)
    assert "plaid/balance" in refused.value.what_to_do
