"""Events: both spellings of one change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rowcol.sandbox.qbo import Switches
from rowcol.sandbox.qbo.events import Event, body_of

AT = datetime(2026, 1, 5, 9, 0, 0, 123_000, tzinfo=UTC)
MERGE = Event("e1", "42", "Vendor", "7", "merge", AT, "6")
VOID = Event("e2", "42", "BillPayment", "9", "void", AT)


def test_cloud_events() -> None:
    merge, void = json.loads(body_of([MERGE, VOID], Switches()))
    assert merge["type"] == "qbo.vendor.merged.v1"
    assert merge["time"] == "2026-01-05T09:00:00.123000000Z"
    assert (merge["intuitentityid"], merge["intuitaccountid"]) == ("7", "42")
    assert merge["data"] == {"deletedid": "6"}
    assert (void["type"], void["data"]) == ("qbo.billpayment.void.v1", {})


def test_the_other_void() -> None:
    body: Any = json.loads(body_of([VOID], Switches(void_suffix="voided")))
    assert body[0]["type"] == "qbo.billpayment.voided.v1"


def test_legacy() -> None:
    body = json.loads(body_of([MERGE], Switches(webhook_format="legacy")))
    notification = body["eventNotifications"][0]
    assert notification["realmId"] == "42"
    assert notification["dataChangeEvent"]["entities"] == [
        {
            "name": "Vendor",
            "id": "7",
            "operation": "Merge",
            "lastUpdated": "2026-01-05T09:00:00.123Z",
            "deletedId": "6",
        }
    ]
