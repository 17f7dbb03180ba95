"""People: who can sign in at which bank, and what the bank shows them.

Registered people come from `POST /_control/people`. Sandbox users are opened the first time they sign in at a bank and
found again the next time, so that a second Link meets the same accounts. Rules of Sandbox users: `users`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from rowcol.sandbox.plaid.catalog import Institution
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.items import Login
from rowcol.sandbox.plaid.tokens import Tokens
from rowcol.sandbox.plaid.users import (
    CUSTOM_USER,
    AccountPlan,
    accounts_of,
    raise_forced_error,
    require_password,
)
from rowcol.sandbox.world import World

DEFAULT_PASSWORD: Final = "pass_good"  # noqa: S105  (Plaid's documented Sandbox password)
_HISTORY_DAYS: Final = 730


class People:
    """Logins by bank and user name."""

    def __init__(self, world: World, tokens: Tokens) -> None:
        self._world = world
        self._tokens = tokens
        self._registered: dict[tuple[str, str], Login] = {}
        self._sandbox: dict[tuple[str, str, str], Login] = {}

    def logins(self) -> Iterable[Login]:
        """Every login that somebody can sign in to."""
        return (*self._registered.values(), *self._sandbox.values())

    def registered(self) -> Iterable[tuple[str, Login]]:
        """Bank and login of the registered people."""
        return [(bank_id, login) for (bank_id, _), login in self._registered.items()]

    def is_known(self, bank: Institution, username: str) -> bool:
        """Whether such a person is registered at the bank."""
        return (bank.institution_id, username) in self._registered

    def register(
        self, bank: Institution, username: str, password: str, account_ids: Sequence[str]
    ) -> Login:
        """A person with these world accounts, which others may hold, too."""
        login = Login(username, password, list(account_ids))
        self._registered[bank.institution_id, username] = login
        return login

    def sign_in(self, bank: Institution, username: str, password: str, now: datetime) -> Login:
        """The login. Raise INVALID_CREDENTIALS, or whatever the password or user name forces."""
        login = self._registered.get((bank.institution_id, username))
        if login is not None:
            self.verify(login, username, password)
            return login
        require_password(username, password)
        # What `user_custom` has is in its password, so another password is another login.
        key = (bank.institution_id, username, password if username == CUSTOM_USER else "")
        login = self._sandbox.get(key)
        if login is None:
            plans = accounts_of(username, password, now, _HISTORY_DAYS)
            login = Login(username, None, self.open(plans))
            self._sandbox[key] = login
        return login

    def verify(self, login: Login, username: str, password: str) -> None:
        """The person of this login signs in again. Raise like `sign_in`, or INVALID_UPDATED_USERNAME for somebody else."""
        if login.password is None:
            require_password(username, password)
        else:
            raise_forced_error(password)
            if password != login.password:
                raise PlaidError("INVALID_CREDENTIALS")
        if username != login.username:
            raise PlaidError("INVALID_UPDATED_USERNAME")

    def open(self, plans: Iterable[AccountPlan]) -> list[str]:
        """Open the accounts of a Sandbox user in the world."""
        login = self._tokens.new_guid("login")
        account_ids = []
        for n, plan in enumerate(plans):
            account_id = f"sandbox-{login}-{n}"
            self._world.open_account(account_id, plan.facts, plan.opening_minor, plan.postings)
            account_ids.append(account_id)
        return account_ids
