"""Link, step by step: what each form of the hosted page does to a session, an Item and the webhooks.

bank -> login -> accounts -> consent -> success, or exited from anywhere. Update mode begins at the login; it asks for
accounts where account selection is on, and always at OAuth banks (SDK 46: "regardless of the value of this field").
A `PlaidError` raised by a step is what the page shows; the session stays where it is. Start at `act`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rowcol.sandbox.plaid.catalog import Institution
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.errors import PlaidError, item_error
from rowcol.sandbox.plaid.items import LinkWish
from rowcol.sandbox.plaid.link_shapes import add_result_shape, event_shape
from rowcol.sandbox.plaid.link_tokens import LinkSession, LinkToken, Stage
from rowcol.sandbox.plaid.tokens import Offer
from rowcol.sandbox.world import AccountFacts, Ledger

N_WRONG_LOGINS_MAX: Final = 5
"""Ours: the docs say that too many wrong logins invalidate the link token, not how many."""

Form = Mapping[str, Sequence[str]]
"""Every value of every field."""
_VIEWS: Final = {
    Stage.BANK: "SELECT_INSTITUTION",
    Stage.LOGIN: "CREDENTIAL",
    Stage.ACCOUNTS: "SELECT_ACCOUNT",
    Stage.CONSENT: "CONSENT",
}


def open_session(emulator: PlaidEmulator, link_token: LinkToken) -> LinkSession | None:
    """Somebody opens the page. None when that happened too often."""
    session = emulator.link_tokens.open_session(link_token, emulator.clock.now())
    if session is not None:
        _record(emulator, session, "OPEN")
        _go_to(emulator, session, session.stage)
    return session


def act(emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession, form: Form) -> None:
    """One form was sent from where the session stands. What went wrong is left in `session.error`."""
    item = link_token.request.item
    try:
        if item is not None and (item.removed_at is not None or item.is_revoked):
            code = "ITEM_NOT_FOUND" if item.removed_at is not None else "USER_PERMISSION_REVOKED"
            session.error = item_error(code)
            leave(emulator, link_token, session)
            return
        session.error = None
        _STEPS[session.stage](emulator, link_token, session, form)
    except PlaidError as error:
        session.error = item_error(error.code)
        _record(emulator, session, "ERROR")
        if error.code == "INVALID_CREDENTIALS":
            session.n_wrong_logins += 1
        if session.n_wrong_logins >= N_WRONG_LOGINS_MAX:
            link_token.is_invalidated = True
            leave(emulator, link_token, session)


def leave(emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession) -> None:
    """The person cancels, or cannot go on; the session ends with its status and the last error, if any."""
    session.exit_status = _exit_status(session)
    _record(emulator, session, "EXIT")
    _finish(emulator, link_token, session, Stage.EXITED)


def offered_banks(emulator: PlaidEmulator, link_token: LinkToken) -> list[Institution]:
    """Banks of the asked countries; the catalog knows American ones only."""
    if "US" not in link_token.request.country_codes:
        return []
    return list(emulator.institutions.values())


def offered_accounts(
    emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession
) -> list[Ledger]:
    """What the login shows now and the filters of the request let through."""
    if session.login is None:
        return []
    ledgers = [emulator.world.ledger(account_id) for account_id in session.login.account_ids]
    filters = link_token.request.account_filters
    return [ledger for ledger in ledgers if not filters or _passes(ledger.facts, filters)]


def _passes(facts: AccountFacts, filters: Mapping[str, Mapping[str, Sequence[str]]]) -> bool:
    if facts.account_type not in filters:
        return False
    subtypes = filters[facts.account_type].get("account_subtypes") or ("all",)
    return "all" in subtypes or facts.account_subtype in subtypes


def _choose_bank(
    emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession, form: Form
) -> None:
    asked = _value(form, "institution_id")
    bank = next(
        (one for one in offered_banks(emulator, link_token) if one.institution_id == asked), None
    )
    if bank is None:
        raise PlaidError("INVALID_INSTITUTION")
    session.bank = bank
    _require_reachable(emulator, bank)
    _record(emulator, session, "SELECT_INSTITUTION")
    _go_to(emulator, session, Stage.LOGIN)


def _sign_in(
    emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession, form: Form
) -> None:
    bank, item = session.bank, link_token.request.item
    if bank is None:
        raise PlaidError("INVALID_INSTITUTION")
    _record(emulator, session, "OPEN_OAUTH" if bank.is_oauth else "SUBMIT_CREDENTIALS")
    _require_reachable(emulator, bank)
    username, password = _value(form, "username"), _value(form, "password")
    if item is None:
        session.login = emulator.people.sign_in(bank, username, password, emulator.clock.now())
    else:
        emulator.people.verify(item.login, username, password)
        session.login = item.login
    accounts = offered_accounts(emulator, link_token, session)
    if not accounts:
        raise PlaidError("NO_ACCOUNTS")
    session.n_wrong_logins = 0
    is_asked = item is None or link_token.request.has_account_selection or bank.is_oauth
    _go_to(emulator, session, Stage.ACCOUNTS if is_asked else Stage.CONSENT)


def _choose_accounts(
    emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession, form: Form
) -> None:
    offered = [one.account_id for one in offered_accounts(emulator, link_token, session)]
    ticked = set(form.get("account", ()))
    session.chosen_ids = tuple(account_id for account_id in offered if account_id in ticked)
    if not session.chosen_ids:
        raise PlaidError("NO_ACCOUNTS")
    _go_to(emulator, session, Stage.CONSENT)


def _allow(
    emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession, _form: Form
) -> None:
    login, item = session.login, link_token.request.item
    if login is None:
        raise PlaidError("INVALID_CREDENTIALS")
    chosen = [one for one in session.chosen_ids if one in login.account_ids]
    if session.chosen_ids and not chosen:  # the bank closed them while the person was reading
        raise PlaidError("NO_ACCOUNTS")
    if item is None:
        session.item_add_result = _new_item(emulator, link_token, session, chosen)
    else:
        emulator.reconnect(item, chosen or None)
        if emulator.switches.update_mode_has_public_token:
            token = emulator.tokens.new("public")  # known to nobody, so an exchange fails
            accounts = [(one.account_id, one.ledger) for one in item.accounts.values()]
            session.item_add_result = add_result_shape(token, item.institution, accounts)
    _record(emulator, session, "HANDOFF")
    _finish(emulator, link_token, session, Stage.SUCCESS)


def _new_item(
    emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession, chosen: list[str]
) -> dict[str, object]:
    """The Item waits for its exchange, but its accounts have their ids already."""
    bank, login, request = session.bank, session.login, link_token.request
    if bank is None or login is None:
        raise PlaidError("INVALID_CREDENTIALS")
    wish = LinkWish(
        request.client_id,
        bank,
        request.products,
        request.webhook,
        request.days_requested,
        login.username,
    )
    item_id = emulator.new_item_id()
    offer = Offer(emulator.clock.now(), wish, tuple(chosen), login, item_id)
    ledgers = [emulator.world.ledger(account_id) for account_id in chosen]
    accounts = list(zip(emulator.account_ids(item_id, len(ledgers)), ledgers, strict=True))
    return add_result_shape(emulator.tokens.offer(offer), bank, accounts)


_STEPS: Final[dict[Stage, Callable[[PlaidEmulator, LinkToken, LinkSession, Form], None]]] = {
    Stage.BANK: _choose_bank,
    Stage.LOGIN: _sign_in,
    Stage.ACCOUNTS: _choose_accounts,
    Stage.CONSENT: _allow,
}


def _finish(
    emulator: PlaidEmulator, link_token: LinkToken, session: LinkSession, stage: Stage
) -> None:
    session.stage = stage
    session.finished_at = emulator.clock.now()
    named = {"link_session_id": session.session_id}
    switches = emulator.switches
    if switches.sends_link_events:
        emulator.notify_link(link_token, "EVENTS", named | {"events": list(session.events)})
    status = "SUCCESS" if stage is Stage.SUCCESS else "EXITED"
    tokens = session.public_tokens
    said = {
        **named,
        "public_tokens": tokens,
        "status": status.lower() if switches.session_status_is_lower else status,
    }
    if tokens:
        said["public_token"] = tokens[0]
    emulator.notify_link(link_token, "SESSION_FINISHED", said)


def _go_to(emulator: PlaidEmulator, session: LinkSession, stage: Stage) -> None:
    session.stage = stage
    _record(emulator, session, "TRANSITION_VIEW", view_name=_VIEWS[stage])


def _record(emulator: PlaidEmulator, session: LinkSession, name: str, **metadata: str) -> None:
    event_id = emulator.link_tokens.event_id(session)
    session.events.appendleft(event_shape(session, name, event_id, emulator.clock.now(), metadata))


def _exit_status(session: LinkSession) -> str:
    """Where the person was (docs "onExit", a list without a word for the consent)."""
    if session.stage is Stage.BANK:
        return "institution_not_found"
    if session.bank is not None and session.bank.is_oauth:
        return "requires_oauth"
    is_login = session.stage is Stage.LOGIN
    return "requires_credentials" if is_login else "requires_account_selection"


def _require_reachable(emulator: PlaidEmulator, bank: Institution) -> None:
    code = emulator.faults.outage_code(bank, emulator.clock.now())
    if code is not None:
        raise PlaidError(code)


def _value(form: Form, name: str) -> str:
    values = form.get(name)
    return values[0] if values else ""
