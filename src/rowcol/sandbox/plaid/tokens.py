"""Tokens: who may open which Item, and the offers that wait for their exchange."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rowcol.sandbox.dice import Dice
from rowcol.sandbox.plaid.items import Item, LinkWish, Login

PUBLIC_TOKEN_LIFE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Offer:
    """A finished Link session at some world accounts."""

    offered_at: datetime
    wish: LinkWish
    account_ids: tuple[str, ...]
    login: Login | None = None
    """None when no person signed in: the Item's login shows exactly these accounts."""
    item_id: str | None = None
    """The Item's id where it was promised already: Link names account ids before the exchange."""


class Tokens:
    """`access-<environment>-<uuid>` and its relatives. An offer is good for 30 min and one exchange."""

    def __init__(self, dice: Dice, environment: str) -> None:
        self._dice = dice
        self._environment = environment
        self._n_made = 0
        self._offers: dict[str, Offer] = {}
        self._item_by_token: dict[str, Item] = {}

    def new(self, kind: str) -> str:
        """A token of this kind, never seen before."""
        return f"{kind}-{self._environment}-{self.new_guid(kind)}"

    def new_guid(self, kind: str) -> str:
        """The nth id of this kind."""
        self._n_made += 1
        return self._dice.guid(kind, self._n_made)

    def offer(self, offer: Offer) -> str:
        """A public token for a finished session."""
        token = self.new("public")
        self._offers[token] = offer
        return token

    def redeem(self, public_token: str, now: datetime) -> Offer | None:
        """None when unknown, used or expired."""
        offer = self._offers.pop(public_token, None)
        if offer is None or now > offer.offered_at + PUBLIC_TOKEN_LIFE:
            return None
        return offer

    def item_of(self, access_token: str) -> Item | None:
        """None when no Item has this token now. A removed Item keeps its last one."""
        return self._item_by_token.get(access_token)

    def issue(self, item: Item) -> str:
        """A new access token for the Item; an earlier one dies at once."""
        self._item_by_token.pop(item.access_token, None)
        item.access_token = self.new("access")
        self._item_by_token[item.access_token] = item
        return item.access_token
