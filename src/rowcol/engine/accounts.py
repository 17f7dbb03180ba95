"""Accounts: which of a business's accounts are one, read from the store. The rule is in `core/identity`."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence

from rowcol.core.change import ConnectionView
from rowcol.core.identity import (
    AccountRef,
    Identified,
    Postings,
    identify,
    unread_postings,
)
from rowcol.core.ids import BusinessId, ConnectionId, FirmId
from rowcol.ports import Store

KEPT_MAX = 256
"""Logins whose postings are kept in memory, until their stream of changes goes on."""

_Key = tuple[ConnectionId, str, frozenset[str]]


class AccountReader:
    """Reads what people said and, where nothing else decides, the postings of accounts that may be one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[_Key, Mapping[str, Postings]] = OrderedDict()

    async def identified(
        self, firm: FirmId, business: BusinessId, views: Sequence[ConnectionView]
    ) -> Identified:
        """Two statements for most businesses. `views`: all bank logins of the business, removed ones too."""
        if not any(view.accounts for view in views):
            return Identified(tuple(views))
        ties = await self._store.read_ties(firm, business)
        wanted: defaultdict[ConnectionId, set[str]] = defaultdict(set)
        for connection, account in unread_postings(views, ties):
            wanted[connection].add(account)
        postings: dict[AccountRef, Postings] = {}
        for view in views:
            accounts = frozenset(wanted.get(view.connection.id, ()))
            if accounts:
                found = await self._postings(firm, view, accounts)
                postings.update({(view.connection.id, a): p for a, p in found.items()})
        return identify(views, ties, postings)

    async def _postings(
        self, firm: FirmId, view: ConnectionView, accounts: frozenset[str]
    ) -> Mapping[str, Postings]:
        key = (view.connection.id, view.connection.state.cursor, accounts)
        if key not in self._kept:
            self._kept[key] = await self._store.read_postings(firm, view.connection.id, accounts)
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return self._kept[key]
