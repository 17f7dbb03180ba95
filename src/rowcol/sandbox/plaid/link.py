"""Linking: link tokens, the exchange of public tokens, and the life of an Item's tokens and webhook."""

from __future__ import annotations

from rowcol.sandbox.plaid.calls import Call
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.hosted_link import hosted_link_url
from rowcol.sandbox.plaid.link_requests import read_link_request
from rowcol.sandbox.plaid.link_shapes import link_token_shape
from rowcol.sandbox.plaid.shapes import Shape, item_with_consent_shape, status_shape


def create_link_token(call: Call) -> Shape:
    """A token for a new Item, or with `access_token` for update mode; with `hosted_link` also the address of a page."""
    request, life = read_link_request(call)
    emulator = call.emulator
    made = emulator.link_tokens.add(emulator.tokens.new("link"), request, call.now, life)
    answer: Shape = {"expiration": made.expires_at, "link_token": made.token}
    if request.is_hosted:
        answer["hosted_link_url"] = hosted_link_url(call.address, made)
    return answer if request.user_id is None else answer | {"user_id": request.user_id}


def get_link_token(call: Call) -> Shape:
    """What became of a link token: free, also while its page is open and for six hours after each session."""
    found = call.emulator.link_tokens.find(call.body["link_token"], call.now)
    if found is None or found.request.client_id != call.client_id:
        raise PlaidError("INVALID_LINK_TOKEN")
    return link_token_shape(found, call.now)


def exchange_public_token(call: Call) -> Shape:
    """Make the Item."""
    token = call.body["public_token"]
    if not token.startswith("public-sandbox-"):
        raise PlaidError(
            "INVALID_PUBLIC_TOKEN",
            "provided public token is in an invalid format. expected format: public-<environment>-<identifier>",
        )
    item = call.emulator.exchange(token)
    if item is None:
        raise PlaidError("INVALID_PUBLIC_TOKEN", "could not find matching public token")
    return {"access_token": item.access_token, "item_id": item.item_id}


def get_item(call: Call) -> Shape:
    """The Item and, beside it, when Plaid last reached the bank."""
    return {
        "item": item_with_consent_shape(
            call.item, has_empty_webhook=call.emulator.switches.unset_webhook_is_empty
        ),
        "status": status_shape(
            call.item, is_fresh_null=call.emulator.switches.fresh_item_status_is_null
        ),
    }


def remove_item(call: Call) -> Shape:
    """The end of the Item."""
    call.emulator.remove(call.item)
    return {}


def update_webhook(call: Call) -> Shape:
    """A new URL, or none; the new one is told at once."""
    item = call.item
    item.webhook = call.body.get("webhook")
    extra = {"new_webhook_url": item.webhook, "error": None}
    call.emulator.notify(item, "ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", extra)
    return {"item": call.show(item)}


def invalidate_access_token(call: Call) -> Shape:
    """Rotate: the old token is dead when the answer is on its way."""
    return {"new_access_token": call.emulator.tokens.issue(call.item)}
