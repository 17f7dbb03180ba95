"""The inbox: acknowledged means on disk; a copy is one delivery; a flood costs the keys' quota and no more."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rowcol.core.delivery import Incoming, RouteState, Verdict
from rowcol.core.outcome import Outcome
from rowcol.core.wire import MAX_DELIVERY_BYTES, RawDelivery, Silence
from rowcol.engine.inbox import BATCH_MAX, JUDGED_MAX, UNREADABLE, Batcher, Received, Reception
from tests.fakes import T0
from tests.rig import APP, FIRM, Rig, rig


def raw(body: bytes = b"MOVED:item-1#1", key: str = "k1") -> RawDelivery:
    return RawDelivery({"key": key} if key else {}, body, T0)


async def states(it: Rig) -> list[RouteState]:
    return [listed.state for listed in await it.plane.store.list_deliveries(FIRM)]


async def test_a_delivery_is_stored_then_drained_by_reconcile(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.settle()
        received = await it.plane.inbox.receive(APP, raw())
        assert received.reception is Reception.ACCEPTED
        assert await states(it) == [RouteState.RECEIVED]
        it.bank.calls.clear()
        await it.advance(minutes=2)
        assert await states(it) == [RouteState.DRAINED]
        assert it.bank.calls[0] == "status"


async def test_a_copy_is_one_delivery(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        answers = [await it.plane.inbox.receive(APP, raw()) for _ in range(3)]
        together = await asyncio.gather(*(it.plane.inbox.receive(APP, raw()) for _ in range(5)))
        assert [a.reception for a in answers] == [
            Reception.ACCEPTED,
            Reception.DUPLICATE,
            Reception.DUPLICATE,
        ]
        assert {a.reception for a in together} == {Reception.DUPLICATE}
        assert len(await states(it)) == 1


async def test_an_unknown_login_is_kept_as_unmatched(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.plane.inbox.receive(APP, raw(b"MOVED:nobody#1"))
        assert await states(it) == []
        (unmatched,) = await it.plane.store.list_unmatched()
        assert unmatched.state is RouteState.UNMATCHED


@pytest.mark.parametrize(
    ("body", "key", "expected"),
    [
        (b"MOVED:item-1#1", "", Reception.REJECTED),
        (b"x" * (MAX_DELIVERY_BYTES + 1), "k1", Reception.TOO_LARGE),
    ],
)
async def test_bad_deliveries_are_not_stored(
    tmp_path: Path, body: bytes, key: str, expected: Reception
) -> None:
    async with rig(tmp_path) as it:
        received = await it.plane.inbox.receive(APP, raw(body, key))
        assert received.reception is expected
        assert await states(it) == []


async def test_what_is_signed_and_cannot_be_read_is_kept(tmp_path: Path) -> None:
    """Its sender would try again for a day, hold back what comes after it, and then lose it."""
    async with rig(tmp_path) as it:
        received = await it.plane.inbox.receive(APP, raw(b"no login", "k1"))
        assert received.reception is Reception.ACCEPTED
        (kept,) = await it.plane.store.list_unmatched()
        assert (kept.kind, kept.state) == (UNREADABLE, RouteState.UNMATCHED)


async def test_what_cannot_be_translated_is_parked_and_can_be_replayed(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        received = await it.plane.inbox.receive(APP, raw(b"BROKEN:item-1#1"))
        await it.settle()
        assert await states(it) == [RouteState.PARKED]
        assert received.delivery is not None
        assert await it.plane.store.replay(FIRM, received.delivery)
        assert await states(it) == [RouteState.RECEIVED]


async def test_one_key_is_fetched_once_for_many(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        bodies = [f"MOVED:item-1#{n}".encode() for n in range(20)]
        await asyncio.gather(*(it.plane.inbox.receive(APP, raw(body)) for body in bodies))
        assert it.bank.calls.count("key") == 1
        assert len(await states(it)) == 20


async def test_a_key_the_rail_does_not_know_is_not_asked_for_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.bank.fails["key"] = Outcome.BAD_REQUEST
        answers = [await it.plane.inbox.receive(APP, raw(key="forged")) for _ in range(5)]
        assert {a.reception for a in answers} == {Reception.REJECTED}
        assert it.bank.calls.count("key") == 1


async def test_while_the_key_cannot_be_fetched_the_sender_comes_back(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.bank.fails["key"] = Silence.NOT_SENT
        assert (await it.plane.inbox.receive(APP, raw())).reception is Reception.BUSY
        del it.bank.fails["key"]
        assert (await it.plane.inbox.receive(APP, raw())).reception is Reception.ACCEPTED


async def test_a_stored_key_serves_the_next_process(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.plane.inbox.receive(APP, raw())
        it.plane.inbox._keys._fresh.clear()
        it.bank.fails["key"] = Silence.NOT_SENT
        again = await it.plane.inbox.receive(APP, raw(b"MOVED:item-1#2"))
        assert again.reception is Reception.ACCEPTED


async def test_more_than_are_judged_at_once_are_all_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one among them that the rail trips over, which takes no other with it."""
    async with rig(tmp_path) as it:
        await it.plane.inbox.receive(APP, raw())
        rail = it.plane.inbox._rails[APP.rail]
        authenticate = rail.authenticate

        def trips(delivery: RawDelivery, *rest: Any) -> Verdict:
            if delivery.body == b"MOVED:item-1#7":
                raise ZeroDivisionError
            return authenticate(delivery, *rest)

        monkeypatch.setattr(rail, "authenticate", trips)
        bodies = [b"MOVED:item-1#%d" % n for n in range(2, 2 * JUDGED_MAX + 5)]
        answers = await asyncio.gather(
            *(it.plane.inbox.receive(APP, raw(body)) for body in bodies), return_exceptions=True
        )
        assert isinstance(answers.pop(5), ZeroDivisionError)
        assert {a.reception for a in answers if isinstance(a, Received)} == {Reception.ACCEPTED}
        assert len(await it.plane.store.list_deliveries(FIRM, limit=200)) == len(answers) + 1


async def test_a_sender_who_leaves_takes_no_other_with_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.plane.inbox.receive(APP, raw())
        sent = [
            asyncio.create_task(it.plane.inbox.receive(APP, raw(b"MOVED:item-1#%d" % n)))
            for n in range(2, 6)
        ]
        await asyncio.sleep(0)  # noqa: TID251 - lets them arrive
        sent[1].cancel()
        answers = await asyncio.gather(*sent, return_exceptions=True)
        assert isinstance(answers.pop(1), asyncio.CancelledError)
        assert {a.reception for a in answers if isinstance(a, Received)} == {Reception.ACCEPTED}
        await it.plane.inbox.drain()


class SlowDisk:
    """A store that commits when told to, and can refuse."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.may_commit = asyncio.Event()
        self.error: Exception | None = None

    async def receive(self, incoming: Sequence[Incoming]) -> tuple[bool, ...]:
        await self.may_commit.wait()
        self.batches.append(len(incoming))
        if self.error is not None:
            raise self.error
        return (True,) * len(incoming)


class NoBell:
    def ring(self, topic: str) -> None:
        return


def batcher(disk: SlowDisk, queue_max: int) -> Batcher:
    return Batcher(disk, NoBell(), queue_max)  # type: ignore[arg-type]


async def stored(inbox: Batcher, number: int) -> Reception:
    settled = asyncio.get_running_loop().create_future()
    inbox.put(incoming(number), settled)
    received: Received = await settled
    return received.reception


def incoming(number: int) -> Incoming:
    return Incoming(str(number), "tally", APP.id, (), "MOVED", str(number), T0, T0, b"")  # type: ignore[arg-type]


async def test_what_arrives_together_shares_one_transaction() -> None:
    disk = SlowDisk()
    inbox = batcher(disk, 10_000)
    waiting = [asyncio.create_task(stored(inbox, n)) for n in range(BATCH_MAX + 5)]
    await asyncio.sleep(0)  # noqa: TID251 - lets them queue
    disk.may_commit.set()
    assert set(await asyncio.gather(*waiting)) == {Reception.ACCEPTED}
    assert disk.batches == [BATCH_MAX, 5]


async def test_a_full_queue_refuses_and_loses_nothing_it_took() -> None:
    disk = SlowDisk()
    inbox = batcher(disk, 4)
    waiting = [asyncio.create_task(stored(inbox, n)) for n in range(10)]
    await asyncio.sleep(0)  # noqa: TID251 - lets them queue
    disk.may_commit.set()
    done = await asyncio.gather(*waiting)
    refused = done.count(Reception.BUSY)
    assert refused
    assert sum(disk.batches) == 10 - refused == done.count(Reception.ACCEPTED)


async def test_a_disk_that_refuses_tells_every_sender() -> None:
    disk = SlowDisk()
    disk.may_commit.set()
    disk.error = OSError("disk full")
    inbox = batcher(disk, 10)
    done = await asyncio.gather(*(stored(inbox, n) for n in range(3)))
    assert set(done) == {Reception.BUSY}
    disk.error = None
    assert await stored(inbox, 4) is Reception.ACCEPTED
