"""Tokens: made here, shown once, stored as their SHA-256."""

from __future__ import annotations

import hashlib
from datetime import datetime

from rowcol.core.ids import FirmId
from rowcol.core.records import Token
from rowcol.core.refusal import BadInput, Conflict, NotFound
from rowcol.ports import Rng, Store

ROLES = ("viewer", "advisor", "operator", "admin")
"""What a token may do; each may do all that the one before may."""


def hash_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def issue(
    store: Store, rng: Rng, firm: FirmId, role_and_label: tuple[str, str], now: datetime
) -> tuple[str, Token]:
    """A new token and its row. Raise `Conflict` where a live one has the label already."""
    role, label = role_and_label
    if role not in ROLES:
        raise BadInput(f"there is no role {role!r}", f"roles: {', '.join(ROLES)}")
    label = label.strip()
    if not label:
        raise BadInput("a token needs a label", "say whose it is")
    if await store.read_firm(firm) is None:
        raise NotFound(f"no firm {firm!r}", "list them with `rowcol firm list`")
    for token in await store.list_tokens(firm):
        if token.label == label and token.revoked_at is None:
            raise Conflict(
                f"there is a live token labelled {label!r}", "revoke it, or choose another label"
            )
    secret = rng.secret()
    made = Token(hash_of(secret), firm, role, label, now)
    await store.add_token(firm, made)
    return secret, made
