"""The recorded exchanges bind the emulator: it answers each request in the recorded shape.

Words of `emulator_setup` are mapped here: an Item to prepare, what happened to it, a fault. A fault that does not
follow from the state is forced. What the shapes mean is in `tests/exchanges/plaid/README.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.items import Item
from rowcol.sandbox.plaid.knobs import turn
from rowcol.sandbox.plaid.link_flow import act, leave, open_session
from rowcol.sandbox.plaid.link_tokens import LinkToken
from tests.sandbox.rig import CREDENTIALS, WEBHOOK, Rig, ask

EXCHANGES = sorted((Path(__file__).parents[2] / "exchanges" / "plaid").glob("*.json"))
START_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)

EXACT = {
    "alg",
    "code_sent",
    "connection_availability",
    "crv",
    "error_code",
    "error_code_reason",
    "error_type",
    "institution_id",
    "iso_currency_code",
    "kty",
    "refresh_interval",
    "status",
    "transactions_update_status",
    "type",
    "update_type",
    "use",
}
MAY_BE_NULL = re.compile(
    r"\.(check_number|display_message|merchant_\w+|website)$|\.(location|payment_meta)\.\w+$"
)
"""Nullable by the spec, and the emulator's postings know no merchants and no checks."""
NATURAL = {
    "INVALID_ACCESS_TOKEN",
    "INVALID_ACCOUNT_ID",
    "INVALID_API_KEYS",
    "INVALID_FIELD",
    "INVALID_INSTITUTION",
    "INVALID_LINK_TOKEN",
    "INVALID_PRODUCT",
    "INVALID_PUBLIC_TOKEN",
    "INVALID_WEBHOOK_VERIFICATION_KEY_ID",
    "ITEM_LOGIN_REQUIRED",
    "ITEM_NOT_FOUND",
    "LAST_UPDATED_DATETIME_OUT_OF_RANGE",
    "MISSING_FIELDS",
    "PRODUCTS_NOT_SUPPORTED",
    "SANDBOX_WEBHOOK_INVALID",
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
    "UNKNOWN_FIELDS",
}
"""Codes that the prepared state gives by itself; all others are forced."""


def misfits(actual: Any, wanted: Any, path: str = "") -> list[str]:
    """Where `actual` is not of the recorded shape; empty when it is."""
    if wanted is None or (actual is None and MAY_BE_NULL.search(path)):
        return []
    if isinstance(wanted, dict):
        if not isinstance(actual, dict):
            return [f"{path}: {actual!r} is no object"]
        missing = [f"{path}.{key} is missing" for key in wanted if key not in actual]
        common = [key for key in wanted if key in actual]
        return missing + [m for k in common for m in misfits(actual[k], wanted[k], f"{path}.{k}")]
    if isinstance(wanted, list) and isinstance(actual, list):
        return [m for one in actual if wanted for m in _best(one, wanted, f"{path}[]")]
    return _misfit_value(actual, wanted, path)


def _misfit_value(actual: Any, wanted: Any, path: str) -> list[str]:
    kinds = (int, float) if _is_number(wanted) else type(wanted)
    if not isinstance(actual, kinds) or isinstance(actual, bool) != isinstance(wanted, bool):
        return [f"{path}: {actual!r} where {wanted!r} was recorded"]
    name = path.rpartition(".")[2]
    is_exact = name in EXACT and not str(wanted).startswith("{")
    return [f"{path}: {actual!r} is not {wanted!r}"] if is_exact and actual != wanted else []


def _best(actual: Any, choices: list[Any], path: str) -> list[str]:
    return min((misfits(actual, choice, path) for choice in choices), key=len)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass
class Stage:
    """A prepared emulator and what stands for the placeholders."""

    rig: Rig
    item: Item | None = None
    names: dict[str, str] = field(default_factory=dict)

    @property
    def the_item(self) -> Item:
        assert self.item is not None
        return self.item

    def pull(self) -> None:
        while not self.rig.emulator.pull(self.the_item, self.rig.now):
            self.rig.clock.advance_to(self.rig.now + timedelta(seconds=1))

    async def page(self, **body: Any) -> dict[str, Any]:
        return await self.rig.ok(
            "/transactions/sync", access_token=self.the_item.access_token, **body
        )

    async def keep_cursor(self, **body: Any) -> None:
        page = await self.page(**body)
        self.names["cursor"] = page["next_cursor"]


def _accounts(rig: Rig, word: str) -> list[str]:
    card: dict[str, Any] = {
        "account_type": "credit",
        "account_subtype": "credit card",
        "limit_minor": 200_000,
        "official_name": "Card",
    }
    if word == "capital_one":
        return [rig.account("card", -225_850, **card)]
    cash = rig.account("cash", official_name="Checking", holder_category="business")
    if word in {"chase", "manually_linked", "null_available"}:
        return [cash]
    savings = rig.account("savings", account_subtype="savings", official_name="Saving")
    ids = [cash, savings, rig.account("card", -41_000, has_available=False, **card)]
    if word == "all_types":
        ids += [
            rig.account(name, account_type="investment", account_subtype=name)
            for name in ("ira", "401k")
        ]
    return ids


SANDBOX_USER = {"username": ["user_good"], "password": ["pass_good"]}
BANKS = {"capital_one": "ins_128026", "chase": "ins_56"}


def _link(stage: Stage, word: str, state: str) -> None:
    rig = stage.rig
    wish: dict[str, Any] = {"is_manual": word == "manually_linked"}
    if word == "transactions_no_webhook":
        wish["webhook"] = None
    ids = _accounts(rig, word)
    n_past = 600 if state in {"more_than_one_page", "last_page_left"} else 1
    for n in range(n_past):
        posted_at = rig.now - timedelta(hours=n)
        rig.world.post(ids[0], posted_at, -8_940 - n, "EXAMPLE", posted_at - timedelta(hours=30))
    bank = BANKS.get(word, "ins_109508")
    stage.item = rig.item(*ids, bank=bank, is_ready=state != "just_linked", **wish)
    if word == "null_available":
        arguments = {"item_id": stage.item.item_id, "fields": ["available"]}
        turn(rig.emulator, "null_balances", arguments)
    ids_of = dict(zip(ids, stage.item.accounts, strict=True))
    stage.names |= {
        "access_token": stage.item.access_token,
        "account_id": ids_of.get("cash", next(iter(stage.item.accounts))),
    }


async def _live_a_little(stage: Stage) -> None:
    """Linked, pulled, healthy: a sync, news, a webhook, then a day."""
    await stage.page()
    stage.rig.spend(-100, next(iter(stage.the_item.accounts.values())).ledger.account_id)
    stage.pull()
    await stage.keep_cursor()
    stage.rig.clock.advance_to(NOW - timedelta(hours=1))
    stage.rig.emulator.agenda.is_frozen = True
    stage.pull()
    stage.rig.clock.advance_to(NOW)


async def _removed(stage: Stage) -> None:
    stage.rig.emulator.remove(stage.the_item)


async def _login_required(stage: Stage) -> None:
    stage.rig.emulator.break_login(stage.the_item)


async def _consent_expired(stage: Stage) -> None:
    stage.the_item.consent_expiration_at = NOW
    stage.the_item.last_failed_update_at = NOW
    stage.rig.emulator.break_login(stage.the_item, reason="OAUTH_CONSENT_EXPIRED")


async def _pull_failing(stage: Stage) -> None:
    turn(stage.rig.emulator, "outage", {"institution_id": "ins_109508"})
    assert not stage.rig.emulator.pull(stage.the_item, stage.rig.now)


async def _amount_changed(stage: Stage) -> None:
    ledger = stage.rig.world.ledger("cash")
    [posting, *_] = ledger.postings_between(START_AT - timedelta(days=9), NOW)
    ledger.amend(posting.posting_id, -77)
    stage.pull()


async def _transaction_removed(stage: Stage) -> None:
    ledger = stage.rig.world.ledger("cash")
    [posting, *_] = ledger.postings_between(START_AT - timedelta(days=9), NOW)
    ledger.withdraw(posting.posting_id)
    stage.pull()


async def _pending_posted(stage: Stage, *, is_matched: bool = True) -> None:
    rig, ledger = stage.rig, stage.rig.world.ledger("cash")
    posting = rig.spend(-6_499, pending_since=rig.now - timedelta(hours=1))
    held = ledger.settle(posting.posting_id, rig.now + timedelta(days=1))
    stage.pull()
    await stage.keep_cursor()
    if is_matched:
        ledger.settle(held.posting_id, rig.now)
    else:
        ledger.withdraw(held.posting_id)
        rig.spend(-6_499)
    stage.pull()


async def _unmatched(stage: Stage) -> None:
    await _pending_posted(stage, is_matched=False)


async def _last_page_left(stage: Stage) -> None:
    await stage.keep_cursor(count=500)


async def _mutated(stage: Stage) -> None:
    await stage.keep_cursor(count=1)
    stage.rig.spend()
    stage.pull()


async def _more_than_one_page(stage: Stage) -> None:
    stage.the_item.is_historical_done = False


async def _used(stage: Stage) -> None:
    await _offered(stage)
    await stage.rig.ok("/item/public_token/exchange", public_token=stage.names["public_token"])


async def _offered(stage: Stage) -> None:
    wish = stage.rig.item().wish
    stage.names["public_token"] = stage.rig.emulator.offer(wish, ["cash"])


async def _link_created(stage: Stage, **more: Any) -> LinkToken:
    asked = {
        "client_name": "RowCol",
        "language": "en",
        "country_codes": ["US", "CA"],
        "user": {"client_user_id": "u1"},
        "hosted_link": {},
        **(more or {"products": ["transactions"], "webhook": WEBHOOK}),
    }
    made = await stage.rig.ok("/link/token/create", **asked)
    stage.names["link_token"] = made["link_token"]
    found = stage.rig.emulator.link_tokens.find(made["link_token"], stage.rig.now)
    assert found is not None
    return found


async def _link_token_created(stage: Stage) -> None:
    await _link_created(stage)


async def _link_succeeded(stage: Stage) -> None:
    emulator, link_token = stage.rig.emulator, await _link_created(stage)
    session = open_session(emulator, link_token)
    assert session is not None
    act(emulator, link_token, session, {"institution_id": ["ins_109508"]})
    act(emulator, link_token, session, SANDBOX_USER)
    assert session.login is not None
    act(emulator, link_token, session, {"account": session.login.account_ids[:3]})
    act(emulator, link_token, session, {})


async def _link_exited(stage: Stage) -> None:
    emulator, link_token = stage.rig.emulator, await _link_created(stage)
    session = open_session(emulator, link_token)
    assert session is not None
    act(emulator, link_token, session, {"institution_id": ["ins_109508"]})
    act(emulator, link_token, session, SANDBOX_USER | {"password": ["error_ITEM_LOCKED"]})
    leave(emulator, link_token, session)


async def _update_succeeded(stage: Stage) -> None:
    await _login_required(stage)
    emulator = stage.rig.emulator
    link_token = await _link_created(stage, access_token=stage.the_item.access_token)
    session = open_session(emulator, link_token)
    assert session is not None
    act(emulator, link_token, session, SANDBOX_USER)
    act(emulator, link_token, session, {})


async def _key_current(stage: Stage) -> None:
    stage.names["key_id"] = stage.rig.emulator.keys.current_kid


async def _key_expired(stage: Stage) -> None:
    await _key_current(stage)
    turn(stage.rig.emulator, "rotate_key", {})


def _health(health: str) -> Callable[[Stage], Awaitable[None]]:
    async def set_health(stage: Stage) -> None:
        stage.names["institution_id"] = "ins_109508"
        named = {"institution_id": "ins_109508"}
        if health == "down":
            turn(stage.rig.emulator, "outage", named)
        else:
            turn(stage.rig.emulator, "institution_health", named | {"health": health})

    return set_health


async def _account_gone(stage: Stage) -> None:
    arguments = {"item_id": stage.the_item.item_id, "account_id": stage.names["account_id"]}
    turn(stage.rig.emulator, "churn_account", arguments)


STATES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "account_gone": _account_gone,
    "consent_expired": _consent_expired,
    "delayed": _health("delayed"),
    "down": _health("down"),
    "healthy": _health("healthy"),
    "key_current": _key_current,
    "key_expired": _key_expired,
    "last_page_left": _last_page_left,
    "link_session_exited": _link_exited,
    "link_session_succeeded": _link_succeeded,
    "link_token_created": _link_token_created,
    "login_required": _login_required,
    "more_than_one_page": _more_than_one_page,
    "mutated_between_pages": _mutated,
    "pending_posted": _pending_posted,
    "pending_posted_unmatched": _unmatched,
    "posted_amount_changed": _amount_changed,
    "public_token_created": _offered,
    "public_token_used": _used,
    "pull_failing": _pull_failing,
    "removed": _removed,
    "status_unknown": _health("unknown"),
    "transaction_removed": _transaction_removed,
    "transactions_unknown": _health("transactions_unknown"),
    "update_session_succeeded": _update_succeeded,
}
UNTOUCHED = {"first_pull_done", "just_linked", "up_to_date", ""}


async def _stage(setup: dict[str, Any]) -> Stage:
    word, state, fault = setup["item"], setup.get("state") or "", setup["fault"]
    rig = Rig(Switches(broken_item_serves_cache=fault != "ITEM_LOGIN_REQUIRED"), now=START_AT)
    names = {"client_id": CREDENTIALS["client_id"], "secret": CREDENTIALS["secret"]}
    stage = Stage(rig, names=names)
    if word is not None:
        _link(stage, word, state)
        if state not in {"just_linked", "first_pull_done"}:
            await _live_a_little(stage)
    if state not in UNTOUCHED:
        await STATES[state](stage)
    if word == "user_present_required":
        rig.emulator.set_update_type(stage.the_item, word)
    if fault == "INVALID_API_KEYS":
        stage.names["secret"] = "wrong"
    elif fault is not None and fault not in NATURAL:
        turn(rig.emulator, "force_error", {"path": "*", "code": fault})
    return stage


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, names) for inner in value]
    if isinstance(value, str) and value.startswith("{"):
        return names.get(value[1:-1], "unknown")
    return value


@pytest.mark.parametrize(
    "text", [path.read_text() for path in EXCHANGES], ids=[path.stem for path in EXCHANGES]
)
async def test_the_emulator_answers_in_the_recorded_shape(text: str) -> None:
    exchange = json.loads(text)
    stage = await _stage(exchange["emulator_setup"])
    request, response = exchange["request"], exchange["response"]
    headers = _filled(request["headers"], stage.names).items()
    body = _filled(request["body"], stage.names)
    status, raw = await ask(stage.rig.app, request["path"], body, headers=headers)
    assert (status, misfits(json.loads(raw), response["body"])) == (response["status"], [])


def test_misfits_are_found() -> None:
    wanted = {"type": "credit", "n": 1.5, "rows": [{"a": ""}], "x": None, "flag": True}
    fitting = {"type": "credit", "n": 2, "rows": [{"a": "b"}], "x": 5, "flag": False, "more": 1}
    assert misfits(fitting, wanted) == []
    for change in ({"type": "loan"}, {"n": "2"}, {"rows": [{"a": 1}]}, {"rows": 1}, {"flag": 1}):
        assert len(misfits(fitting | change, wanted)) == 1
    assert misfits({}, {"a": 1}) == [".a is missing"]
    assert misfits([], {}) != []
