"""Webhook: what passes is Plaid's and recent; whatever else comes is refused, never raised."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.delivery import (
    NOTICE,
    Authentic,
    NeedsKey,
    NoticeKind,
    Unauthentic,
    VerificationKey,
    notice_of,
)
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure
from rowcol.core.secret import hash_of
from rowcol.core.wire import MAX_DELIVERY_BYTES, RawDelivery
from rowcol.rails.plaid.spec import EVENTS, NOTICES
from rowcol.rails.plaid.webhook import authenticate, public_key, read_key, route, translate
from tests.rails.plaid import kit

BODY = (kit.TESTS / "deliveries/plaid/ITEM.ERROR.json").read_bytes()
OTHER = ec.derive_private_key(0xBAD, ec.SECP256R1())


@pytest.mark.parametrize("path", kit.DELIVERIES, ids=lambda p: p.stem)
def test_each_delivery_passes_as_sent_and_no_other_way(path: Path) -> None:
    body = path.read_bytes()
    sent = kit.delivery(body)
    keys = kit.key()
    digest = hashlib.sha256(body).hexdigest()
    iat = int(kit.NOW.timestamp())
    assert authenticate(sent, keys) == Authentic(
        datetime.fromtimestamp(iat, UTC), f"{iat}:{digest[:32]}:"
    )
    assert authenticate(sent, keys) == authenticate(sent, keys), "a replay is the same delivery"
    forged = kit.delivery(body, kit.token(kit.HEAD, kit.claims(body), OTHER))
    late = replace(sent, received_at=kit.NOW + timedelta(seconds=301))
    others = (
        forged,
        late,
        replace(sent, body=body[:-1]),
        replace(sent, body=body + b"\n"),
        replace(sent, body=json.dumps(json.loads(body)).encode()),
    )
    for other in others:
        assert isinstance(authenticate(other, keys), Unauthentic)


@pytest.mark.parametrize("path", kit.DELIVERIES, ids=lambda p: p.stem)
def test_each_delivery_is_routed_and_translated(path: Path) -> None:
    body = path.read_bytes()
    kind, ids = route(body)
    assert kind == path.stem
    read = json.loads(body)
    named = [read[key] for key in ("item_id",) if key in read]
    named += [f"session:{hash_of(read[key])}" for key in ("link_token",) if key in read]
    assert list(ids) == named
    webhook_type, code = kind.split(".")
    signals = translate(body)
    announced = [s for s in signals if s.stream.startswith(NOTICE)]
    assert tuple(s for s in signals if s not in announced) == EVENTS[webhook_type, code]
    assert len(announced) == ((webhook_type, code) in NOTICES)


def test_age_limits_are_inclusive() -> None:
    header = kit.token(kit.HEAD, kit.claims(BODY))
    for seconds, verdict in ((300, Authentic), (301, Unauthentic), (-60, Authentic)):
        received_at = kit.NOW + timedelta(seconds=seconds)
        assert isinstance(authenticate(kit.delivery(BODY, header, received_at), kit.key()), verdict)
    ahead = kit.delivery(BODY, header, kit.NOW - timedelta(seconds=61))
    assert isinstance(authenticate(ahead, kit.key()), Unauthentic)


def test_header_name_may_have_any_case() -> None:
    sent = kit.delivery(BODY, name="Plaid-Verification")
    assert isinstance(authenticate(sent, kit.key()), Authentic)


def test_pyjwt_agrees_on_what_is_signed() -> None:
    """Our reading of the token and a stranger's are the same."""
    header = kit.delivery(BODY).headers["plaid-verification"]
    public = jwt.PyJWK(kit.jwk_of(kit.SECRET)).key
    decoded = jwt.decode(header, public, algorithms=["ES256"], options={"verify_iat": False})
    assert decoded == kit.claims(BODY)
    theirs = jwt.encode(kit.claims(BODY), kit.SECRET, "ES256", {"kid": kit.KEY_ID})
    assert isinstance(authenticate(kit.delivery(BODY, theirs), kit.key()), Authentic)


def test_unknown_key_is_asked_for_only_by_recent_matching_bytes() -> None:
    sent = kit.delivery(BODY)
    assert authenticate(sent, {}) == NeedsKey(kit.KEY_ID)
    assert isinstance(authenticate(replace(sent, body=b"{}"), {}), Unauthentic)
    late = replace(sent, received_at=kit.NOW + timedelta(hours=1))
    assert isinstance(authenticate(late, {}), Unauthentic)


def test_retired_key_signs_nothing() -> None:
    keys = kit.key(expired_at=kit.NOW)
    assert isinstance(authenticate(kit.delivery(BODY), keys), Unauthentic)


def hs256(head: dict[str, Any]) -> str:
    """The public key used as a shared secret: the classic confusion."""
    signed = b".".join(kit.b64(json.dumps(part).encode()) for part in (head, kit.claims(BODY)))
    secret = json.dumps(kit.jwk_of(kit.SECRET)).encode()
    mac = hmac.digest(secret, signed, "sha256")
    return (signed + b"." + kit.b64(mac)).decode()


GOOD = kit.claims(BODY)
HOSTILE = {
    "none": kit.token({**kit.HEAD, "alg": "none"}, GOOD),
    "none, unsigned": kit.token({**kit.HEAD, "alg": "none"}, GOOD).rpartition(".")[0] + ".",
    "HS256": hs256({**kit.HEAD, "alg": "HS256"}),
    "HS256 named ES256": hs256(kit.HEAD),
    "RS256": kit.token({**kit.HEAD, "alg": "RS256"}, GOOD),
    "alg in lower case": kit.token({**kit.HEAD, "alg": "es256"}, GOOD),
    "no kid": kit.token({"alg": "ES256"}, GOOD),
    "kid a list": kit.token({**kit.HEAD, "kid": ["a"]}, GOOD),
    "kid long": kit.token({**kit.HEAD, "kid": "a" * 201}, GOOD),
    "head a list": kit.token([], GOOD),
    "claims a list": kit.token(kit.HEAD, []),
    "no claims": kit.token(kit.HEAD, {}),
    "iat a text": kit.token(kit.HEAD, {**GOOD, "iat": str(GOOD["iat"])}),
    "iat true": kit.token(kit.HEAD, {**GOOD, "iat": True}),
    "iat huge": kit.token(kit.HEAD, {**GOOD, "iat": 10**400}),
    "iat deep in the past": kit.token(kit.HEAD, {**GOOD, "iat": -(10**30)}),
    "hash in upper case": kit.token(
        kit.HEAD, {**GOOD, "request_body_sha256": GOOD["request_body_sha256"].upper()}
    ),
    "hash not ASCII": kit.token(kit.HEAD, {**GOOD, "request_body_sha256": "é" * 64}),
    "hash null": kit.token(kit.HEAD, {**GOOD, "request_body_sha256": None}),
    "two dots more": kit.token(kit.HEAD, GOOD) + "..",
    "short signature": kit.token(kit.HEAD, GOOD)[:-10],
    "zero signature": kit.token(kit.HEAD, GOOD).rpartition(".")[0] + "." + "A" * 86,
    "one part": "abc",
    "empty": "",
    "dots": "..",
    "not base64": "!!.!!.!!",
    "not ASCII": "é.é.é",
    "spaces": " " + kit.token(kit.HEAD, GOOD),
    "too long": "a" * 5000,
    "deep": (kit.b64(b"[" * 2000) + b".YQ.YQ").decode(),
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_tokens_are_refused(header: str) -> None:
    assert isinstance(authenticate(kit.delivery(BODY, header), kit.key()), Unauthentic)


def test_missing_header_and_oversized_body_are_refused() -> None:
    assert isinstance(authenticate(RawDelivery({}, BODY, kit.NOW), kit.key()), Unauthentic)
    assert isinstance(
        authenticate(kit.delivery(b" " * (MAX_DELIVERY_BYTES + 1)), kit.key()), Unauthentic
    )


def test_a_body_that_is_no_json_is_authentic_all_the_same() -> None:
    """Authentication comes before parsing; routing then says what is wrong."""
    assert isinstance(authenticate(kit.delivery(b"not JSON"), kit.key()), Authentic)
    with pytest.raises(ValueError, match="not a delivery"):
        route(b"not JSON")


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")), st.binary())
def test_any_header_and_body_give_a_verdict(header: str, body: bytes) -> None:
    verdict = authenticate(kit.delivery(body, header), kit.key())
    assert isinstance(verdict, Unauthentic)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {}, optional={"alg": _JSON | st.just("ES256"), "kid": _JSON | st.just(kit.KEY_ID)}
    ),
    st.fixed_dictionaries({}, optional={"iat": _JSON, "request_body_sha256": _JSON, "jti": _JSON}),
)
def test_any_signed_token_gives_a_verdict(head: dict[str, Any], claims: dict[str, Any]) -> None:
    """Even with a good signature over it."""
    sent = kit.delivery(BODY, kit.token(head, {**GOOD, **claims}))
    assert isinstance(authenticate(sent, kit.key()), Authentic | Unauthentic | NeedsKey)


@given(st.binary() | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_routed_or_refused(body: bytes) -> None:
    """Both refuse it, or both read it; what is read has a kind, and ids that are texts."""
    try:
        kind, remote_ids = route(body)
    except ValueError:
        with pytest.raises(ValueError, match="not a delivery"):
            translate(body)
        return
    assert kind
    assert all(isinstance(remote_id, str) and remote_id for remote_id in remote_ids)
    assert translate(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"webhook_type": "ITEM"}',
        b'{"webhook_type": "ITEM", "webhook_code": 7}',
        b'{"webhook_type": "a b", "webhook_code": "X"}',
        b'{"webhook_type": "ITEM", "webhook_code": "ERROR", "item_id": ["x"]}',
        b'{"webhook_type": "ITEM", "webhook_code": "ERROR", "item_id": "a,b"}',
        b"[" * 100_000,
        BODY[: len(BODY) // 2],
    ],
)
def test_a_body_of_another_shape_is_refused(body: bytes) -> None:
    for step in (route, translate):
        with pytest.raises(ValueError, match="not a delivery"):
            step(body)


def test_an_unknown_kind_hints_at_everything() -> None:
    body = b'{"webhook_type": "NEW", "webhook_code": "THING", "item_id": "x"}'
    assert {signal.stream for signal in translate(body)} == {"health", "transactions", "accounts"}
    assert route(body) == ("NEW.THING", ("x",))


def test_the_key_in_an_answer_verifies() -> None:
    answer = kit.response({"key": kit.jwk_of(kit.SECRET), "request_id": "r"})
    key = read_key(kit.APP, answer)
    assert isinstance(key, VerificationKey)
    assert (key.key_id, key.expired_at, key.fetched_at) == (kit.KEY_ID, None, kit.NOW)
    assert isinstance(authenticate(kit.delivery(BODY), {key.key_id: key}), Authentic)


def test_a_retired_key_says_since_when() -> None:
    key = read_key(kit.APP, kit.exchange("webhook_verification_key.get.expired").response)
    assert isinstance(key, VerificationKey)
    assert key.expired_at == datetime.fromtimestamp(1795564800, UTC)


@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"alg": "HS256"},
        {"x": "AAAA"},
        {"x": "!"},
        {"y": None},
        {"expired_at": 10**30},
        {"expired_at": "soon"},
        {"kid": ""},
    ],
)
def test_a_key_that_is_none_is_unreadable(changes: dict[str, Any]) -> None:
    read = read_key(kit.APP, kit.response({"key": {**kit.jwk_of(kit.SECRET), **changes}}))
    assert isinstance(read, Failure)
    assert read.outcome is Outcome.UNREADABLE


def test_an_unknown_key_is_a_bad_request() -> None:
    name = "webhook_verification_key.get.invalid_webhook_verification_key_id"
    read = read_key(kit.APP, kit.exchange(name).response)
    assert isinstance(read, Failure)
    assert read.outcome is Outcome.BAD_REQUEST


def test_a_stored_key_that_is_none_verifies_nothing() -> None:
    assert public_key("not JSON") is None
    broken = VerificationKey(kit.APP, kit.KEY_ID, "{}", None, kit.NOW)
    assert isinstance(authenticate(kit.delivery(BODY), {kit.KEY_ID: broken}), Unauthentic)


def body(**fields: object) -> bytes:
    return json.dumps({"webhook_type": "ITEM", "webhook_code": "X", **fields}).encode()


@pytest.mark.parametrize("token", [None, 5, ["t"], {"t": 1}])
def test_a_session_without_a_readable_token_is_nobodys(token: object) -> None:
    kind, ids = route(body(webhook_type="LINK", webhook_code="EVENTS", link_token=token))
    assert (kind, ids) == ("LINK.EVENTS", (f"session:{hash_of('')}",))


def test_of_a_link_token_only_the_hash_is_kept() -> None:
    _, (remote_id,) = route(body(webhook_type="LINK", link_token="link-sandbox-1"))
    assert remote_id == f"session:{hash_of('link-sandbox-1')}"


def test_who_names_an_item_is_routed_to_it_whatever_else_is_said() -> None:
    _, ids = route(body(webhook_type="LINK", item_id="i1", link_token="l"))
    assert ids == ("i1",)


@pytest.mark.parametrize(
    ("code", "field"),
    [("PENDING_DISCONNECT", "disconnect_time"), ("PENDING_EXPIRATION", "consent_expiration_time")],
)
def test_an_announcement_carries_its_day_and_its_code(code: str, field: str) -> None:
    when = "2026-12-02T13:25:17Z"
    said = translate(body(webhook_code=code, reason="WHY", **{field: when}))[-1]
    told = notice_of(said.stream, said.reason, kit.NOW)
    assert told.until == datetime(2026, 12, 2, 13, 25, 17, tzinfo=UTC)
    assert (told.reason, told.since) == ("WHY", kit.NOW)


@pytest.mark.parametrize(
    "odd", [None, 3, "no time", "2026-12-02T13:25:17", [], "why not", "x" * 99]
)
def test_an_announcement_that_cannot_be_read_is_one_without_a_day(odd: object) -> None:
    raw = body(webhook_code="PENDING_DISCONNECT", disconnect_time=odd, reason=odd)
    said = translate(raw)[-1]
    told = notice_of(said.stream, said.reason, kit.NOW)
    assert (told.kind, told.until, told.reason) == (NoticeKind.DISCONNECT, None, "")
