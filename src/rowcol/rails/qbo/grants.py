"""Grants: from a person's consent to tokens, and from tokens to newer ones. A grant is for one company."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote, urlencode

from rowcol.core.app import App
from rowcol.core.connection import ConnectionState
from rowcol.core.ids import RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import CONSENT, Failure, Grant, Look, Renewed
from rowcol.core.refusal import BadInput
from rowcol.core.wire import Response
from rowcol.rails.qbo import facts, tokens
from rowcol.rails.qbo.errors import failed, is_refused, refused, remote_request_id
from rowcol.rails.qbo.records import TokenAnswer, Unreadable, decode

SCOPE = "com.intuit.quickbooks.accounting"
"""Reads and writes; there is no narrower one."""
_REALM = re.compile(r"[0-9]{1,30}")
_WORD = re.compile(r"[a-z_]{1,40}")


def consent_url(app: App, state: str) -> str:
    """Where a person picks the company and consents."""
    query = {
        "client_id": app.keys.get("client_id", ""),
        "response_type": "code",
        "scope": SCOPE,
        "redirect_uri": app.callback_url,
        "state": state,
    }
    screen = app.url(CONSENT, CONSENT, "/connect/oauth2")
    return f"{screen}?{urlencode(query, quote_via=quote)}"


def callback_look(app: App, answers: Mapping[str, str]) -> Look:
    """The exchange of the code. A realm is up to 19 digits, kept as text."""
    if refusal := answers.get("error", "").strip():
        word = refusal if _WORD.fullmatch(refusal) else "an unknown error"
        raise BadInput(f"QuickBooks gave no consent ({word})", "begin again and choose Connect")
    code, realm_id = answers.get("code", "").strip(), answers.get("realmId", "").strip()
    if not code or len(code) > 2000:
        raise BadInput("the callback brought no code", "begin again from the start")
    if not _REALM.fullmatch(realm_id):
        raise BadInput(
            "the callback named no company (realmId)", "begin again and choose a company"
        )
    return Look(
        "token.exchange",
        {"code": code, "realm_id": realm_id, "redirect_uri": app.callback_url},
    )


def read_grant(look: Look, response: Response) -> Grant | Failure:
    """The tokens of a company."""
    state = ConnectionState()
    if is_refused(response):
        return refused(look, response, state)
    try:
        answer = decode(response.body, TokenAnswer)
    except Unreadable as error:
        return failed(look, Outcome.UNREADABLE, str(error), response.received_at, state)
    realm_id = str(look.arguments.get("realm_id") or "")
    if not answer.refresh_token or not _REALM.fullmatch(realm_id):
        why = "a grant without a refresh token or a company"
        return failed(look, Outcome.UNREADABLE, why, response.received_at, state)
    return Grant(
        tokens.build(answer, tokens.NONE, response.sent_at),
        RemoteId(realm_id),
        remote_request_id=remote_request_id(response),
    )


def renewal(token: str, state: ConnectionState, now: datetime) -> Look | None:
    """Only when a call is due: an idle company needs no tokens."""
    is_refused = facts.token(state).name == facts.TOKEN_REFUSED
    return Look("token.refresh") if is_refused or tokens.is_ending(token, now) else None


def read_renewal(
    look: Look, response: Response, token: str, state: ConnectionState
) -> Renewed | Failure:
    """The new tokens; whatever goes wrong, the old ones are kept."""
    if is_refused(response):
        return refused(look, response, state)
    try:
        answer = decode(response.body, TokenAnswer)
    except Unreadable as error:
        return failed(look, Outcome.UNREADABLE, str(error), response.received_at, state)
    new = tokens.build(answer, tokens.parse(token), response.sent_at)
    state = facts.with_token(state, replace(facts.token(state), name=facts.TOKEN_RENEWED))
    told = {facts.RENEWED_AT: response.sent_at.isoformat()}
    if (until := tokens.parse(new).hard_expires_at) is not None:
        told[facts.CONSENT_UNTIL] = until.isoformat()
    return Renewed(new, facts.learnt(state, told), remote_request_id(response))
