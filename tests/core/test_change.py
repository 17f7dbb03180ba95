"""Change: an empty one says nothing, and secrets stay out of what is printed."""

from __future__ import annotations

from dataclasses import fields

from rowcol.core.change import Change, ConnectionView, Lease, SubjectKind
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.ids import AppId, BusinessId, ConnectionId, RemoteId
from rowcol.core.records import Token
from tests.core.builders import FIRM, NOW

LEASE = Lease(FIRM, SubjectKind.CONNECTION, "con_1", "worker-1", NOW, fence=7)


def test_a_change_says_only_what_it_is_given() -> None:
    change = Change(LEASE)
    said = {field.name for field in fields(change) if getattr(change, field.name)}
    assert said == {"lease"}


def test_two_changes_share_nothing() -> None:
    assert Change(LEASE) == Change(LEASE)
    assert Change(LEASE).parked is not Change(LEASE).parked


def test_the_hash_of_a_token_is_not_in_the_repr() -> None:
    assert "abc123" not in repr(Token("abc123", FIRM, "viewer", "laptop", NOW))


def test_the_tokens_of_a_view_are_not_in_its_repr() -> None:
    connection = Connection(
        ConnectionId("c"),
        FIRM,
        BusinessId("b"),
        "rail",
        AppId("main"),
        "sandbox",
        RemoteId("1"),
        "",
        "",
        NOW,
        state=ConnectionState(),
    )
    view = ConnectionView(connection, (), (), (), b"sealed-now", previous_token=b"sealed-before")
    assert "sealed" not in repr(view)
