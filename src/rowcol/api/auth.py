"""Auth: from a bearer token to its principal. A token is 256 random bits; only its SHA-256 is stored."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

from rowcol.api.roles import Principal, Role
from rowcol.core.refusal import Unauthorized
from rowcol.services.plane import OpenPlane

KEPT = timedelta(seconds=1)
"""How long a look-up is trusted: another process's revocation is seen within it, ours at once."""
KEPT_MAX = 10_000
_BEARER = b"bearer "


class Tokens:
    """Looks tokens up, with a small memory. Unknown ones are not remembered: they cost their sender a query."""

    def __init__(self, plane: OpenPlane) -> None:
        self._plane = plane
        self._kept: OrderedDict[str, tuple[Principal, datetime]] = OrderedDict()

    def kept(self, headers: Iterable[tuple[bytes, bytes]], now: datetime) -> Principal | None:
        """The principal, if there is exactly one token and it was looked up a moment ago."""
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or given[0][:7].lower() != _BEARER:
            return None
        found = self._kept.get(hashlib.sha256(given[0][7:]).hexdigest())
        return found[0] if found is not None and now < found[1] else None

    async def principal(self, headers: Iterable[tuple[bytes, bytes]]) -> Principal:
        """Raise `Unauthorized` unless there is exactly one valid token."""
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or given[0][:7].lower() != _BEARER:
            raise Unauthorized("no bearer token", "send `Authorization: Bearer <token>`")
        token_hash = hashlib.sha256(given[0][7:]).hexdigest()
        now = self._plane.clock.now()
        found = self._kept.get(token_hash)
        if found is not None and now < found[1]:
            return found[0]
        token = await self._plane.store.find_token(token_hash)
        if token is None or token.revoked_at is not None or token.role not in tuple(Role):
            self._kept.pop(token_hash, None)
            raise Unauthorized(
                "this token is unknown or revoked", "make one with `rowcol token create`"
            )
        principal = Principal(token.firm, Role(token.role), token.label)
        self._kept[token_hash] = (principal, now + KEPT)
        self._kept.move_to_end(token_hash)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return principal

    def forget(self, token_hash: str) -> None:
        """It was revoked here."""
        self._kept.pop(token_hash, None)
