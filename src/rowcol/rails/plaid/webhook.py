"""Webhook: whether a delivery is Plaid's own and recent, which Item it speaks of, and what it hints at.

The header `plaid-verification` is a JWT over the SHA-256 of the raw body: `{"alg": "ES256", "kid":
"..."}` . `{"iat": 1764064800, "request_body_sha256": "..."}`. Plaid signs the body with two spaces of
indentation, so only the raw bytes will do (docs/api/webhooks/webhook-verification, looked up
2026-11-25). The token is taken apart here, once: PyJWT's own checks ask the wall clock.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import (
    SESSION,
    Authentic,
    NeedsKey,
    NoticeKind,
    Signal,
    Unauthentic,
    Verdict,
    VerificationKey,
    announcement,
)
from rowcol.core.ids import AppId, RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure
from rowcol.core.secret import hash_of
from rowcol.core.wire import MAX_DELIVERY_BYTES, RawDelivery, Response
from rowcol.rails.plaid.errors import failed, is_refused, refused
from rowcol.rails.plaid.looks import key_look
from rowcol.rails.plaid.records import Id, KeyAnswer, KeyRecord, Unreadable, decode, moment_of
from rowcol.rails.plaid.spec import EVENTS, EVERYTHING, NOTICES

HEADER = "plaid-verification"
AGE_MAX_S = 300
"""Plaid's own rule."""
AHEAD_MAX_S = 60
"""How far its clock may run before ours."""
LINK = "LINK"
"""The type of deliveries that speak of a link session."""
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
_TOKEN_MAX = 4096
_COORDINATE_BYTES = 32
_ES256 = ec.ECDSA(SHA256())
_TO_BASE64 = bytes.maketrans(b"-_+/=", b"+/!!!")
"""To the alphabet of the strict decoder; what is not base64url becomes what that refuses."""
Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9_]{1,80}$")]


class TokenHead(msgspec.Struct, frozen=True):
    """A JWT's header."""

    alg: str
    kid: Id


class TokenClaims(msgspec.Struct, frozen=True):
    """What is signed. `jti` is not documented; it would tell two deliveries apart."""

    iat: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    request_body_sha256: str
    jti: str = ""


class DeliveryBody(msgspec.Struct, frozen=True):
    """What every delivery has, and all that some have; a bank's status alert names no Item.

    What is no time, code or token, whatever it is instead, is none: the delivery is a hint all the same.
    """

    webhook_type: Word
    webhook_code: Word
    item_id: Id | None = None
    link_token: object = None
    disconnect_time: object = None
    consent_expiration_time: object = None
    reason: object = None


_read_head = msgspec.json.Decoder(TokenHead).decode
_read_claims = msgspec.json.Decoder(TokenClaims).decode
_read_body = msgspec.json.Decoder(DeliveryBody).decode


class Token(msgspec.Struct, frozen=True):
    """A verification token taken apart; nothing of it is verified."""

    head: TokenHead
    claims: TokenClaims
    signed: bytes
    signature: bytes


def authenticate(delivery: RawDelivery, keys: Mapping[str, VerificationKey]) -> Verdict:
    """Judge the raw bytes by `delivery.received_at`, never by the wall clock.

    The claims come before the signature, so that stale or foreign bytes cost no key fetch.
    """
    token = _token_of(delivery)
    if isinstance(token, str):
        return Unauthentic(token)
    digest = hashlib.sha256(delivery.body).hexdigest()
    if refusal := _refusal(token.claims, digest, delivery.received_at):
        return Unauthentic(refusal)
    key = keys.get(token.head.kid)
    if key is None:
        return NeedsKey(token.head.kid)
    if key.expired_at is not None:
        return Unauthentic("signed with a key that Plaid has retired")
    if not _is_signed(key, token):
        return Unauthentic("the signature is not Plaid's")
    iat, jti = token.claims.iat, token.claims.jti
    return Authentic(datetime.fromtimestamp(iat, UTC), f"{iat}:{digest[:32]}:{jti[:80]}")


def _token_of(delivery: RawDelivery) -> Token | str:
    """The token, or why there is none."""
    given = delivery.headers.get(HEADER)
    if given is None:
        given = next((v for k, v in delivery.headers.items() if k.lower() == HEADER), "")
    if len(given) > _TOKEN_MAX or len(delivery.body) > MAX_DELIVERY_BYTES:
        return "too large"
    try:
        signed, _, last = given.encode("ascii").rpartition(b".")
        first, _, middle = signed.partition(b".")
        head = _head_of(first)
        if head.alg != "ES256":
            return "not signed with ES256"
        return Token(head, _read_claims(_unpadded(middle)), signed, _unpadded(last))
    except (ValueError, RecursionError):
        return "no readable verification token"


@lru_cache(maxsize=64)
def _head_of(part: bytes) -> TokenHead:
    """One rail signs with few keys, so that few headers are ever seen. Raise `ValueError` for none."""
    return _read_head(_unpadded(part))


def _unpadded(part: bytes) -> bytes:
    """Base64url without padding; anything else is none (a lenient decoder would skip what it does not know)."""
    if not part:
        raise binascii.Error("not base64url")
    padded = part.translate(_TO_BASE64) + b"=" * (-len(part) % 4)
    return binascii.a2b_base64(padded, strict_mode=True)


def _refusal(claims: TokenClaims, digest: str, received_at: datetime) -> str:
    age_s = received_at.timestamp() - claims.iat
    if age_s > AGE_MAX_S:
        return "signed more than 5 minutes ago"
    if age_s < -AHEAD_MAX_S:
        return "signed in the future"
    if not hmac.compare_digest(claims.request_body_sha256.encode(), digest.encode()):
        return "the body is not the one that was signed"
    return ""


def _is_signed(key: VerificationKey, token: Token) -> bool:
    public = public_key(key.jwk)
    if public is None or len(token.signature) != 2 * _COORDINATE_BYTES:
        return False
    r = int.from_bytes(token.signature[:_COORDINATE_BYTES])
    s = int.from_bytes(token.signature[_COORDINATE_BYTES:])
    try:
        public.verify(encode_dss_signature(r, s), token.signed, _ES256)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def public_key(jwk: str) -> ec.EllipticCurvePublicKey | None:
    """The key in a JWK; None where it is no P-256 key for ES256."""
    try:
        record = decode(jwk.encode(), KeyRecord)
        if (record.kty, record.crv, record.alg) != ("EC", "P-256", "ES256"):
            return None
        x = int.from_bytes(_unpadded(record.x.encode()))
        y = int.from_bytes(_unpadded(record.y.encode()))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        return None


def read_key(app: AppId, response: Response) -> VerificationKey | Failure:
    """The key in the answer to `key_look`."""
    state = ConnectionState()
    look = key_look("")
    if is_refused(response):
        return refused(look, response, state)
    try:
        key = decode(response.body, KeyAnswer).key
        jwk = msgspec.json.encode(key).decode()
        if public_key(jwk) is None:
            raise Unreadable("no P-256 key for ES256")
        expired_at = None if key.expired_at is None else datetime.fromtimestamp(key.expired_at, UTC)
    except (ValueError, OverflowError, OSError) as error:
        detail = str(error) if isinstance(error, Unreadable) else "a time out of range"
        return failed(look, Outcome.UNREADABLE, detail, response.received_at, state)
    return VerificationKey(app, key.kid, jwk, expired_at, response.received_at)


def route(body: bytes) -> tuple[str, tuple[RemoteId, ...]]:
    """Kind and Item of a delivery, or the link session; raise `ValueError` where the bytes say neither.

    Of a session only the hash of its token is told: the token itself is good for `/link/token/get`.
    """
    read = _read(body)
    kind = f"{read.webhook_type}.{read.webhook_code}"
    if read.item_id is not None:
        return kind, (RemoteId(read.item_id),)
    if read.webhook_type == LINK:
        token = read.link_token if isinstance(read.link_token, str) else ""
        return kind, (RemoteId(f"{SESSION}{hash_of(token)}"),)
    return kind, ()


def translate(body: bytes) -> tuple[Signal, ...]:
    """What a delivery hints at, and what it announces; raise `ValueError` where it cannot be read."""
    read = _read(body)
    event = (read.webhook_type, read.webhook_code)
    known = EVENTS.get(event)
    if known is not None:
        announced = NOTICES.get(event)
        return known if announced is None else (*known, _announcement(announced, read))
    reason = f"a delivery of an unknown kind ({read.webhook_type}.{read.webhook_code})"
    return tuple(Signal(stream, reason) for stream in EVERYTHING)


def _announcement(kind: NoticeKind, read: DeliveryBody) -> Signal:
    """Without its time or reason where the body has none that can be read; older deliveries lack both."""
    given = (read.disconnect_time, read.consent_expiration_time)
    when = next((value for value in given if isinstance(value, str)), None)
    reason = read.reason if isinstance(read.reason, str) and _CODE.fullmatch(read.reason) else ""
    return announcement(kind, moment_of(when), reason)


def _read(body: bytes) -> DeliveryBody:
    try:
        return _read_body(body)
    except (ValueError, RecursionError):
        raise Unreadable("not a delivery as Plaid documents them") from None
