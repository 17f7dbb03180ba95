"""Webhook: only what Intuit signed gets in, both body forms are read, and nothing makes it raise more than `ValueError`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.delivery import Authentic, Signal, Unauthentic
from rowcol.core.wire import MAX_DELIVERY_BYTES
from rowcol.rails.qbo.spec import EVENTS
from tests.rails.qbo import kit

RAIL = kit.RAIL
SECRETS = {"verifier_token": kit.VERIFIER}
BODY = (kit.TESTS / "deliveries" / "qbo" / "bill.updated.json").read_bytes()
WORKED = "SRbty0dOQYYuuTIAq4wLl86rp2M+fBJfxnlzbB7WZ5A="
"""Of the README beside the file."""
named = pytest.mark.parametrize("path", [*kit.DELIVERIES, *kit.FORMS], ids=lambda p: p.stem)


@named
def test_a_signed_delivery_is_let_in_once(path: Path) -> None:
    body = path.read_bytes()
    first = RAIL.authenticate(kit.delivery(body), {}, SECRETS)
    assert isinstance(first, Authentic)
    assert first == RAIL.authenticate(kit.delivery(body, name="Intuit-Signature"), {}, SECRETS)
    assert (first.signed_at, len(first.dedup_key)) == (None, 32)
    other = RAIL.authenticate(kit.delivery(body + b" "), {}, SECRETS)
    assert isinstance(other, Authentic)
    assert other.dedup_key != first.dedup_key


def test_the_worked_example_holds() -> None:
    assert kit.signature(BODY) == WORKED
    assert isinstance(RAIL.authenticate(kit.delivery(BODY, WORKED), {}, SECRETS), Authentic)


@pytest.mark.parametrize(
    "header", ["", "x", WORKED[:-1], WORKED.lower(), "ä" * 44, "A" * 10_000, "\udcff"]
)
def test_any_other_signature_is_refused(header: str) -> None:
    assert isinstance(RAIL.authenticate(kit.delivery(BODY, header), {}, SECRETS), Unauthentic)


@pytest.mark.parametrize("secrets", [{}, {"verifier_token": ""}, {"verifier_token": "other"}])
def test_without_the_right_secret_nothing_gets_in(secrets: dict[str, str]) -> None:
    """Also not what is signed with an empty key."""
    for key in (kit.VERIFIER, ""):
        signed = kit.delivery(BODY, kit.signature(BODY, key))
        assert isinstance(RAIL.authenticate(signed, {}, secrets), Unauthentic)


def test_a_truncated_or_huge_body_is_refused() -> None:
    assert isinstance(RAIL.authenticate(kit.delivery(BODY[:-1], WORKED), {}, SECRETS), Unauthentic)
    huge = b" " * (MAX_DELIVERY_BYTES + 1)
    assert isinstance(RAIL.authenticate(kit.delivery(huge), {}, SECRETS), Unauthentic)


@pytest.mark.parametrize("path", kit.DELIVERIES, ids=lambda p: p.stem)
def test_a_declared_event_means_what_the_spec_says(path: Path) -> None:
    entity, operation = path.stem.split(".")
    body = path.read_bytes()
    assert RAIL.route(body) == (f"qbo.{path.stem}", (kit.REALM,))
    assert RAIL.translate(body, kit.REALM) == EVENTS[entity, operation]
    assert RAIL.translate(body, kit.OTHER_REALM) == ()


@pytest.mark.parametrize("path", kit.FORMS, ids=lambda p: p.stem)
def test_every_form_is_read(path: Path) -> None:
    body = path.read_bytes()
    kind, realms = RAIL.route(body)
    assert kind.isprintable()
    assert set(realms) <= {kit.REALM, kit.OTHER_REALM}
    assert bool(realms) != path.stem.endswith("empty")
    for realm in realms:
        signals = RAIL.translate(body, realm)
        assert signals
        assert len({s.stream for s in signals}) == len(signals)
    assert (len(realms) == 2) == path.stem.endswith("multi_realm")
    is_odd = path.stem.startswith("unknown_") and path.stem not in (
        "unknown_key",
        "unknown_version",
    )
    is_odd |= path.stem == "legacy.unknown_entity"
    assert is_odd == any(s.stream == "books" for r in realms for s in RAIL.translate(body, r)), kind


def test_both_forms_say_the_same() -> None:
    older = b'{"eventNotifications":[{"realmId":1269959970,"dataChangeEvent":{"entities":[{"name":"BillPayment","operation":"Create"}]}}]}'
    newer = b'[{"specversion":"1.0","type":"qbo.billpayment.created.v1","intuitaccountid":"1269959970"}]'
    assert RAIL.route(older) == RAIL.route(newer) == ("qbo.billpayment.created", ("1269959970",))
    expected = (Signal("BillPayment", "QuickBooks said a bill payment was created"),)
    realm = RAIL.route(older)[1][0]
    assert RAIL.translate(older, realm) == RAIL.translate(newer, realm) == expected


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"1", b"null", b"[1]", b'[{"type":"x"}]', b"\xff", b"[" * 5000]
)
def test_neither_form_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is ours
        RAIL.route(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["specversion", "type", "intuitaccountid", "eventNotifications", "realmId"]
            )
            | st.sampled_from(["dataChangeEvent", "entities", "name", "operation"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.binary() | _JSON.map(lambda v: json.dumps(v).encode()))
def test_any_body_is_routed_or_refused(body: bytes) -> None:
    try:
        kind, realms = RAIL.route(body)
    except ValueError:
        return
    assert kind
    assert all(r.isdecimal() for r in realms)
    for realm in realms:
        assert RAIL.translate(body, realm)
