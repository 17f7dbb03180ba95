"""Looks: nothing is read that nobody asked for, and nothing twice for the same question."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import RemoteId
from rowcol.core.rail import CannotHelp, Deed, Look
from rowcol.rails.qbo.looks import free_look
from rowcol.rails.qbo.spec import ENTITIES
from tests.rails.qbo import kit


def test_books_that_were_never_read_are_listed() -> None:
    asked = ConnectionState(facts={"home_currency": "CAD", "currency_asked_at": str(kit.NOW)})
    for want in (kit.wanted(), kit.wanted(None)):
        assert free_look(asked, want) == Look("companyinfo.get", {}, is_full=True, is_page=True)


def test_a_question_reads_what_changed() -> None:
    look = free_look(kit.state(), kit.wanted())
    assert look == Look(
        "cdc", {"entities": ",".join(ENTITIES), "changed_since": kit.state().cursor}
    )


def test_a_delivery_alone_reads_nothing() -> None:
    assert free_look(kit.state(dirty={"Bill": "said"}), kit.wanted(None)) is None
    assert free_look(kit.state(looked_at=kit.NOW), kit.wanted()) is None


@pytest.mark.parametrize(("days", "is_full"), [(29, False), (30, True)])
def test_a_month_unread_is_listed(days: int, is_full: bool) -> None:
    old = kit.state(cursor=(kit.NOW - timedelta(days=days)).isoformat())
    look = free_look(old, kit.wanted())
    assert look is not None
    assert look.is_full is is_full


@pytest.mark.parametrize("health", list(Health))
def test_only_what_a_call_may_end_is_tried(health: Health) -> None:
    is_parked = health in (Health.NEEDS_RECONNECT, Health.RETIRED, Health.UNSUPPORTED)
    assert (free_look(kit.state(health=health), kit.wanted()) is None) is is_parked


def test_an_unfinished_reading_comes_first() -> None:
    listing = kit.state(
        page='{"entities":["Vendor","Bill"],"since":"2026-11-24T00:00:00Z","start":1001}'
    )
    arguments: dict[str, str | int | bool | None] = {
        "entity": "Vendor",
        "start": 1001,
        "since": "2026-11-24T00:00:00Z",
    }
    for want in (kit.wanted(), kit.wanted(None)):
        assert free_look(listing, want) == Look("query", arguments, is_page=True), (
            "one type is part of reading what changed"
        )
    saturated = kit.state(page='{"entities":["Vendor"],"cdc":["Bill","Invoice"]}')
    look = free_look(saturated, kit.wanted(None))
    assert look is not None
    assert look.arguments["entities"] == "Bill,Invoice"


def test_changes_unread_for_a_month_are_listed_though_half_of_them_was_read() -> None:
    old = (kit.NOW - timedelta(days=40)).isoformat()
    saturated = kit.state(page='{"entities":["Vendor"],"cdc":["Bill"]}', cursor=old)
    after, readings = kit.run(kit.Company({"Bill": [kit.row(1)]}), saturated, kit.wanted(None))
    assert kit.ids(readings, "Bill") == {"1"}
    assert set(readings[-1].replaces) == set(ENTITIES)
    assert after.cursor > old


def test_a_page_that_is_none_is_forgotten() -> None:
    assert free_look(kit.state(page="x"), kit.wanted(None)) is None


def test_rows_are_asked_for_by_their_ids() -> None:
    ids = [RemoteId(str(n)) for n in range(1, 1201)]
    looks = kit.RAIL.rows_looks("Bill", [*ids, ids[0]])
    assert len(looks) == 3
    asked = [each for look in looks for each in re.findall(r"'(\d+)'", str(look.arguments))]
    assert asked == ids
    two = [RemoteId("vendor_id"), RemoteId("vendor_id_2")]
    assert kit.RAIL.rows_looks("Vendor", two) == (kit.exchange("query.vendor.in_list").look,)
    assert kit.RAIL.rows_looks("Bill", []) == ()
    assert kit.RAIL.rows_looks("Nothing", two) == kit.RAIL.rows_looks("CompanyInfo", two) == ()
    assert kit.RAIL.rows_looks("Bill", [RemoteId("1') OR ('1'='1")]) == ()


def test_nothing_is_bought() -> None:
    assert isinstance(kit.RAIL.paid_look(kit.state()), CannotHelp)


def test_only_the_grant_can_be_ended() -> None:
    assert kit.RAIL.deed_look(Deed.REMOVE, kit.state(), "") == Look("token.revoke")
    retired = kit.state(health=Health.RETIRED)
    assert isinstance(kit.RAIL.deed_look(Deed.REMOVE, retired, ""), CannotHelp)
    for deed in (Deed.POINT_WEBHOOK, Deed.REFRESH):
        assert isinstance(kit.RAIL.deed_look(deed, kit.state(), ""), CannotHelp)
