"""Store contract, stateful: inbox, leases and fences of any store against a naive model, in any order of events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from rowcol.core import change as c
from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import RouteState
from rowcol.core.ids import ConnectionId, DeliveryId
from rowcol.ports import FullStore
from tests.contracts.values import T0, TOKEN, A, connection, furnish, incoming

LEASE_S = 15
NAMES = ("c0", "c1", "c2")
LONG_AGO = T0 - timedelta(days=9)

Open = Callable[[], Awaitable[FullStore]]


class Model:
    """What should be, without SQL, heaps or cleverness."""

    def __init__(self) -> None:
        self.routes: dict[str, tuple[str, RouteState, datetime]] = {}
        self.next_at: dict[str, datetime] = {}
        self.until: dict[str, datetime] = {}
        self.fence: dict[str, int] = {}
        self.cursor: dict[str, str] = {}

    def due_at(self, name: str) -> datetime:
        received = [
            at
            for owner, state, at in self.routes.values()
            if owner == name and state is RouteState.RECEIVED
        ]
        return min([self.next_at[name], *received])

    def claimable(self, now: datetime) -> set[str]:
        return {n for n in self.fence if self.until[n] <= now and self.due_at(n) <= now}

    def next_due_at(self) -> datetime | None:
        return min((max(self.due_at(n), self.until[n]) for n in self.fence), default=None)


class StoreMachine(RuleBasedStateMachine):
    """Subclasses say how to `open_store`."""

    open_store: Open

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.now = T0
        self.leases: list[c.Lease] = []
        self.made = 0
        self.keys: dict[str, str] = {}

    def run_async(self, made: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await made

        return self.runner.run(wait())

    @initialize()
    def begin(self) -> None:
        self.store: FullStore = self.run_async(type(self).open_store())
        self.run_async(furnish(self.store, A))

    @override
    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.run_async(self.store.close())
        self.runner.close()

    @rule(seconds=st.sampled_from([1, 7, 15, 40]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(name=st.sampled_from(NAMES))
    def connect(self, name: str) -> None:
        if name in self.model.fence:
            return
        made = connection(name, created_at=self.now)
        self.run_async(self.store.add_connection(A, made, TOKEN))
        model = self.model
        model.next_at[name], model.until[name], model.fence[name] = self.now, LONG_AGO, 0
        model.cursor[name] = ""
        for key, (owner, state, at) in model.routes.items():
            if owner == name and state is RouteState.UNMATCHED:
                model.routes[key] = (owner, RouteState.RECEIVED, at)

    @rule(batch=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 9)), max_size=6))
    def deliver(self, batch: list[tuple[str, int]]) -> None:
        made = []
        expected = []
        for name, number in batch:
            self.made += 1
            key = f"{name}_{number}"
            made.append(incoming(f"{self.made:05}", f"item_{name}", at=self.now, key=key))
            expected.append(key not in self.model.routes)
            self.keys[made[-1].id] = key
            is_known = name in self.model.fence
            state = RouteState.RECEIVED if is_known else RouteState.UNMATCHED
            self.model.routes.setdefault(key, (name, state, self.now))
        assert self.run_async(self.store.receive(made)) == tuple(expected)

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        wanted = self.model.claimable(self.now)
        taken = self.run_async(self.store.claim("me", self.now, LEASE_S, limit))
        assert len(taken) == min(limit, len(wanted))
        for lease in taken:
            assert lease.subject in wanted
            self.model.fence[lease.subject] += 1
            assert lease.fence == self.model.fence[lease.subject]
            self.model.until[lease.subject] = lease.until
        self.leases += taken

    def _holds(self, lease: c.Lease) -> bool:
        """Its fence is in force and it was not given back."""
        return lease.fence == self.model.fence[lease.subject]

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), wait_s=st.integers(0, 60), releases=st.booleans())
    def commit(self, data: st.DataObject, wait_s: int, releases: bool) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        view = self.run_async(self.store.read_view(A, ConnectionId(lease.subject)))
        drained = tuple(each.id for each in view.pending)
        next_at = self.now + timedelta(seconds=wait_s)
        label = f"{lease.fence}_{wait_s}"
        change = c.Change(
            lease,
            state=ConnectionState(cursor=label),
            drained=drained,
            next_at=next_at,
            releases=releases,
        )
        done = self.run_async(self.store.commit(A, change))
        assert done.is_fenced is not self._holds(lease)
        if done.is_fenced:
            return
        self.model.next_at[lease.subject] = next_at
        self.model.cursor[lease.subject] = label
        if releases:
            self.model.until[lease.subject] = LONG_AGO
        for key, (owner, state, at) in self.model.routes.items():
            if owner == lease.subject and state is RouteState.RECEIVED:
                self.model.routes[key] = (owner, RouteState.DRAINED, at)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def renew_or_release(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        is_held = self._holds(lease) and self.model.until[lease.subject] != LONG_AGO
        if data.draw(st.booleans()):
            self.run_async(self.store.renew([lease], self.now, LEASE_S))
            if is_held:
                self.model.until[lease.subject] = self.now + timedelta(seconds=LEASE_S)
        else:
            self.run_async(self.store.release(lease, None))
            if is_held:
                self.model.until[lease.subject] = LONG_AGO

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        listed = self.run_async(self.store.list_deliveries(A, state=RouteState.DRAINED))
        if not listed:
            assert not self.run_async(self.store.replay(A, DeliveryId("del_none")))
            return
        chosen = data.draw(st.sampled_from(listed))
        assert self.run_async(self.store.replay(A, chosen.id))
        owner, _, at = self.model.routes[self.keys[chosen.id]]
        self.model.routes[self.keys[chosen.id]] = (owner, RouteState.RECEIVED, at)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "store"):
            return
        mine = self.run_async(self.store.list_deliveries(A, limit=999))
        lost = self.run_async(self.store.list_unmatched(limit=999))
        seen = sorted((d.remote_id, d.state, d.received_at) for d in (*mine, *lost))
        wanted = sorted((f"item_{n}", s, at) for n, s, at in self.model.routes.values())
        assert seen == wanted
        assert self.run_async(self.store.next_due_at()) == self.model.next_due_at()
        connections = self.run_async(self.store.list_connections(A))
        assert {k.id: k.state.cursor for k in connections} == self.model.cursor


def machine_of(open_store: Open, max_examples: int) -> Any:
    """A test case of the machine on one kind of store."""
    made: Any = type("Machine", (StoreMachine,), {"open_store": staticmethod(open_store)})
    case = made.TestCase
    case.settings = settings(max_examples=max_examples, stateful_step_count=25, deadline=None)
    return case
