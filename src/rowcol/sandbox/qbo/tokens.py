"""Tokens: consents, their refresh and access tokens, and when each dies.

Access tokens live an hour. A refresh within 24 h gives the same refresh token, later a new one, and the old one dies
after `Switches.rotation_grace_s`. A refresh token dies after 100 idle days, and in any case after five years.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from rowcol.sandbox.dice import Dice
from rowcol.sandbox.qbo.switches import Switches

ACCESS_LIFE_S: Final = 3_600
REFRESH_LIFE_S: Final = 8_726_400
"""As answers say, although docs speak of 100 days."""
IDLE_LIFE: Final = timedelta(days=100)
HARD_LIFE: Final = timedelta(days=5 * 365)
ROTATION: Final = timedelta(hours=24)
ACCOUNTING: Final = "com.intuit.quickbooks.accounting"
SCOPES: Final = frozenset(
    {ACCOUNTING, "com.intuit.quickbooks.payment", "openid", "profile", "email", "phone", "address"}
)
KEPT: Final = timedelta(days=1)
"""A dead access token is known for so long: it may still name what is to be revoked."""
_N_RENEWALS_KEPT: Final = 200_000
_SWEPT_FROM: Final = 1_000


@dataclass(slots=True)
class Grant:
    """What one click on the consent screen gave: one app, one realm."""

    client_id: str
    realm_id: str
    scopes: tuple[str, ...]
    granted_at: datetime
    refresh_token: str = ""
    rotated_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(slots=True)
class _Refresh:
    grant: Grant
    dies_at: datetime | None = None
    """None while it is the current one."""


@dataclass(slots=True)
class Access:
    """An access token."""

    grant: Grant
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Renewal:
    """One use of a refresh token. `outcome` is `ok` or `invalid_grant`."""

    at: datetime
    client_id: str
    realm_id: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Pair:
    """What the token endpoint hands out."""

    grant: Grant
    access_token: str
    refresh_token: str


@dataclass(slots=True)
class _Code:
    grant: Grant
    redirect_uri: str | None
    expires_at: datetime


@dataclass(slots=True)
class Tokens:
    """All of them."""

    dice: Dice
    switches: Switches
    grants: list[Grant] = field(default_factory=list)
    renewals: deque[Renewal] = field(default_factory=lambda: deque(maxlen=_N_RENEWALS_KEPT))
    _codes: dict[str, _Code] = field(default_factory=dict)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)
    _access: dict[str, Access] = field(default_factory=dict)
    _n_made: int = 0
    _swept_from: int = _SWEPT_FROM

    def __len__(self) -> int:
        """How many secrets are remembered."""
        return len(self._codes) + len(self._refresh) + len(self._access)

    def offer(self, grant: Grant, redirect_uri: str | None, now: datetime) -> str:
        """A code, good for one exchange."""
        self._codes = {key: one for key, one in self._codes.items() if one.expires_at >= now}
        code = self._new("AB1")
        expires_at = now + timedelta(seconds=self.switches.auth_code_life_s)
        self._codes[code] = _Code(grant, redirect_uri, expires_at)
        return code

    def exchange(
        self, code: str, client_id: str, redirect_uri: str | None, now: datetime
    ) -> Pair | None:
        """None for a code that is unknown, used, too old, or another app's."""
        found = self._codes.pop(code, None)
        if found is None or found.grant.client_id != client_id or now > found.expires_at:
            return None
        if found.redirect_uri is not None and found.redirect_uri != redirect_uri:
            return None
        grant = found.grant
        self.grants.append(grant)
        self._rotate(grant, now)
        grant.used_at = now
        return Pair(grant, self._new_access(grant, now), grant.refresh_token)

    def renew(self, refresh_token: str, client_id: str, now: datetime) -> Pair | None:
        """A new access token; None for `invalid_grant`. Both are kept in `renewals`."""
        found = self._refresh.get(refresh_token)
        realm_id = None if found is None else found.grant.realm_id
        if found is None or not self._is_alive(found, client_id, now):
            self.renewals.append(Renewal(now, client_id, realm_id, "invalid_grant"))
            return None
        grant = found.grant
        if found.dies_at is None and now - (grant.rotated_at or now) >= ROTATION:
            found.dies_at = now + timedelta(seconds=self.switches.rotation_grace_s)
            self._rotate(grant, now)
        grant.used_at = now
        self.renewals.append(Renewal(now, client_id, realm_id, "ok"))
        return Pair(grant, self._new_access(grant, now), grant.refresh_token)

    def realm_of(self, token: str) -> str | None:
        """The realm of a refresh token or code, living or not."""
        code = self._codes.get(token)
        if code is not None:
            return code.grant.realm_id
        found = self._refresh.get(token)
        return None if found is None else found.grant.realm_id

    def access(self, access_token: str, now: datetime) -> Access | None:
        """None when unknown, expired or disconnected."""
        found = self._access.get(access_token)
        if found is None or found.expires_at <= now or found.grant.revoked_at is not None:
            return None
        return found

    def revoke(self, token: str, client_id: str, now: datetime) -> bool:
        """End the app's access to the realm of a refresh or access token. False when the token is unknown."""
        refresh = self._refresh.get(token)
        access = self._access.get(token)
        grant = refresh.grant if refresh else access.grant if access else None
        if grant is None or grant.client_id != client_id or grant.revoked_at is not None:
            return False
        self.disconnect(grant.realm_id, now, client_id)
        return True

    def disconnect(self, realm_id: str, now: datetime, client_id: str | None = None) -> None:
        """All consents to a realm end, of one app or of all."""
        for grant in self.grants:
            if grant.realm_id == realm_id and client_id in {None, grant.client_id}:
                grant.revoked_at = grant.revoked_at or now

    def expire_access(self, realm_id: str, now: datetime) -> None:
        for access in self._access.values():
            if access.grant.realm_id == realm_id:
                access.expires_at = min(access.expires_at, now)

    def is_connected(self, client_id: str, realm_id: str) -> bool:
        """Whether the app has a consent for the realm that was exchanged and not ended."""
        return any(
            grant.realm_id == realm_id and grant.client_id == client_id and not grant.revoked_at
            for grant in self.grants
        )

    def _is_alive(self, found: _Refresh, client_id: str, now: datetime) -> bool:
        grant = found.grant
        if grant.client_id != client_id or grant.revoked_at is not None:
            return False
        if found.dies_at is not None and now >= found.dies_at:
            return False
        is_idle = now - (grant.used_at or grant.granted_at) > IDLE_LIFE
        return not is_idle and now - grant.granted_at < HARD_LIFE

    def _rotate(self, grant: Grant, now: datetime) -> None:
        grant.refresh_token = self._new("RT1")
        grant.rotated_at = now
        self._refresh[grant.refresh_token] = _Refresh(grant)
        self._sweep(now)

    def _new_access(self, grant: Grant, now: datetime) -> str:
        # All live equally long, so those that go first are in front.
        while self._access and next(iter(self._access.values())).expires_at + KEPT <= now:
            del self._access[next(iter(self._access))]
        token = self._new("eyJ")
        self._access[token] = Access(grant, now + timedelta(seconds=ACCESS_LIFE_S))
        return token

    def _sweep(self, now: datetime) -> None:
        """Forget refresh tokens that died long ago. Only now and then: it looks at all of them."""
        if len(self._refresh) <= self._swept_from:
            return
        self._refresh = {
            token: one
            for token, one in self._refresh.items()
            if one.dies_at is None or now - one.dies_at < IDLE_LIFE
        }
        self._swept_from = max(_SWEPT_FROM, 2 * len(self._refresh))

    def _new(self, kind: str) -> str:
        self._n_made += 1
        return f"{kind}{self.dice.ident(kind, self._n_made)}"
