"""The control API under `/_control`: the hands of a test or a demo, never of a client. JSON in and out, no auth.

| method and path | body | answer |
|---|---|---|
| GET state | | clock, next event, counts, faults |
| GET items | | every Item with token, accounts, times, error |
| GET billing, limits, deliveries | | the oracles; webhook attempts |
| GET clock, POST clock/advance | {to} or {seconds} | events happen in order on the way (manual clock only) |
| POST items | {institution_id, accounts, client_id?, products?, webhook?, days_requested?, exchange?, is_ready?, is_manual?} | tokens and ids |
| POST people | {username, institution_id, accounts, password?} | who can sign in at the hosted page of Link; `pass_good` unless given |
| GET people, link_tokens | | who is registered; link tokens with the address of their page and their sessions |
| POST accounts/{id}/postings | {postings: [{amount_minor, description, posted_at?, pending_since?}]} | ids |
| POST faults | {knob, ...} | see `knobs` |
| POST pull | {item_id} | whether the bank answered |
| POST deliver | | flushes every waiting webhook |
| POST repair | {item_id} | |
| POST freeze | {frozen?} | no further background pulls and notices, or again |

An account of POST items and POST people is {account_id} of the world, or {name, mask?, type?, subtype?, currency?, limit_minor?,
opening_minor?, postings?}. With `exchange: false` only a public token comes back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.plaid.arguments import (
    Arguments,
    BadArgument,
    given_account,
    given_posting,
    moment,
    need,
    need_item,
)
from rowcol.sandbox.plaid.catalog import Institution
from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.gate import json_response
from rowcol.sandbox.plaid.hosted_link import PATH
from rowcol.sandbox.plaid.items import Item, LinkWish, Login
from rowcol.sandbox.plaid.knobs import turn
from rowcol.sandbox.plaid.people import DEFAULT_PASSWORD

_DAYS_DEFAULT: Final = 730
_Answer = dict[str, Any]


async def advance_to(emulator: PlaidEmulator, arguments: Arguments) -> _Answer:
    """Move a manual clock; pulls, deliveries and retries happen at their own times on the way."""
    clock = emulator.clock
    if not isinstance(clock, ManualClock):
        raise BadArgument("this clock runs by itself")
    if arguments.get("to") is not None:
        target = moment(arguments["to"], "to")
    else:
        target = clock.now() + timedelta(seconds=float(need(arguments, "seconds")))
    n_events = 0
    while (at := emulator.next_event_at()) is not None and at <= target:
        clock.advance_to(at)
        n_events += await emulator.run_due(clock.now())
    clock.advance_to(target)
    return {"now": clock.now(), "n_events": n_events}


def make_item(emulator: PlaidEmulator, arguments: Arguments) -> _Answer:
    """A bank login at world accounts, old or new."""
    bank = _bank(emulator, arguments)
    account_ids = [given_account(emulator, account) for account in need(arguments, "accounts")]
    wish = LinkWish(
        client_id=arguments.get("client_id") or next(iter(emulator.clients)),
        institution=bank,
        products=tuple(arguments.get("products") or ("transactions",)),
        webhook=arguments.get("webhook"),
        days_requested=int(arguments.get("days_requested", _DAYS_DEFAULT)),
        is_manual=bool(arguments.get("is_manual", False)),
    )
    if arguments.get("exchange", True) is False:
        return {
            "public_token": emulator.offer(wish, account_ids),
            "world_account_ids": account_ids,
        }
    item = emulator.create_item(wish, account_ids, is_ready=arguments.get("is_ready", True))
    return item_state(item)


def register_person(emulator: PlaidEmulator, arguments: Arguments) -> _Answer:
    """Somebody with these accounts at a bank, who can sign in at the hosted page."""
    bank = _bank(emulator, arguments)
    username = str(need(arguments, "username"))
    if emulator.people.is_known(bank, username):
        raise BadArgument(f"{username} is registered at {bank.institution_id} already")
    account_ids = [given_account(emulator, account) for account in need(arguments, "accounts")]
    password = str(arguments.get("password") or DEFAULT_PASSWORD)
    login = emulator.people.register(bank, username, password, account_ids)
    return _person(bank.institution_id, login)


def _person(institution_id: str, login: Login) -> _Answer:
    return {
        "institution_id": institution_id,
        "username": login.username,
        "password": login.password,
        "world_account_ids": list(login.account_ids),
    }


def _people(emulator: PlaidEmulator, _arguments: Arguments) -> _Answer:
    people = emulator.people.registered()
    return {"people": [_person(institution_id, login) for institution_id, login in people]}


def _link_tokens(emulator: PlaidEmulator, _arguments: Arguments) -> _Answer:
    return {
        "link_tokens": [
            {
                "link_token": one.token,
                "path": PATH + one.hosted_id if one.request.is_hosted else None,
                "item_id": None if one.request.item is None else one.request.item.item_id,
                "expires_at": one.expires_at,
                "sessions": [
                    {"link_session_id": session.session_id, "stage": session.stage}
                    for session in one.sessions
                ],
            }
            for one in emulator.link_tokens.all()
        ]
    }


def _bank(emulator: PlaidEmulator, arguments: Arguments) -> Institution:
    bank = emulator.institutions.get(str(need(arguments, "institution_id")))
    if bank is None:
        raise BadArgument("no such institution")
    return bank


def item_state(item: Item) -> _Answer:
    """What a test wants to know of an Item."""
    return {
        "item_id": item.item_id,
        "access_token": item.access_token,
        "client_id": item.wish.client_id,
        "institution_id": item.institution.institution_id,
        "webhook": item.webhook,
        "products": sorted(item.products),
        "error_code": None if item.error is None else item.error["error_code"],
        "update_type": item.update_type,
        "created_at": item.created_at,
        "removed_at": item.removed_at,
        "last_successful_update_at": item.last_successful_update_at,
        "last_failed_update_at": item.last_failed_update_at,
        "next_pull_at": item.next_pull_at,
        "log_head": item.log.head,
        "accounts": [
            {
                "account_id": account.account_id,
                "world_account_id": account.ledger.account_id,
                "name": account.ledger.facts.name,
                "cached_minor": account.cached.current_minor if account.cached else None,
            }
            for account in item.accounts.values()
        ],
    }


def add_postings(emulator: PlaidEmulator, account_id: str, arguments: Arguments) -> _Answer:
    """Money moves on a world account, now or at the given moments."""
    try:
        emulator.world.ledger(account_id)
    except KeyError:
        raise BadArgument(f"no world account {account_id}") from None
    ids = []
    for row in need(arguments, "postings"):
        made = given_posting("", row, emulator)
        posting = emulator.world.post(
            account_id, made.posted_at, made.amount_minor, made.description, made.pending_since
        )
        ids.append(posting.posting_id)
    return {"posting_ids": ids}


def state(emulator: PlaidEmulator, _arguments: Arguments) -> _Answer:
    """One look at everything that is small."""
    faults = emulator.faults
    return {
        "now": emulator.clock.now(),
        "next_event_at": emulator.next_event_at(),
        "is_frozen": emulator.agenda.is_frozen,
        "n_items": len(emulator.items),
        "n_accounts": len(emulator.world.account_ids()),
        "n_requests": emulator.n_requests,
        "n_waiting_webhooks": len(emulator.outbox),
        "signing_kid": emulator.keys.current_kid,
        "switches": emulator.switches,
        "weather": emulator.outbox.weather,
        "faults": {
            "outages": list(faults.outages),
            "throttled_until": dict(faults.throttled_until),
            "health": dict(faults.health),
            "forced_errors": faults.forced_errors.report(),
            "corruptions": faults.corruptions.report(),
        },
    }


def _pull(emulator: PlaidEmulator, arguments: Arguments) -> _Answer:
    item = need_item(emulator, arguments)
    return {"succeeded": emulator.pull(item, emulator.clock.now())}


def _freeze(emulator: PlaidEmulator, arguments: Arguments) -> _Answer:
    emulator.freeze(is_frozen=arguments.get("frozen", True) is not False)
    return {"is_frozen": emulator.agenda.is_frozen}


def _faults(emulator: PlaidEmulator, arguments: Arguments) -> _Answer:
    rest = {name: value for name, value in arguments.items() if name != "knob"}
    return turn(emulator, need(arguments, "knob"), rest)


def _repair(emulator: PlaidEmulator, arguments: Arguments) -> _Answer:
    return turn(emulator, "repair", arguments)


async def _deliver(emulator: PlaidEmulator, _arguments: Arguments) -> _Answer:
    return {"n_delivered": await emulator.flush()}


_Plain = Callable[[PlaidEmulator, Arguments], _Answer]
_READS: Final[dict[str, _Plain]] = {
    "state": state,
    "items": lambda emulator, _: {"items": [item_state(one) for one in emulator.items.values()]},
    "billing": lambda emulator, _: emulator.billing.report(emulator.clock.now()),
    "people": _people,
    "link_tokens": _link_tokens,
    "limits": lambda emulator, _: emulator.limits.report(),
    "deliveries": lambda emulator, _: emulator.outbox.report(),
    "clock": lambda emulator, _: {"now": emulator.clock.now()},
}
_WRITES: Final[dict[str, _Plain | Callable[[PlaidEmulator, Arguments], Awaitable[_Answer]]]] = {
    "items": make_item,
    "people": register_person,
    "faults": _faults,
    "pull": _pull,
    "repair": _repair,
    "freeze": _freeze,
    "deliver": _deliver,
    "clock/advance": advance_to,
}


def control_routes(emulator: PlaidEmulator) -> list[Route]:
    """The table above as routes."""
    routes = [
        Route(f"/_control/{name}", partial(_serve, emulator, act), methods=["GET"])
        for name, act in _READS.items()
    ]
    routes += [
        Route(f"/_control/{name}", partial(_serve, emulator, act), methods=["POST"])
        for name, act in _WRITES.items()
    ]
    path = "/_control/accounts/{account_id}/postings"
    routes.append(Route(path, partial(_serve_postings, emulator), methods=["POST"]))
    return routes


async def _serve(
    emulator: PlaidEmulator,
    act: _Plain | Callable[[PlaidEmulator, Arguments], Awaitable[_Answer]],
    request: Request,
) -> Response:
    try:
        answer = act(emulator, _arguments(await request.body()))
        return json_response(answer if isinstance(answer, dict) else await answer)
    except (AttributeError, BadArgument, TypeError, ValueError) as error:
        return json_response({"error": str(error)}, 400)


async def _serve_postings(emulator: PlaidEmulator, request: Request) -> Response:
    account_id = request.path_params["account_id"]

    def act(emulator: PlaidEmulator, arguments: Arguments) -> _Answer:
        return add_postings(emulator, account_id, arguments)

    return await _serve(emulator, act, request)


def _arguments(raw: bytes) -> Arguments:
    if not raw:
        return {}
    arguments = msgspec.json.decode(raw)
    if not isinstance(arguments, dict):
        raise BadArgument("the body is a JSON object")
    return arguments
