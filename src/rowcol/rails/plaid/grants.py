"""Grants: the steps from a person's consent to an access token."""

from __future__ import annotations

from collections.abc import Mapping

from rowcol.core.connection import ConnectionState
from rowcol.core.ids import RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Grant, Look
from rowcol.core.refusal import BadInput
from rowcol.core.wire import Response
from rowcol.rails.plaid.errors import failed, refused
from rowcol.rails.plaid.records import (
    ExchangeAnswer,
    LinkAnswer,
    PublicTokenAnswer,
    Unreadable,
    decode,
    utc,
)


def exchange_look(answers: Mapping[str, str]) -> Look:
    """The exchange of the public token that Link gave."""
    public_token = answers.get("public_token", "").strip()
    if not public_token:
        raise BadInput("the public token is empty", "paste the token that Link gave")
    return Look("item.public_token.exchange", {"public_token": public_token})


def read_grant(look: Look, response: Response) -> Grant | Failure:
    """What a step of connecting gave."""
    state = ConnectionState()
    if not 200 <= response.status < 300:
        return refused(look, response, state)
    try:
        return _grant(look.endpoint, response.body)
    except Unreadable as error:
        return failed(look, Outcome.UNREADABLE, str(error), response.received_at, state)


def _grant(endpoint: str, body: bytes) -> Grant:
    match endpoint:
        case "link.token.create":
            link = decode(body, LinkAnswer)
            return Grant(
                _token(link.link_token),
                expires_at=utc(link.expiration),
                url=link.hosted_link_url or "",
            )
        case "sandbox.public_token.create":
            return Grant(_token(decode(body, PublicTokenAnswer).public_token))
        case "item.public_token.exchange":
            access = decode(body, ExchangeAnswer)
            return Grant(_token(access.access_token), RemoteId(access.item_id))
        case _:
            raise Unreadable("no step of connecting")


def _token(value: str) -> str:
    if not value:
        raise Unreadable("an empty token")
    return value
