"""Calls: a write's answer is the row, what is gone is a tombstone, and a revoked grant is over."""

from __future__ import annotations

import pytest

from rowcol.core.evidence import Health
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Look, Reading
from rowcol.rails.qbo.calls import read_object
from rowcol.rails.qbo.records import Unreadable
from tests.rails.qbo import kit

RAIL = kit.RAIL


def read(name: str) -> Reading:
    exchange = kit.exchange(name)
    state = kit.state(facts={"is_read_only": True, "token": "renewed"})
    return kit.reading(RAIL.read(exchange.look, exchange.response, state))


@pytest.mark.parametrize(
    ("name", "entity", "version"),
    [
        ("create.bill.ok", "Bill", "0"),
        ("update.bill.sparse", "Bill", "2"),
        ("update.vendor.inactivate", "Vendor", "1"),
        ("void.billpayment.ok", "BillPayment", "1"),
        ("read.bill.ok", "Bill", "1"),
    ],
)
def test_the_answer_is_the_row(name: str, entity: str, version: str) -> None:
    [row] = read(name).rows
    assert row.entity == entity
    assert row.body is not None
    assert row.remote_version.isdecimal()
    assert row.remote_version >= ("0" if version == "0" else "1")


def test_a_call_moves_no_cursor() -> None:
    for name in ("read.bill.ok", "query.bill.page", "report.balancesheet.ok", "create.bill.ok"):
        after = read(name).state
        assert (after.cursor, after.looked_at) == (kit.state().cursor, kit.state().looked_at)
        assert "token" not in after.facts


def test_a_write_that_works_ends_read_only() -> None:
    assert "is_read_only" not in read("create.bill.ok").state.facts
    assert read("read.bill.ok").state.facts["is_read_only"] is True


def test_a_deleted_object_is_a_tombstone() -> None:
    [row] = read("delete.bill.ok").rows
    exchange = kit.exchange("read.bill.deleted")
    failure = kit.failed(RAIL.read(exchange.look, exchange.response, kit.state()))
    assert failure.outcome is Outcome.NOT_FOUND
    for found in (row, *failure.gone):
        assert (found.entity, found.remote_id, found.body) == ("Bill", "bill_id", None)


def test_what_is_gone_and_not_mirrored_is_a_failure() -> None:
    look = Look("entity.get", {"entity": "Item", "id": "1"})
    assert kit.failed(RAIL.read(look, kit.fault("610"), kit.state())).outcome is Outcome.NOT_FOUND


def test_an_account_without_a_time_of_change_is_kept() -> None:
    [row] = read("create.account.ok").rows
    assert row.remote_at is None


def test_a_report_keeps_nothing() -> None:
    assert read("report.balancesheet.ok").rows == ()


def test_the_company_tells_its_name() -> None:
    assert read("read.companyinfo.ok").state.facts["institution_name"] == "Larkspur Landscaping"


def test_other_objects_are_not_mirrored() -> None:
    answer = kit.response({"Item": {"Id": "1"}, "time": "t"})
    look = Look("entity.create", {"entity": "Item"})
    assert kit.reading(read_object(look, answer, kit.state())).rows == ()


@pytest.mark.parametrize("body", [{}, {"time": "t"}, {"Fault": {"Error": []}}, {"Vendor": {}}])
def test_a_success_without_what_was_asked_for_is_none(body: dict[str, object]) -> None:
    for endpoint, entity in (("entity.get", "bill"), ("entity.create", "Bill")):
        with pytest.raises(Unreadable, match=r"no such [bB]ill"):
            read_object(Look(endpoint, {"entity": entity}), kit.response(body), kit.state())


@pytest.mark.parametrize("name", ["revoke.ok", "revoke.already_revoked"])
def test_a_revoked_grant_is_over(name: str) -> None:
    assert read(name).state.health is Health.RETIRED


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (503, b"", Outcome.TRY_AGAIN),
        (401, b'{"error":"invalid_client"}', Outcome.BAD_CREDENTIALS),
        (400, b'{"error":"invalid_request"}', Outcome.BAD_REQUEST),
        (400, b"<html>", Outcome.UNREADABLE),
        (200, b"<html>", Outcome.UNREADABLE),
        (200, b'{"error":"invalid_client"}', Outcome.BAD_CREDENTIALS),
        (200, b'{"Fault":{"Error":[{"code":"3001"}]}}', Outcome.RATE_LIMITED),
        (200, b'{"fault":{"error":[]}}', Outcome.UNREADABLE),
    ],
)
def test_a_revocation_that_failed_is_not_over(status: int, body: bytes, outcome: Outcome) -> None:
    failure = kit.failed(RAIL.read(Look("token.revoke"), kit.response(body, status), kit.state()))
    assert failure.outcome is outcome
    assert failure.state.health is not Health.RETIRED
