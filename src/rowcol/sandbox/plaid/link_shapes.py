"""Shapes of Link: tokens with their sessions, events and results as JSON.

Keys: plaid-python 46.0.0 and the sample of the docs "Hosted Link" (7 Mar 2026). A success is told twice, in `results` and in
the deprecated `on_success`; so is an exit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from rowcol.sandbox.plaid.catalog import Institution
from rowcol.sandbox.plaid.link_tokens import LinkSession, LinkToken, Stage
from rowcol.sandbox.plaid.shapes import Shape, stamp
from rowcol.sandbox.world import Ledger

_NO_RESULTS: Final[Shape] = {
    "bank_income_results": [],
    "cra_item_add_results": [],
    "cra_update_results": [],
    "document_income_results": None,
    "payroll_income_results": [],
}


def link_token_shape(link_token: LinkToken, now: datetime) -> Shape:
    """The answer of `/link/token/get`."""
    request = link_token.request
    metadata: Shape = {
        "client_name": request.client_name,
        "country_codes": list(request.country_codes),
        "initial_products": list(request.products),
        "language": request.language,
        "redirect_uri": request.redirect_uri,
        "webhook": request.webhook,
    }
    if request.account_filters is not None:
        metadata["account_filters"] = request.account_filters
    shape: Shape = {
        "created_at": link_token.created_at,
        "expiration": link_token.expires_at,
        "link_sessions": [_session_shape(one) for one in link_token.visible_sessions(now)],
        "link_token": link_token.token,
        "metadata": metadata,
    }
    return shape if request.user_id is None else shape | {"user_id": request.user_id}


def _session_shape(session: LinkSession) -> Shape:
    shape: Shape = {
        "events": list(session.events),
        "finished_at": session.finished_at,
        "link_session_id": session.session_id,
        "started_at": session.started_at,
    }
    if session.stage is Stage.EXITED:
        left = _exit_shape(session)
        shape |= {"exit": left, "on_exit": left}
    if session.stage is Stage.SUCCESS:
        result = session.item_add_result
        shape["results"] = _NO_RESULTS | {"item_add_results": [] if result is None else [result]}
        if result is not None:
            shape["on_success"] = _success_shape(session, result)
    return shape


def _exit_shape(session: LinkSession) -> Shape:
    metadata: Shape = {"link_session_id": session.session_id, "status": session.exit_status}
    if session.bank is not None:
        metadata["institution"] = _bank_shape(session.bank)
    return {"error": session.error, "metadata": metadata}


def _success_shape(session: LinkSession, result: Shape) -> Shape:
    metadata = {
        "accounts": result["accounts"],
        "institution": result["institution"],
        "link_session_id": session.session_id,
        "transfer_status": None,
    }
    return {"metadata": metadata, "public_token": result["public_token"]}


def add_result_shape(
    public_token: str, bank: Institution, accounts: Iterable[tuple[str, Ledger]]
) -> Shape:
    """An element of `item_add_results`; accounts are given with their ids at Plaid."""
    return {
        "accounts": [_account_shape(account_id, ledger) for account_id, ledger in accounts],
        "institution": _bank_shape(bank),
        "public_token": public_token,
    }


def _account_shape(account_id: str, ledger: Ledger) -> Shape:
    facts = ledger.facts
    shape: Shape = {
        "class_type": None,
        "id": account_id,
        "mask": facts.mask,
        "name": facts.name,
        "type": facts.account_type,
        "verification_status": None,
    }
    if facts.account_subtype is not None:  # not nullable, other than in `/accounts/get`
        shape["subtype"] = facts.account_subtype
    return shape


def event_shape(
    session: LinkSession, name: str, event_id: str, at: datetime, metadata: Mapping[str, Any]
) -> Shape:
    """An event; its metadata names the bank, and an error where one just happened."""
    known: Shape = dict(metadata)
    if session.bank is not None:
        known |= {
            "institution_id": session.bank.institution_id,
            "institution_name": session.bank.name,
        }
    if session.error is not None:
        known |= {key: session.error[key] for key in ("error_code", "error_message", "error_type")}
    if session.exit_status is not None:
        known["exit_status"] = session.exit_status
    return {
        "event_id": event_id,
        "event_metadata": known,
        "event_name": name,
        "timestamp": stamp(at),
    }


def _bank_shape(bank: Institution) -> Shape:
    return {"institution_id": bank.institution_id, "name": bank.name}
