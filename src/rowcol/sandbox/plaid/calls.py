"""A call: one request that passed the gate, and the few questions every endpoint asks about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rowcol.sandbox.plaid.billing import LiveCall
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.items import Item, LinkedAccount
from rowcol.sandbox.plaid.shapes import item_shape


@dataclass(frozen=True, slots=True)
class Call:
    """A parsed and authenticated request. `body` has no nulls; `item` is set where a token was given."""

    emulator: PlaidEmulator
    path: str
    body: dict[str, Any]
    client_id: str
    now: datetime
    linked_item: Item | None
    address: str = ""
    """Where the client found the emulator, such as `http://127.0.0.1:8701`."""

    @property
    def item(self) -> Item:
        """The Item of the access token, which the gate has checked."""
        if self.linked_item is None:
            raise PlaidError("MISSING_FIELDS", "access_token")
        return self.linked_item

    @property
    def options(self) -> dict[str, Any]:
        """The `options` object."""
        options: dict[str, Any] = self.body.get("options", {})
        return options

    def show(self, item: Item) -> dict[str, Any]:
        """The Item as it stands beside accounts."""
        is_empty = self.emulator.switches.unset_webhook_is_empty
        return item_shape(item, has_empty_webhook=is_empty)

    def require_healthy_item(self) -> Item:
        """Raise the Item's own error if it is in one."""
        if self.item.error is not None:
            reason = self.item.error.get("error_code_reason")
            raise PlaidError(self.item.error["error_code"], reason=reason)
        return self.item

    def require_cache(self) -> Item:
        """Free data: whether a broken Item still has any is a switch."""
        if self.emulator.switches.broken_item_serves_cache and not self.item.is_revoked:
            return self.item
        return self.require_healthy_item()

    def require_live_contact(self) -> Item:
        """Raise whatever keeps Plaid from reaching the bank now.

        That a live call for `user_present_required` fails like a broken login is ours: "likely to fail" is all we know.
        """
        self._end_consent()
        item = self.require_healthy_item()
        if not item.accounts:
            raise PlaidError("NO_ACCOUNTS")
        if item.wish.is_manual:
            raise PlaidError("PRODUCTS_NOT_SUPPORTED", '["balance"]')
        emulator = self.emulator
        code = emulator.faults.outage_code(item.institution, self.now)
        if code is not None:
            raise PlaidError(code)
        if emulator.faults.is_throttled(item.institution, self.now):
            raise PlaidError("INSTITUTION_RATE_LIMIT")
        share = emulator.switches.live_failure_share
        if emulator.dice.chance(share, "live", item.item_id, emulator.n_requests):
            raise PlaidError("INSTITUTION_NOT_RESPONDING")
        if item.update_type == "user_present_required":
            raise PlaidError("ITEM_LOGIN_REQUIRED")
        return item

    def _end_consent(self) -> None:
        """A bank that is asked after the consent ended refuses, whether or not a pull found out before."""
        ends_at = self.item.consent_expiration_at
        if self.item.error is None and ends_at is not None and ends_at <= self.now:
            self.emulator.break_login(self.item, reason="OAUTH_CONSENT_EXPIRED")

    def record_paid(self) -> None:
        """The server succeeded, so the call is billed, whatever happens to the answer."""
        paid = LiveCall(self.now, self.client_id, self.item.item_id, self.path)
        self.emulator.billing.record_call(paid)

    def chosen_accounts(self) -> list[LinkedAccount]:
        """The accounts of `options.account_ids`, or all."""
        wanted = self.options.get("account_ids")
        if not self.item.accounts:
            raise PlaidError("NO_ACCOUNTS")
        if wanted == [] and not self.emulator.switches.empty_account_ids_mean_all:
            raise PlaidError("INVALID_FIELD", "options.account_ids must be an array, not empty")
        if not wanted:
            return list(self.item.accounts.values())
        if any(account_id not in self.item.accounts for account_id in wanted):
            raise PlaidError("INVALID_ACCOUNT_ID")
        return [account for key, account in self.item.accounts.items() if key in set(wanted)]


def parse_moment(text: object, name: str) -> datetime:
    """ISO 8601 with a zone, as the API demands."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise PlaidError("INVALID_FIELD", f"{name} must be an ISO 8601 datetime") from None
    if moment.tzinfo is None:
        raise PlaidError("INVALID_FIELD", f"{name} must have a time zone")
    return moment.astimezone(UTC)
