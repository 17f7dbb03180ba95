"""The emulator: who hears of an edit, and equal seeds with equal histories."""

from __future__ import annotations

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
