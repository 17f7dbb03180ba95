"""Linking: link tokens, the exchange of public tokens, and the life of an Item's tokens and webhook."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from rowcol.sandbox.plaid.calls import Call
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.shapes import Shape, item_with_consent_shape, status_shape

_LINK_TOKEN_LIFE: Final = timedelta(hours=4)
_UPDATE_TOKEN_LIFE: Final = timedelta(minutes=30)
_NOTE_CHARS_MAX: Final = 512
_REMOVE_REASONS: Final = frozenset(
    {
        "FRAUD_FIRST_PARTY",
        "FRAUD_FALSE_IDENTITY",
        "FRAUD_ABUSE",
        "FRAUD_OTHER",
        "CONNECTION_IS_NON_FUNCTIONAL",
        "OTHER",
    }
)
_NOT_A_PRODUCT: Final = frozenset({"balance", "transactions_refresh"})


def create_link_token(call: Call) -> Shape:
    """A token for a new Item, or with `access_token` for update mode, where products must not be given."""
    user = call.body.get("user") or {}
    if not user.get("client_user_id") and not call.body.get("user_id"):
        raise PlaidError("MISSING_FIELDS", "user.client_user_id")
    products = call.body.get("products") or []
    wrong = sorted(_NOT_A_PRODUCT.intersection(products))
    if wrong:
        raise PlaidError("INVALID_PRODUCT", ", ".join(wrong))
    is_update = call.linked_item is not None
    if not is_update and not products:
        raise PlaidError("MISSING_FIELDS", "products")
    life = _UPDATE_TOKEN_LIFE if is_update else _LINK_TOKEN_LIFE
    token = call.emulator.tokens.new("link")
    answer: Shape = {"expiration": call.now + life, "link_token": token}
    if "hosted_link" in call.body:
        answer["hosted_link_url"] = f"https://secure.plaid.com/hl/{token}"
    return answer


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
        "status": status_shape(call.item),
    }


def remove_item(call: Call) -> Shape:
    """The end of the Item."""
    reason = call.body.get("reason_code")
    if reason is not None and reason not in _REMOVE_REASONS:
        raise PlaidError("INVALID_FIELD", "reason_code is not one of the allowed values")
    if len(call.body.get("reason_note") or "") > _NOTE_CHARS_MAX:
        raise PlaidError("INVALID_FIELD", "reason_note must have at most 512 characters")
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
