"""The emulator: who hears of an edit, and equal seeds with equal histories."""

from __future__ import annotations

import json

from rowcol.sandbox.qbo import Switches
from tests.sandbox.qbo.rig import Rig


async def test_only_connected_realms_send(rig: Rig) -> None:
    other = rig.emulator.add_company("Other")
    other.books.create("Vendor", {"DisplayName": "V"})
    rig.emulator.revoke_consent(rig.realm)
    rig.vendor()
    assert await rig.emulator.flush() == 0


async def test_own_writes_echo_unless_switched_off() -> None:
    for is_on in (True, False):
        rig = Rig(Switches(echo_own_writes=is_on))
        await rig.ok("POST", "vendor", {"DisplayName": "V"})
        assert await rig.emulator.run_due(rig.clock.now()) == is_on


async def test_linked_changes_are_a_switch() -> None:
    for is_on in (True, False):
        rig = Rig(Switches(webhook_linked_changes=is_on))
        vendor = rig.vendor()
        bill = rig.bill(vendor)
        rig.pay(vendor, bill)
        await rig.emulator.flush()
        assert ("qbo.bill.updated.v1" in rig.inbox.types()) is is_on
        assert "qbo.billpayment.created.v1" in rig.inbox.types()


def test_an_edit_stirs_and_is_due_now(rig: Rig) -> None:
    assert rig.emulator.next_event_at() is None
    rig.vendor()
    assert rig.emulator.stirred.is_set()
    assert rig.emulator.next_event_at() == rig.clock.now()


def test_equal_seeds_give_equal_histories() -> None:
    assert (Rig().realm, Rig().token) == (Rig().realm, Rig().token)


async def test_a_merge_names_who_is_gone() -> None:
    rig = Rig()
    loser, winner = rig.vendor("Loser"), rig.vendor("Winner")
    rig.books.merge("Vendor", loser, winner)
    await rig.emulator.flush()
    event = rig.inbox.events()[-1]
    assert (event["type"], event["intuitentityid"]) == ("qbo.vendor.merged.v1", winner)
    assert event["data"] == {"deletedid": loser}


async def test_a_merge_in_the_legacy_form() -> None:
    rig = Rig(Switches(webhook_format="legacy"))
    loser, winner = rig.vendor("Loser"), rig.vendor("Winner")
    rig.books.merge("Vendor", loser, winner)
    await rig.emulator.flush()
    (notification,) = json.loads(rig.inbox.deliveries[-1][1])["eventNotifications"]
    entity = notification["dataChangeEvent"]["entities"][-1]
    assert notification["realmId"] == rig.realm
    assert (entity["name"], entity["operation"]) == ("Vendor", "Merge")
    assert (entity["id"], entity["deletedId"]) == (winner, loser)


async def test_what_is_remembered_is_bounded_and_counts_are_not() -> None:
    rig = Rig(Switches(enforce_limits=False), kept_max=10)
    for n in range(50):
        await rig.ok("POST", f"vendor?requestid={n}", {"DisplayName": f"V{n}"})
        await rig.ok("GET", "preferences")
    meter = rig.emulator.meter
    assert 5 <= len(meter.requests) <= 10
    assert meter.requests[-1].operation == "read"
    assert meter.report(rig.clock.now())["n_requests"] == 100
    assert meter.report(rig.clock.now())["peaks"][rig.realm]["per_minute"] == 100
    assert meter.month(rig.clock.now()) == 50
