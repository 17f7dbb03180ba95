"""The Plaid emulator: Items over a world, background pulls, webhooks, limits and bills under one injected clock.

State and events only. The HTTP face is `app`, one file per family of endpoints; fault knobs are in `knobs`.
Start with `PlaidEmulator.run_due`: whoever owns the clock calls it (or `running.run_forever`), and equal seeds give
equal histories.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from rowcol.ports import Clock
from rowcol.sandbox.delivery import WebhookSender
from rowcol.sandbox.dice import Bits, Dice
from rowcol.sandbox.plaid import pulls
from rowcol.sandbox.plaid.agenda import Agenda, EventKind
from rowcol.sandbox.plaid.billing import Billing, Prices
from rowcol.sandbox.plaid.catalog import (
    ACCOUNT_REVOKED_INSTITUTIONS,
    INSTITUTIONS,
    ONE_ITEM_INSTITUTIONS,
    Institution,
)
from rowcol.sandbox.plaid.errors import item_error
from rowcol.sandbox.plaid.faults import Faults
from rowcol.sandbox.plaid.items import (
    NOTICE_AHEAD,
    Item,
    LinkWish,
    Login,
    consent_end,
    linked,
)
from rowcol.sandbox.plaid.limits import RateLimits
from rowcol.sandbox.plaid.link_tokens import LinkToken, LinkTokens
from rowcol.sandbox.plaid.people import People
from rowcol.sandbox.plaid.shapes import pending_disconnect_shape
from rowcol.sandbox.plaid.signing import KeyRing
from rowcol.sandbox.plaid.switches import Switches
from rowcol.sandbox.plaid.tokens import Offer, Tokens
from rowcol.sandbox.plaid.webhooks import Outbox
from rowcol.sandbox.world import World

DEFAULT_CLIENTS: Final[Mapping[str, str]] = {"sandbox-client": "sandbox-secret"}
ENVIRONMENT: Final = "sandbox"
_LONG_BROKEN: Final = timedelta(hours=24)
_TRY_AGAIN: Final = timedelta(minutes=10)


class PlaidEmulator:
    """One Plaid environment, shared by all its clients."""

    def __init__(  # noqa: PLR0913  (the composition root of a whole rail)
        self,
        world: World,
        clock: Clock,
        rng: Bits,
        switches: Switches,
        send: WebhookSender,
        *,
        prices: Prices | None = None,
        clients: Mapping[str, str] = DEFAULT_CLIENTS,
        wire_clock: Clock | None = None,
        institutions: Mapping[str, Institution] = INSTITUTIONS,
    ) -> None:
        self.world = world
        self.clock = clock
        self.switches = switches
        self.clients = dict(clients)
        self.institutions = dict(institutions)
        self.dice = Dice(rng)
        self.wire_clock = wire_clock or clock
        """The time of those who verify webhooks: another one where emulated time runs faster."""
        self.keys = KeyRing(self.dice, self.wire_clock.now())
        self.tokens = Tokens(self.dice, ENVIRONMENT)
        self.link_tokens = LinkTokens(self.dice)
        self.people = People(world, self.tokens)
        self.outbox = Outbox(clock, self.wire_clock, self.keys, send, self.dice, switches)
        self.limits = RateLimits(switches)
        self.billing = Billing(prices or Prices())
        self.faults = Faults()
        self.items: dict[str, Item] = {}
        self.agenda = Agenda(self.items)
        self.n_requests = 0
        self.stirred = asyncio.Event()
        """Set whenever something new was planned; `running.run_forever` waits on it."""

    # Linking

    def offer(self, wish: LinkWish, account_ids: Sequence[str]) -> str:
        """A person finished Link at these world accounts: a public token, good for 30 min and one exchange."""
        return self.tokens.offer(Offer(self.clock.now(), wish, tuple(account_ids)))

    def exchange(self, public_token: str) -> Item | None:
        """The Item of a public token, made now; None when the token is unknown, used or too old."""
        offer = self.tokens.redeem(public_token, self.clock.now())
        return None if offer is None else self._create(offer)

    def create_item(
        self, wish: LinkWish, account_ids: Sequence[str], *, is_ready: bool = False
    ) -> Item:
        """Link world accounts. Balances are fresh at once; transactions come later unless `is_ready`."""
        offer = Offer(self.clock.now(), wish, tuple(account_ids))
        return self._create(offer, is_ready=is_ready)

    def new_item_id(self) -> str:
        """The id that the next Item will have."""
        return self.dice.ident(self.tokens.new_guid("item"))

    def account_ids(self, item_id: str, n: int) -> list[str]:
        """The ids of the `n` accounts with which this Item begins."""
        return [self.dice.ident("account", item_id, k) for k in range(n)]

    def _create(self, offer: Offer, *, is_ready: bool = False) -> Item:
        now, wish = self.clock.now(), offer.wish
        item_id = offer.item_id or self.new_item_id()
        ledgers = [self.world.ledger(account_id) for account_id in offer.account_ids]
        item = Item(
            item_id=item_id,
            wish=wish,
            access_token="",
            created_at=now,
            accounts=linked(ledgers, self.account_ids(item_id, len(ledgers))),
            webhook=wish.webhook,
            products=set(wish.products),
            login=offer.login or Login(wish.username, None, list(offer.account_ids)),
        )
        self.items[item_id] = item
        self.tokens.issue(item)
        self.set_consent_end(item, consent_end(wish, now))
        pulls.copy_balances(item, now)
        if item.has_transactions:
            self.subscribe(item, is_ready=is_ready)
        if self.switches.duplicate_breaks_older:
            self._break_duplicates(item)
        return item

    def _break_duplicates(self, item: Item) -> None:
        if item.institution.institution_id not in ONE_ITEM_INSTITUTIONS:
            return
        for other in self.items.values():
            is_same = (other.wish.client_id, other.institution) == (
                item.wish.client_id,
                item.institution,
            )
            is_alive = other.removed_at is None and other.error is None
            if other is not item and is_same and is_alive and other.shared_ids & item.shared_ids:
                self.break_login(other)

    def subscribe(self, item: Item, *, is_ready: bool = False) -> None:
        """Add Transactions, and its bill, to an Item."""
        now = self.clock.now()
        item.products.add("transactions")
        item.subscribed_at = now
        self.billing.subscribe(item.wish.client_id, item.item_id, now)
        if is_ready:
            self._first_update(item, now)
            self._historical_update(item, now)
            return
        initial_at = now + timedelta(seconds=self.switches.initial_update_s)
        historical_at = now + timedelta(seconds=self.switches.historical_update_s)
        self._plan(initial_at, EventKind.INITIAL, item)
        self._plan(historical_at, EventKind.HISTORICAL, item)

    def remove(self, item: Item) -> None:
        """End the Item and its bill. The token stays known, so that its use says ITEM_NOT_FOUND."""
        item.removed_at = self.clock.now()
        self.billing.end(item.item_id, item.removed_at)

    # Health

    def break_login(
        self, item: Item, code: str = "ITEM_LOGIN_REQUIRED", reason: str | None = None
    ) -> None:
        """The Item enters an error state: no more pulls, ITEM/ERROR is sent. A revoked one stays revoked."""
        if item.is_revoked:
            return
        item.error = item_error(code, reason)
        item.broken_at = item.last_failed_update_at = self.clock.now()
        item.next_pull_at = None
        self.notify(item, "ITEM", "ERROR", {"error": item.error})

    def repair(self, item: Item) -> None:
        """The login works again and not by update mode here: LOGIN_REPAIRED, if it was in ITEM_LOGIN_REQUIRED (spec)."""
        was_required = item.error is not None and item.error["error_code"] == "ITEM_LOGIN_REQUIRED"
        self.reconnect(item)
        if was_required:
            self.notify(item, "ITEM", "LOGIN_REPAIRED")

    def reconnect(self, item: Item, account_ids: Sequence[str] | None = None) -> None:
        """The person went through update mode; with `account_ids` of the world they chose what to share.

        The error is gone, consent is renewed, nothing is sent. A pull at once after a day or more, or for new accounts.
        """
        now = self.clock.now()
        broken_at, item.error, item.broken_at = item.broken_at, None, None
        self.set_consent_end(item, consent_end(item.wish, now))
        has_changed = False
        if account_ids is not None:
            ledgers = [self.world.ledger(account_id) for account_id in account_ids]
            has_changed = pulls.share_accounts(item, ledgers, now, self.dice)
        if has_changed and item.is_sync_called:
            self.notify_sync(item)
        is_long = broken_at is not None and now - broken_at > _LONG_BROKEN
        if is_long or has_changed:
            self._plan(now, EventKind.REFRESH, item)
        self._plan_pull(item, now)

    def revoke(self, item: Item) -> None:
        """The person withdrew the permission: the Item is dead, its bill ends, USER_PERMISSION_REVOKED is sent."""
        item.error = item_error("USER_PERMISSION_REVOKED")
        item.broken_at = self.clock.now()
        item.next_pull_at = None
        self.billing.end(item.item_id, item.broken_at)
        self.notify(item, "ITEM", "USER_PERMISSION_REVOKED", {"error": item.error})

    def revoke_account(self, item: Item, account_id: str) -> None:
        """The person withdrew one account at the bank: it is as closed here, and at some banks that is told."""
        pulls.close_account(item, item.accounts[account_id].ledger)
        if item.institution.institution_id in ACCOUNT_REVOKED_INSTITUTIONS:
            self.notify(item, "ITEM", "USER_ACCOUNT_REVOKED", {"account_id": account_id})

    def set_consent_end(
        self, item: Item, ends_at: datetime | None, *, is_announced: bool = False
    ) -> None:
        """Consent until `ends_at`, and unless that was announced already, a notice seven days before."""
        item.consent_expiration_at, item.notice_at = ends_at, None
        if ends_at is None or is_announced or ends_at - NOTICE_AHEAD < self.clock.now():
            return
        item.notice_at = ends_at - NOTICE_AHEAD
        self._plan(item.notice_at, EventKind.NOTICE, item)

    # Accounts at the bank

    def add_account(self, login: Login, account_id: str) -> None:
        """The login shows one more world account; NEW_ACCOUNTS_AVAILABLE goes to its healthy Items."""
        login.account_ids.append(account_id)
        for item in self.items.values():
            if item.login is login and item.removed_at is None and item.error is None:
                self.notify(item, "ITEM", "NEW_ACCOUNTS_AVAILABLE", {"error": None})

    def close_account(self, account_id: str) -> None:
        """No login shows the world account any more, and no Item."""
        ledger = self.world.ledger(account_id)
        for item in self.items.values():
            pulls.close_account(item, ledger)
        for login in [*self.people.logins(), *(item.login for item in self.items.values())]:
            if account_id in login.account_ids:
                login.account_ids.remove(account_id)

    def set_update_type(self, item: Item, update_type: str) -> None:
        """`background` or `user_present_required` (no background pulls at all)."""
        item.update_type = update_type
        self._plan_pull(item, self.clock.now())

    def freeze(self, *, is_frozen: bool) -> None:
        """Nothing happens by itself any more; or again, from now on."""
        self.agenda.is_frozen = is_frozen
        if is_frozen:
            return
        now = self.clock.now()
        for item in self.items.values():  # the agenda drops what was due meanwhile
            if item.next_pull_at is not None:
                self._plan_pull(item, now)
            if item.notice_at is not None:
                item.notice_at = max(item.notice_at, now)
                self._plan(item.notice_at, EventKind.NOTICE, item)

    # Live contact

    def plan_refresh(self, item: Item) -> None:
        """A pull some seconds from now, as `/transactions/refresh` starts it."""
        at = self.clock.now() + timedelta(seconds=self.switches.refresh_s)
        self._plan(at, EventKind.REFRESH, item)

    def pull(self, item: Item, at: datetime, *, keeps_unchanged: bool = False) -> bool:
        """One contact with the bank as of `at`. False when it failed; then only `last_failed_update` moves.

        With `keeps_unchanged` a contact that found no transaction leaves the cached balances as they were.
        """
        bank = item.institution
        is_refused = item.error is not None or self.faults.outage_code(bank, at) is not None
        share = bank.refresh_failure_share
        if is_refused or self.dice.chance(share, "pull fails", item.item_id, at):
            item.last_failed_update_at = at
            return False
        before = [(account, account.cached) for account in item.accounts.values()]
        has_changed = pulls.copy_truth(item, at, self.dice)
        if keeps_unchanged and not has_changed:
            for account, cached in before:
                account.cached = cached
            return True
        self._mark_success(item, at)
        if has_changed and item.is_sync_called:
            self.notify_sync(item)
        return True

    # Webhooks

    def notify(
        self, item: Item, webhook_type: str, code: str, extra: Mapping[str, Any] | None = None
    ) -> bool:
        """Queue a webhook to the Item's URL; False when it has none."""
        if item.webhook is None:
            return False
        now = self.clock.now()
        body = {
            "environment": ENVIRONMENT,
            "item_id": item.item_id,
            **(extra or {}),
            "webhook_code": code,
            "webhook_type": webhook_type,
        }
        item.last_webhook = (now, code)
        self.outbox.put(item.item_id, item.webhook, body, now)
        self.stirred.set()
        return True

    def notify_link(self, link_token: LinkToken, code: str, extra: Mapping[str, Any]) -> bool:
        """Queue a LINK webhook, which names no Item; False when the session has no address for it."""
        item = link_token.request.item
        if item is not None and not self.switches.update_mode_sends_session_finished:
            return False
        url = link_token.request.webhook if item is None else item.webhook
        if url is None:
            return False
        named = {"environment": ENVIRONMENT, "link_token": link_token.token}
        body = {**named, **extra, "webhook_code": code, "webhook_type": "LINK"}
        self.outbox.put(None, url, body, self.clock.now())
        self.stirred.set()
        return True

    def notify_sync(self, item: Item) -> bool:
        """SYNC_UPDATES_AVAILABLE with the state of the first updates."""
        extra = {
            "initial_update_complete": item.is_initial_done,
            "historical_update_complete": item.is_historical_done,
        }
        return self.notify(item, "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", extra)

    # Time

    def next_event_at(self) -> datetime | None:
        """When the next pull or delivery is due; None when nothing will happen by itself."""
        moments = (self.agenda.next_at(), self.outbox.next_due_at())
        return min((moment for moment in moments if moment is not None), default=None)

    def catch_up(self, now: datetime) -> int:
        """Make the pulls that are due, each as of its own time. Sends nothing."""
        n_done = 0
        while (event := self.agenda.take_due(now)) is not None:
            at, kind, item = event
            if kind is EventKind.NOTICE:
                item.notice_at = None
                self.notify(item, "ITEM", "PENDING_DISCONNECT", pending_disconnect_shape(item, at))
            else:
                self._happen(kind, item, at)
            n_done += 1
        return n_done

    async def run_due(self, now: datetime) -> int:
        """Pulls, then deliveries, until nothing is due at `now`. Returns how many happened."""
        n_done = 0
        while True:
            n_done += self.catch_up(now)
            due = self.outbox.take_due(now)
            if not due:
                return n_done
            await self.outbox.deliver(due)
            n_done += len(due)

    async def flush(self) -> int:
        """Deliver everything that waits, whatever its time. Returns how many."""
        waiting = self.outbox.take_all()
        await self.outbox.deliver(waiting)
        return len(waiting)

    # Inside

    def _happen(self, kind: EventKind, item: Item, at: datetime) -> None:
        is_first = kind in {EventKind.INITIAL, EventKind.HISTORICAL}
        is_out = item.error is not None or self.faults.outage_code(item.institution, at) is not None
        if is_first and is_out:
            item.last_failed_update_at = at
            self._plan(at + _TRY_AGAIN, kind, item)
        elif kind is EventKind.INITIAL:
            self._first_update(item, at)
            self._announce_update(item, "INITIAL_UPDATE", item.log.head)
        elif kind is EventKind.HISTORICAL:
            head = item.log.head
            self._historical_update(item, at)
            self._announce_update(item, "HISTORICAL_UPDATE", item.log.head - head)
        elif kind is EventKind.REFRESH:
            self.pull(item, at, keeps_unchanged=not self.switches.refresh_renews_unchanged)
        elif item.consent_expiration_at is not None and item.consent_expiration_at <= at:
            self.break_login(item, reason="OAUTH_CONSENT_EXPIRED")
        elif self._is_login_expired(item, at):
            self.break_login(item)
        else:
            self.pull(item, at)
            self._plan_pull(item, at)

    def _first_update(self, item: Item, at: datetime) -> None:
        pulls.first_update(item, at, self.dice)
        self._mark_success(item, at)

    def _historical_update(self, item: Item, at: datetime) -> None:
        pulls.historical_update(item, at, self.dice)
        self._mark_success(item, at)
        self._plan_pull(item, at)

    def _announce_update(self, item: Item, code: str, n_new: int) -> None:
        self.notify(item, "TRANSACTIONS", code, {"error": None, "new_transactions": n_new})
        if item.is_sync_called:
            self.notify_sync(item)

    def _mark_success(self, item: Item, at: datetime) -> None:
        if self.switches.pulls_move_last_update or item.last_successful_update_at is None:
            item.last_successful_update_at = at

    def _is_login_expired(self, item: Item, at: datetime) -> bool:
        days = self.switches.login_expires_days
        return days is not None and at - item.created_at > timedelta(days=days)

    def _plan_pull(self, item: Item, after: datetime) -> None:
        if not item.is_pulled:
            item.next_pull_at = None
            return
        item.next_pull_at = item.institution.next_pull_at(item.item_id, after, self.dice)
        self._plan(item.next_pull_at, EventKind.PULL, item)

    def _plan(self, at: datetime, kind: EventKind, item: Item) -> None:
        self.agenda.plan(at, kind, item)
        self.stirred.set()
