"""Webhooks: signatures, the ladder, head-of-line blocking over realms, gathering, weather."""

from __future__ import annotations

import json
from datetime import timedelta

from rowcol.sandbox.qbo import Switches, Weather
from rowcol.sandbox.qbo.webhooks import SIGNATURE, signature
from tests.sandbox.qbo.rig import HOOK, Rig


async def test_a_signed_delivery(rig: Rig) -> None:
    vendor = rig.vendor()
    await rig.emulator.run_due(rig.clock.now())
    url, body, headers = rig.inbox.deliveries[0]
    assert url == HOOK
    assert headers[SIGNATURE] == signature(body, "qbo-verifier")
    assert json.loads(body)[0]["intuitentityid"] == vendor


async def test_a_failure_holds_back_everything_else(rig: Rig) -> None:
    second = rig.emulator.add_company("Second")
    rig.emulator.tokens.exchange(
        rig.emulator.consent("qbo-client", second.realm_id), "qbo-client", None, rig.clock.now()
    )
    rig.inbox.status = 500
    rig.vendor()
    second.books.create("Vendor", {"DisplayName": "V"})
    assert await rig.emulator.run_due(rig.clock.now()) == 1
    assert rig.emulator.next_event_at() == rig.clock.now() + timedelta(seconds=10)
    rig.wait(seconds=5)
    assert await rig.emulator.run_due(rig.clock.now()) == 0
    rig.inbox.status = 200
    rig.wait(seconds=5)
    assert await rig.emulator.run_due(rig.clock.now()) == 2
    realms = [event["intuitaccountid"] for event in rig.inbox.events()]
    assert realms == [rig.realm, rig.realm, second.realm_id]


async def test_the_ladder_ends_in_six_hours_again_and_again(rig: Rig) -> None:
    rig.inbox.status = None
    rig.vendor()
    steps = []
    for _ in range(10):
        at = rig.emulator.next_event_at()
        assert at is not None
        steps.append((at - rig.clock.now()).total_seconds())
        rig.clock.advance_to(at)
        await rig.emulator.run_due(at)
    assert steps == [0, 10, 20, 30, 300, 1_200, 7_200, 14_400, 21_600, 21_600]


async def test_without_blocking_the_others_pass() -> None:
    rig = Rig(Switches(head_of_line_blocking=False))
    rig.inbox.status = 500
    rig.vendor("A")
    await rig.emulator.run_due(rig.clock.now())
    rig.wait(seconds=1)
    rig.vendor("B")
    assert await rig.emulator.run_due(rig.clock.now()) == 1


async def test_events_gather_per_realm_or_over_all() -> None:
    for is_multi, n_posts in ((False, 2), (True, 1)):
        rig = Rig(Switches(webhook_gather_s=5, multi_realm_posts=is_multi))
        second = rig.emulator.add_company("Second")
        code = rig.emulator.consent("qbo-client", second.realm_id)
        rig.emulator.tokens.exchange(code, "qbo-client", None, rig.clock.now())
        rig.vendor("A")
        rig.wait(seconds=3)
        rig.vendor("B")
        second.books.create("Vendor", {"DisplayName": "V"})
        rig.wait(seconds=6)
        assert await rig.emulator.run_due(rig.clock.now()) == n_posts
        assert len(rig.inbox.events()) == 3


async def test_weather(rig: Rig) -> None:
    rig.emulator.outbox.weather = Weather(lost_share=1)
    rig.vendor("A")
    await rig.emulator.flush()
    assert rig.inbox.deliveries == []
    rig.emulator.outbox.weather = Weather(duplicated_share=1, delay_fixed_s=60)
    rig.wait(seconds=1)
    rig.vendor("B")
    assert await rig.emulator.run_due(rig.clock.now()) == 0
    rig.wait(seconds=60)
    assert await rig.emulator.run_due(rig.clock.now()) == 2
    first, second = rig.inbox.events()
    assert first["id"] == second["id"]
    rig.emulator.outbox.weather = Weather(reordered_share=1, delay_median_s=5)
    rig.vendor("C")
    assert (rig.emulator.next_event_at() or rig.clock.now()) > rig.clock.now()
    assert rig.emulator.outbox.report()["outcomes"] == {"delivered": 2, "retry": 0, "lost": 1}
