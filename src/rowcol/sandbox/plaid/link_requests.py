"""What `/link/token/create` may ask beyond the table of `fields`: a checked `LinkRequest`, or Plaid's refusal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from rowcol.sandbox.plaid.calls import Call
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.link_tokens import LinkRequest

LINK_TOKEN_LIFE: Final = timedelta(hours=4)
UPDATE_TOKEN_LIFE: Final = timedelta(minutes=30)
_DAYS_DEFAULT: Final = 90
_PRODUCT_FIELDS: Final = (
    "products",
    "required_if_supported_products",
    "optional_products",
    "additional_consented_products",
)

_ADDED_LATER: Final = ("assets", "cra_", "income", "statements")
"""Update mode may add these products to an Item (SDK 46)."""


def read_link_request(call: Call) -> tuple[LinkRequest, timedelta]:
    """The request and the life of its token. Raise what Plaid answers to nonsense."""
    body, item = call.body, call.linked_item
    _require_person(body)
    if item is not None and item.is_revoked:
        raise PlaidError("USER_PERMISSION_REVOKED")
    _require_mode(call)
    hosted = body.get("hosted_link", {})
    if "delivery_method" in hosted:
        raise PlaidError("INVALID_FIELD", "Link Delivery is only available in Production")
    if not body["client_name"].strip():
        raise PlaidError("INVALID_FIELD", "client_name must be a non-empty string")
    request = LinkRequest(
        client_id=call.client_id,
        client_name=body["client_name"],
        language=body["language"],
        country_codes=tuple(body["country_codes"]),
        products=tuple(body.get("products", ())),
        webhook=body.get("webhook"),
        days_requested=body.get("transactions", {}).get("days_requested", _DAYS_DEFAULT),
        redirect_uri=body.get("redirect_uri"),
        account_filters=body.get("account_filters"),
        user_id=body.get("user_id"),
        is_hosted="hosted_link" in body,
        completion_redirect_uri=hosted.get("completion_redirect_uri"),
        item=item,
        has_account_selection=body.get("update", {}).get("account_selection_enabled", False),
    )
    return request, _life(call, request, hosted)


def _require_person(body: Mapping[str, Any]) -> None:
    """Who links: an id of the client's own, which says nothing about the person, or one of Plaid's."""
    own_id = body.get("user", {}).get("client_user_id")
    if own_id is None and "user_id" not in body:
        raise PlaidError("MISSING_FIELDS", "user.client_user_id")
    if own_id is not None and "@" in own_id:
        raise PlaidError("INVALID_FIELD", "user.client_user_id must not be an e-mail address")
    if not body.get("user_id", "usr_").startswith("usr_"):
        raise PlaidError("INVALID_FIELD", "user_id must be the id of a user")


def _require_mode(call: Call) -> None:
    """A new Item needs products, an Item that is updated has them."""
    body = call.body
    asked = [name for field in _PRODUCT_FIELDS for name in body.get(field, ())]
    if len(set(asked)) < len(asked):
        raise PlaidError("INVALID_FIELD", "a product is named twice")
    is_new = call.linked_item is None
    if is_new and not body.get("products"):
        raise PlaidError("MISSING_FIELDS", "products")
    if not call.emulator.switches.update_mode_is_strict:
        return
    if is_new and "update" in body and not body["update"].get("user"):
        raise PlaidError("INVALID_FIELD", "update is for an access_token, or for a user")
    added = body.get("products", ())
    if not is_new and not all(name.startswith(_ADDED_LATER) for name in added):
        raise PlaidError("INVALID_FIELD", "products must be omitted for an access_token")


def _life(call: Call, request: LinkRequest, hosted: Mapping[str, Any]) -> timedelta:
    """Asked for, else by the switch, else that of any link token."""
    life_s = hosted.get("url_lifetime_seconds")
    if life_s is None and request.is_hosted and request.item is None:
        life_s = call.emulator.switches.hosted_link_life_s
    if life_s is not None:
        return timedelta(seconds=life_s)
    return LINK_TOKEN_LIFE if request.item is None else UPDATE_TOKEN_LIFE
