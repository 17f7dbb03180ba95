"""The agenda: events in order of time; what no longer holds is dropped."""

from __future__ import annotations

from datetime import timedelta

from rowcol.sandbox.plaid.agenda import Agenda, EventKind
from tests.sandbox.rig import Rig


def test_events_come_in_order_and_not_early(rig: Rig) -> None:
    item = rig.item()
    agenda = Agenda(rig.emulator.items)
    later_at, sooner_at = rig.now + timedelta(hours=2), rig.now + timedelta(hours=1)
    agenda.plan(later_at, EventKind.REFRESH, item)
    agenda.plan(sooner_at, EventKind.INITIAL, item)
    assert agenda.take_due(rig.now) is None
    assert agenda.take_due(later_at) == (sooner_at, EventKind.INITIAL, item)
    assert agenda.take_due(later_at) == (later_at, EventKind.REFRESH, item)
    assert agenda.next_at() is None


def test_only_the_pull_at_next_pull_at_counts(rig: Rig) -> None:
    item = rig.item()
    agenda = Agenda(rig.emulator.items)
    at = rig.now + timedelta(hours=1)
    agenda.plan(at, EventKind.PULL, item)
    assert agenda.next_at() is None
    item.next_pull_at = at
    agenda.plan(at, EventKind.PULL, item)
    assert agenda.next_at() == at
    agenda.is_frozen = True
    assert agenda.next_at() is None


def test_a_removed_item_has_no_events(rig: Rig) -> None:
    item = rig.item()
    rig.emulator.remove(item)
    assert rig.emulator.next_event_at() is None
