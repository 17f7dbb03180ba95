"""Grants: the steps from a person's consent to an access token."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rowcol.core.connection import ConnectionState
from rowcol.core.ids import RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Grant, Look, Offer, Progress, Shown, ShownAccount
from rowcol.core.refusal import BadInput
from rowcol.core.wire import Response
from rowcol.rails.plaid.errors import (
    code_of,
    failed,
    is_refused,
    outcome_of,
    refused,
    request_id_of,
)
from rowcol.rails.plaid.records import (
    BankRecord,
    ChosenRecord,
    ErrorRecord,
    ExchangeAnswer,
    ExitRecord,
    LinkAnswer,
    LinkTokenAnswer,
    MetadataRecord,
    PublicTokenAnswer,
    SessionRecord,
    Unreadable,
    decode,
    text,
    utc,
)

_WORD = re.compile(r"[a-z_]{1,60}")
_ADVICE = {
    Outcome.INSTITUTION_DOWN: "the bank is down: begin again later",
    Outcome.TRY_AGAIN: "Plaid failed on its side: begin again in a few minutes",
    Outcome.RATE_LIMITED: "too many tries: begin again in an hour",
    Outcome.UNSUPPORTED: "Plaid does not reach this bank: it cannot be connected",
    Outcome.NEEDS_PERSON: "the person settles that at the bank itself, then begins again",
}
"""What to do about how a visit of the hosted page ended."""


def exchange_look(answers: Mapping[str, str]) -> Look:
    """The exchange of the public token that Link gave."""
    public_token = answers.get("public_token", "").strip()
    if not public_token:
        raise BadInput("the public token is empty", "paste the token that Link gave")
    return Look("item.public_token.exchange", {"public_token": public_token})


def read_grant(look: Look, response: Response) -> Grant | Failure:
    """What a step of connecting gave."""
    state = ConnectionState()
    if is_refused(response):
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
        case "link.token.get":
            answer = decode(body, LinkTokenAnswer)
            made = _progress(answer.link_sessions or ())
            return Grant("", remote_request_id=request_id_of(answer.request_id), progress=made)
        case "sandbox.public_token.create":
            return Grant(_token(decode(body, PublicTokenAnswer).public_token))
        case "item.public_token.exchange":
            access = decode(body, ExchangeAnswer)
            return Grant(_token(access.access_token), RemoteId(access.item_id))
        case _:
            raise Unreadable("no step of connecting")


def _progress(visits: Sequence[SessionRecord]) -> Progress:
    """All visits of one link token together: whoever came to the end counts, else how the last one left.

    A person may leave, come back by the same address and go through. In which order they are listed is not documented.
    """
    visits = sorted(visits, key=_began)
    offers = {offer.public_token: offer for visit in visits for offer in _offers(visit)}
    last = visits[-1] if visits else SessionRecord()
    left = last.exit or last.on_exit
    is_over = bool(offers) or any(_is_through(visit) for visit in visits)
    if is_over or left is None:
        is_open = bool(visits) and not last.finished_at
        return Progress(is_open and not is_over, is_over, tuple(offers.values()))
    failure, advice = _left(left)
    return Progress(failure=failure, advice=advice)


def _began(visit: SessionRecord) -> str:
    """Plaid writes every time alike, so that they sort as text."""
    return visit.started_at or ""


def _is_through(visit: SessionRecord) -> bool:
    """Update mode ends without results; a visit that ended and was not left was gone through."""
    if visit.on_success is not None:
        return True
    return bool(visit.finished_at) and visit.exit is None and visit.on_exit is None


def _offers(visit: SessionRecord) -> Iterator[Offer]:
    """The newer form and the older one speak of the same tokens."""
    added = visit.results.item_add_results if visit.results is not None else None
    for each in added or ():
        if each.public_token:
            yield Offer(each.public_token, _shown(each.institution, each.accounts))
    success = visit.on_success
    if success is not None and success.public_token:
        told = success.metadata or MetadataRecord()
        yield Offer(success.public_token, _shown(told.institution, told.accounts))


def _shown(bank: BankRecord | None, chosen: Sequence[ChosenRecord] | None) -> Shown:
    bank = bank or BankRecord()
    accounts = (
        ShownAccount(text(each.name), text(each.mask), text(each.type)) for each in chosen or ()
    )
    return Shown(text(bank.institution_id), text(bank.name), tuple(accounts))


def _left(left: ExitRecord) -> tuple[str, str]:
    """Why a person left without a login, and what to do, in words."""
    said = left.error
    if said is None or not said.error_code:
        where = text(left.metadata.status if left.metadata is not None else None)
        at = f" ({where})" if _WORD.fullmatch(where) else ""
        return f"the person left the page before the end{at}", "begin again when they are ready"
    error = ErrorRecord(said.error_type or "", said.error_code)
    advice = _ADVICE.get(outcome_of(error), "begin again; another try may do")
    return f"the bank could not be connected: {code_of(error)}", advice


def _token(value: str) -> str:
    if not value:
        raise Unreadable("an empty token")
    return value
