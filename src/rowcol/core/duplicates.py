"""Duplicates: whether what a person is about to connect is shown by a login already. Before the exchange, so nothing is billed.

The bank's own metadata is all there is by then: institution, and of each account mask, name and type.
"""

from __future__ import annotations

from collections.abc import Iterable

from rowcol.core.change import Account, ConnectionView
from rowcol.core.evidence import Health
from rowcol.core.rail import Shown, ShownAccount


def duplicate_of(shown: Shown, logins: Iterable[ConnectionView]) -> ConnectionView | None:
    """The login that shows one of these accounts already: same bank, equal type, equal mask; equal name where a mask is missing.

    Removed logins and closed accounts do not count. A login that was never looked at shows nothing yet.
    """
    for view in logins:
        row = view.connection
        if row.state.health is Health.RETIRED or not _is_same_bank(shown, view):
            continue
        if any(_is_alike(new, old) for new in shown.accounts for old in view.accounts):
            return view
    return None


def _is_same_bank(shown: Shown, view: ConnectionView) -> bool:
    row = view.connection
    if shown.institution and row.institution_id:
        return shown.institution == row.institution_id
    return bool(shown.institution_name) and _word(shown.institution_name) == _word(row.label)


def _is_alike(new: ShownAccount, old: Account) -> bool:
    if old.is_closed or _word(new.type) != _word(old.type):
        return False
    if new.mask and old.mask:
        return new.mask == old.mask
    return bool(_word(new.name)) and _word(new.name) == _word(old.name)


def _word(text: str) -> str:
    return " ".join(text.split()).casefold()
