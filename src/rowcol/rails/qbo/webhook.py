"""Webhook: whether a delivery is Intuit's own, which companies it speaks of, and what it hints at.

`intuit-signature` is base64(HMAC-SHA256(raw body, the app's verifier token)). Two bodies: an array of
CloudEvents (`[{"specversion": "1.0", "type": "qbo.bill.updated.v1", "intuitaccountid": "9130..", ..}]`),
and the older object (`{"eventNotifications": [{"realmId": "9130..", "dataChangeEvent": {"entities":
[{"name": "Bill", "operation": "Update"}]}}]}`). Neither carries data that could be used. Looked up 2026-11-25.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from rowcol.core.delivery import Authentic, Signal, Unauthentic, Verdict
from rowcol.core.ids import RemoteId
from rowcol.core.wire import MAX_DELIVERY_BYTES, RawDelivery
from rowcol.rails.qbo.facts import BOOKS
from rowcol.rails.qbo.records import Unreadable
from rowcol.rails.qbo.spec import EVENTS, NAME

HEADER = "intuit-signature"
_SIGNATURE_MAX = 100
_REALM = re.compile(r"[0-9]{1,30}")
_KIND = re.compile(r"[a-z0-9_.]{1,80}")
_TYPE = re.compile(r"([a-z]+)\.([a-z]+)\.([a-z]+)\.v[0-9]+")
EMPTY, UNKNOWN = f"{NAME}.empty", f"{NAME}.unknown"
_OLD_WORDS = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "merge": "merged",
}
"""Operations of the older body; the others are spelled alike in both."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that is said to have happened. `kind` is `qbo.bill.updated`."""

    realm: RemoteId
    kind: str

    @property
    def key(self) -> tuple[str, str]:
        """As the spec declares it."""
        parts = self.kind.split(".")
        return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == NAME else ("", "")


def authenticate(delivery: RawDelivery, secrets: Mapping[str, str]) -> Verdict:
    """Judge the raw bytes, in constant time, before anything of them is parsed.

    Nothing signed says when: a copy is known by its bytes, which hold the ids and times of its events.
    Half a SHA-256 is enough to tell: equal ones for two bodies would take 2**64 tries.
    """
    tokens = [
        each for part in secrets.get("verifier_token", "").split(",") if (each := part.strip())
    ]
    if not tokens:
        return Unauthentic("the app has no verifier token")
    given = next((v for k, v in delivery.headers.items() if k.lower() == HEADER), "")
    if not given or len(given) > _SIGNATURE_MAX or len(delivery.body) > MAX_DELIVERY_BYTES:
        return Unauthentic("no signature, or too large")
    signature = given.strip().encode("utf-8", "replace")
    if True not in [_is_signed(delivery.body, token, signature) for token in tokens]:
        return Unauthentic("the signature is not Intuit's")
    return Authentic(None, hashlib.sha256(delivery.body).hexdigest()[:32])


def _is_signed(body: bytes, token: str, signature: bytes) -> bool:
    signed = b64encode(hmac.digest(token.encode(), body, "sha256"))
    return hmac.compare_digest(signed, signature)


def route(body: bytes) -> tuple[str, tuple[RemoteId, ...]]:
    """Kind of the first event and every company; raise `ValueError` where it is neither form."""
    events = _events(body)
    if not events:
        return EMPTY, ()
    return events[0].kind, tuple(dict.fromkeys(event.realm for event in events))


def translate(body: bytes, remote_id: RemoteId) -> tuple[Signal, ...]:
    """One hint an entity that is spoken of for that company; what is not declared hints at all of it."""
    signals: dict[str, Signal] = {}
    for event in _events(body):
        if event.realm == remote_id:
            for signal in EVENTS.get(event.key) or (_unknown(event.kind),):
                signals.setdefault(signal.stream, signal)
    return tuple(signals.values())


def _unknown(kind: str) -> Signal:
    return Signal(BOOKS, f"QuickBooks sent a delivery of an unknown kind ({kind})")


def _events(body: bytes) -> list[Event]:
    try:
        said: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if isinstance(said, list):
        found = [event for each in said if (event := _cloud_event(each)) is not None]
        is_empty = not said
    else:
        notices = said.get("eventNotifications") if isinstance(said, dict) else None
        if not isinstance(notices, list):
            raise Unreadable("neither form of a delivery")
        found = [event for each in notices for event in _older_events(each)]
        is_empty = not notices
    if not found and not is_empty:
        raise Unreadable("no event that names a company")
    return found


def _cloud_event(said: object) -> Event | None:
    if not isinstance(said, dict) or "specversion" not in said:
        return None
    realm = _realm(said.get("intuitaccountid"))
    kind = said.get("type")
    matched = _TYPE.fullmatch(kind.lower()) if isinstance(kind, str) else None
    word = ".".join(matched.groups()) if matched else UNKNOWN
    return None if realm is None else Event(realm, _kind(word))


def _older_events(said: object) -> Iterator[Event]:
    """A notice without entities is still one about its company."""
    realm = _realm(said.get("realmId")) if isinstance(said, dict) else None
    if realm is None or not isinstance(said, dict):
        return
    change = said.get("dataChangeEvent")
    entities = change.get("entities") if isinstance(change, dict) else None
    named = (
        [each for each in entities if isinstance(each, dict)] if isinstance(entities, list) else []
    )
    for each in named:
        operation = str(each.get("operation") or "").lower()
        word = (
            f"{NAME}.{str(each.get('name') or '').lower()}.{_OLD_WORDS.get(operation, operation)}"
        )
        yield Event(realm, _kind(word))
    if not named:
        yield Event(realm, UNKNOWN)


def _kind(word: str) -> str:
    return word if _KIND.fullmatch(word) else UNKNOWN


def _realm(value: object) -> RemoteId | None:
    """Digits, as text whatever they were sent as."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    word = str(value)
    return RemoteId(word) if _REALM.fullmatch(word) else None
