"""Sealing: whether this process's keys open what is sealed in the store. A different key file is told before it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import structlog

from rowcol.core.change import ConnectionView
from rowcol.core.evidence import Health
from rowcol.core.ids import FirmId
from rowcol.core.refusal import Unreadable
from rowcol.ports import FullStore, Vault

log = structlog.get_logger(__name__)

NOT_OPENED = "logins that the secret keys of this process do not open"
LOCKED = "the secret key does not open this login: restore the key that it was sealed with"
RESTORE = (
    "restore the key file from your backup (ROWCOL_SECRET_KEYS or rowcol.key), or add that key after the new one; "
    "do not run `rowcol init`, and connect nothing again"
)


def restore_of(sealed_at: datetime | None) -> str:
    """What to do; with the day on which the missing key was surely in use, if it is known."""
    that = "" if sealed_at is None else f" that was in use on {sealed_at:%Y-%m-%d}"
    return RESTORE.replace("the key file", f"the key file{that}")


def is_sealed(view: ConnectionView) -> bool:
    """Whether it has a token that is still of use."""
    return view.token is not None and view.connection.state.health is not Health.RETIRED


def is_locked(vault: Vault, view: ConnectionView) -> bool:
    """Whether none of the keys opens its token."""
    if view.token is None or not is_sealed(view):
        return False
    try:
        vault.open(view.token)
    except Unreadable:
        return True
    return False


async def tell_locked(vault: Vault, store: FullStore) -> int:
    """How many logins no key opens; a warning in the log where there are any."""
    locked = 0
    for firm in await store.list_firms():
        locked += len([view async for view in sealed(store, firm.id) if is_locked(vault, view)])
    if locked:
        log.warning("keys.locked", logins=locked, what_to_do=f"{RESTORE}; then restart")
    return locked


async def sealed(store: FullStore, firm: FirmId) -> AsyncIterator[ConnectionView]:
    """Every login of a firm that has a token."""
    for business in dict.fromkeys(row.business for row in await store.list_connections(firm)):
        for view in await store.read_business_views(firm, business):
            if is_sealed(view):
                yield view
