"""Sessions: a person goes through the hosted page, and whoever comes first finishes it, once."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from rowcol.adapters.memory import MemoryStore
from rowcol.adapters.vault import new_key
from rowcol.core.delivery import SESSION, Incoming, Notice, NoticeKind, RouteState
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, DeliveryId, FirmId, RemoteId
from rowcol.core.records import Business, LinkEnd, LinkKind
from rowcol.core.refusal import Busy, Conflict, NotFound
from rowcol.core.secret import hash_of
from rowcol.core.seldom import Seldom
from rowcol.core.wire import Silence
from rowcol.services import sessions
from rowcol.services.heartbeat import LEASE_S
from tests.fake_plaid import (
    APP,
    BANK,
    CHECKING,
    LOGIN_REQUIRED,
    SAVINGS,
    FakePlaid,
    PlaidRig,
    kinds,
    plaid_rig,
    refusal,
)
from tests.fakes import T0, FakeClock
from tests.rig import BUSINESS, FIRM
from tests.waiting import until

SOON = timedelta(seconds=5)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[PlaidRig]:
    async with plaid_rig(tmp_path) as made:
        yield made


async def begun(it: PlaidRig, *, allow: bool = False) -> str:
    grant = await it.service.begin_connect("plaid", allow_duplicate=allow)
    assert grant.url.startswith("http://page.example/")
    return grant.session


async def after(it: PlaidRig, session: str, wait: timedelta = SOON) -> sessions.Session:
    it.clock.advance(wait)
    return await it.service.session(session)


async def test_a_session_that_was_gone_through_becomes_a_login(it: PlaidRig) -> None:
    session = await begun(it)
    assert (await after(it, session)).ended is None
    it.plaid.goes_through(CHECKING)
    found = await after(it, session)
    assert found.ended is LinkEnd.DONE
    assert found.login is not None
    assert [row.id for row in await it.logins()] == [found.login.id]
    assert it.plaid.count("item.public_token.exchange") == 1
    await it.settle()
    assert (await it.state(found.login)).institution_id == "ins_1"


@pytest.mark.parametrize("is_older", [False, True])
async def test_both_forms_of_a_success_are_read(it: PlaidRig, is_older: bool) -> None:
    session = await begun(it)
    it.plaid.goes_through(CHECKING, is_older=is_older)
    assert (await after(it, session)).ended is LinkEnd.DONE


async def test_the_link_token_and_the_page_are_sealed_and_dropped_at_the_end(it: PlaidRig) -> None:
    session = await begun(it)
    link = await it.plane.store.read_link(FIRM, session)
    assert link is not None
    assert link.sealed is not None
    assert it.plaid.last_link.encode() not in link.sealed
    assert it.plaid.last_link not in repr(link)
    assert (await it.service.session(session)).url == f"http://page.example/{it.plaid.last_link}"
    it.plaid.goes_through()
    assert (await after(it, session)).url == ""
    link = await it.plane.store.read_link(FIRM, session)
    assert link is not None
    assert (link.sealed, link.next_at) == (None, None)


async def test_it_is_asked_on_a_ladder_that_is_bounded(it: PlaidRig) -> None:
    session = await begun(it)
    asked_at = []
    for _ in range(300):
        before = it.plaid.count("link.token.get")
        await after(it, session, timedelta(seconds=1))
        if it.plaid.count("link.token.get") > before:
            asked_at.append(it.clock.now())
    pauses = [(b - a).total_seconds() for a, b in itertools.pairwise(asked_at)]
    assert pauses == sorted(pauses)
    assert (pauses[0], max(pauses)) == (2.0, 60.0)
    it.plaid.opens()
    await after(it, session, timedelta(seconds=61))
    before = it.plaid.count("link.token.get")
    await after(it, session)
    assert it.plaid.count("link.token.get") == before + 1, "quicker while somebody is there"


@pytest.mark.parametrize("key", ["exit", "on_exit"])
async def test_a_person_who_leaves_is_said(it: PlaidRig, key: str) -> None:
    session = await begun(it)
    it.plaid.leaves(key=key)
    found = await after(it, session)
    assert found.ended is None, "the same page is still good"
    assert found.reason == "the person left the page before the end (requires_credentials)"
    assert "begin again" in found.what_to_do
    assert await it.logins() == ()
    it.plaid.goes_through()
    found = await after(it, session, timedelta(minutes=2))
    assert (found.ended, found.reason) == (LinkEnd.DONE, "")


async def test_a_bank_that_fails_is_said_with_its_code(it: PlaidRig) -> None:
    session = await begun(it)
    it.plaid.leaves(error={"error_type": "INSTITUTION_ERROR", "error_code": "INSTITUTION_DOWN"})
    found = await after(it, session)
    assert found.reason == "the bank could not be connected: INSTITUTION_DOWN"
    assert found.what_to_do == "the bank is down: begin again later"


async def test_who_left_and_came_back_counts_as_who_went_through(it: PlaidRig) -> None:
    session = await begun(it)
    it.plaid.leaves()
    it.plaid.opens()
    assert (await after(it, session)).ended is None
    it.plaid.goes_through()
    assert (await after(it, session)).ended is LinkEnd.DONE


async def test_a_page_that_ended_without_a_login_is_said(it: PlaidRig) -> None:
    session = await begun(it)
    it.plaid._visit(it.plaid.last_link, {**it.plaid._times(), "results": {"item_add_results": []}})
    found = await after(it, session)
    assert (found.ended, found.reason) == (LinkEnd.FAILED, "the page ended without a login")


async def test_a_session_expires_visibly(it: PlaidRig) -> None:
    session = await begun(it)
    found = await after(it, session, timedelta(hours=4))
    assert found.ended is None, "somebody may have gone through in the last moment"
    found = await after(it, session, sessions.LATE + timedelta(minutes=1))
    assert found.ended is LinkEnd.EXPIRED
    assert found.reason == "nobody went through the page by 2026-11-02 16:00 UTC"
    asked = it.plaid.count("link.token.get")
    await after(it, session, timedelta(hours=1))
    assert it.plaid.count("link.token.get") == asked, "nothing is asked any more"


async def test_a_last_moment_is_not_lost(it: PlaidRig) -> None:
    session = await begun(it)
    it.clock.advance(timedelta(hours=3, minutes=59, seconds=59))
    it.plaid.goes_through()
    assert (await after(it, session, timedelta(minutes=2))).ended is LinkEnd.DONE


@pytest.mark.parametrize(
    "failure",
    [
        Silence.TIMEOUT,
        Silence.NOT_SENT,
        refusal("API_ERROR", "INTERNAL_SERVER_ERROR"),
        (200, {"link_sessions": "what"}),
    ],
)
async def test_a_rail_that_fails_just_now_is_asked_again(it: PlaidRig, failure: object) -> None:
    session = await begun(it)
    it.plaid.goes_through()
    it.plaid.fails["link.token.get"] = failure  # type: ignore[assignment] # each is one that it takes
    assert (await after(it, session)).ended is None
    it.plaid.fails.clear()
    assert (await after(it, session)).ended is LinkEnd.DONE


async def test_a_link_token_that_the_rail_does_not_know_ends_it(it: PlaidRig) -> None:
    session = await begun(it)
    it.plaid.fails["link.token.get"] = refusal("INVALID_INPUT", "INVALID_LINK_TOKEN")
    found = await after(it, session)
    assert found.ended is LinkEnd.FAILED
    assert "INVALID_LINK_TOKEN" in found.reason


async def test_an_exchange_without_an_answer_is_tried_again(it: PlaidRig) -> None:
    session = await begun(it)
    it.plaid.goes_through()
    it.plaid.fails["item.public_token.exchange"] = refusal("API_ERROR", "INTERNAL_SERVER_ERROR")
    assert (await after(it, session)).ended is None
    it.plaid.fails.clear()
    assert (await after(it, session)).ended is LinkEnd.DONE


async def test_two_banks_in_one_session_are_two_logins(it: PlaidRig) -> None:
    session = await begun(it)
    it.plaid.goes_through(CHECKING)
    it.plaid.goes_through(CHECKING, bank={"name": "Second", "institution_id": "ins_2"})
    found = await after(it, session)
    assert (found.ended, found.reason) == (LinkEnd.DONE, "")
    assert len(await it.logins()) == 2


# Once, whoever comes first


async def test_of_many_who_finish_it_one_exchanges(tmp_path: Path) -> None:
    keys = (new_key(),)
    async with (
        plaid_rig(tmp_path, keys=keys) as one,
        plaid_rig(tmp_path, keys=keys, plaid=one.plaid, clock=one.clock, seed=2) as two,
    ):
        session = await begun(one)
        one.plaid.goes_through()
        one.clock.advance(SOON)
        found = await asyncio.gather(
            *(each.service.session(session) for each in (one, two) for _ in range(4))
        )
        one.clock.advance(timedelta(minutes=2))
        last = await two.service.session(session)
        assert last.ended is LinkEnd.DONE
        assert {f.login.id for f in found if f.login} <= {last.login.id if last.login else None}
        assert one.plaid.count("item.public_token.exchange") == 1
        assert len(await one.logins()) == 1


async def test_who_holds_it_is_left_alone_until_the_lease_runs_out(tmp_path: Path) -> None:
    keys = (new_key(),)
    async with (
        plaid_rig(tmp_path, keys=keys) as one,
        plaid_rig(tmp_path, keys=keys, plaid=one.plaid, clock=one.clock, seed=2) as two,
    ):
        session = await begun(one)
        one.plaid.goes_through()
        one.clock.advance(SOON)
        now = one.clock.now()
        assert await one.plane.store.claim_link(FIRM, session, "dead", now, LEASE_S)
        assert (await two.service.session(session)).ended is None
        assert one.plaid.calls == ["link.token.create"]
        found = await after(two, session, timedelta(seconds=LEASE_S + 1))
        assert found.ended is LinkEnd.DONE


async def test_who_was_away_too_long_exchanges_nothing(it: PlaidRig) -> None:
    """Its answer came after its lease had passed to another: that one goes on."""
    session = await begun(it)
    it.plaid.goes_through()
    it.clock.advance(SOON)
    it.plaid.gate = asyncio.Event()
    late = asyncio.create_task(it.service.session(session))
    await until(lambda: it.plaid.count("link.token.get"))
    it.clock.advance(timedelta(seconds=LEASE_S + 1))
    now = it.clock.now()
    assert await it.plane.store.claim_link(FIRM, session, "another", now, LEASE_S)
    it.plaid.gate.set()
    assert (await late).ended is None
    assert it.plaid.count("item.public_token.exchange") == 0
    found = await after(it, session, timedelta(seconds=LEASE_S + 1))
    assert (found.ended, it.plaid.count("item.public_token.exchange")) == (LinkEnd.DONE, 1)


class Killed(Exception):
    """Stands for the end of the process: what it held stays held, what it was told is lost."""


@pytest.mark.parametrize("at", ["link.token.get", "item.public_token.exchange"])
async def test_a_process_that_died_is_followed_by_another(tmp_path: Path, at: str) -> None:
    """It dies when the rail has done its part and its answer is not stored. The one gap that no store can close is said."""
    keys = (new_key(),)

    def die(name: str) -> None:
        if name == at:
            raise Killed

    async with (
        plaid_rig(tmp_path, keys=keys) as one,
        plaid_rig(tmp_path, keys=keys, plaid=one.plaid, clock=one.clock, seed=2) as two,
    ):
        session = await begun(one)
        one.plaid.goes_through()
        one.plaid.on_answer = die
        with pytest.raises(Killed):
            await after(one, session)
        one.plaid.on_answer = None
        found = await after(two, session, timedelta(seconds=LEASE_S + 1))
        if at == "link.token.get":
            assert found.ended is LinkEnd.DONE
            assert len(await two.logins()) == 1
        else:
            assert found.ended is None, "who spent it may be storing it"
            found = await after(two, session, timedelta(minutes=1))
            assert found.reason == "plaid refused: INVALID_PUBLIC_TOKEN"
            assert "may have a login that is billed" in found.what_to_do
            assert await two.logins() == ()


async def test_a_login_that_was_stored_before_the_kill_is_found_again(it: PlaidRig) -> None:
    """The kill came between storing the login and ending the session: the token is spent, the login is there."""
    session = await begun(it)
    public = it.plaid.goes_through(CHECKING)
    made = await it.service.connect("plaid", public)
    await it.settle()
    found = await after(it, session)
    assert (found.ended, found.login and found.login.id) == (LinkEnd.DONE, made.id)
    assert it.plaid.count("item.public_token.exchange") == 1


async def test_the_same_public_token_twice_is_the_same_login(it: PlaidRig) -> None:
    await begun(it)
    public = it.plaid.goes_through(CHECKING)
    first = await it.service.connect("plaid", public)
    again = await it.service.connect("plaid", public)
    assert (again.id, it.plaid.count("item.public_token.exchange")) == (first.id, 1)


async def test_who_waited_may_go_the_login_is_stored_all_the_same(it: PlaidRig) -> None:
    session = await begun(it)
    it.plaid.goes_through()
    it.clock.advance(SOON)
    answered = asyncio.Event()
    it.plaid.on_answer = lambda name: answered.set() if name.endswith("exchange") else None
    waiting = asyncio.create_task(it.service.session(session))
    await answered.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await it.plane.renewer.unbroken.join(f"session {session}")
    assert (await it.service.session(session)).ended is LinkEnd.DONE


async def test_the_service_finishes_what_nobody_waits_for(tmp_path: Path) -> None:
    async with plaid_rig(tmp_path, run=True) as it:
        session = await begun(it)
        it.plaid.goes_through()
        it.clock.advance(SOON)

        async def is_done() -> None:
            it.clock.advance(timedelta(seconds=1))

        await until(lambda: it.plaid.count("item.public_token.exchange"), is_done)
        await it.plane.renewer.unbroken.join(f"session {session}")
        found = await sessions.read(it.plane, FIRM, BUSINESS, session)
        assert found.ended is LinkEnd.DONE


async def test_nothing_to_ask_is_no_work(it: PlaidRig) -> None:
    assert await it.plane.store.due_links(it.clock.now(), 8) == ()
    session = await begun(it)
    assert await it.plane.store.due_links(it.clock.now(), 8) == ()
    it.clock.advance(SOON)
    (due,) = await it.plane.store.due_links(it.clock.now(), 8)
    assert due.id == session


# A delivery that names it


def delivery(it: PlaidRig, token: str, name: str = "1") -> Incoming:
    remote = RemoteId(f"{SESSION}{hash_of(token)}")
    kind, now = "LINK.SESSION_FINISHED", it.clock.now()
    return Incoming(
        DeliveryId(f"del_{name}"), "plaid", APP.id, (remote,), kind, name, now, now, b"{}"
    )


@pytest.mark.parametrize("is_memory", [False, True])
async def test_a_stored_delivery_makes_its_session_due_at_once(
    tmp_path: Path, is_memory: bool
) -> None:
    async with plaid_rig(tmp_path, store=MemoryStore() if is_memory else None) as it:
        session = await begun(it)
        for _ in range(12):
            await after(it, session, timedelta(seconds=60))
        store = it.plane.store
        it.plaid.goes_through()
        assert await store.due_links(it.clock.now(), 8) == ()
        await store.receive([delivery(it, it.plaid.last_link), delivery(it, "link-other", "2")])
        (due,) = await store.due_links(it.clock.now(), 8)
        assert due.id == session
        await sessions.advance(it.plane, due)
        assert (await it.service.session(session)).ended is LinkEnd.DONE
        (left,) = await store.list_unmatched()
        assert (left.id, left.state) == ("del_2", RouteState.UNMATCHED)


async def test_a_delivery_twice_and_late_exchanges_nothing_again(it: PlaidRig) -> None:
    session = await begun(it)
    link = it.plaid.last_link
    await it.plane.store.receive([delivery(it, link), delivery(it, link, "2")])
    it.plaid.goes_through()
    (due,) = await it.plane.store.due_links(it.clock.now(), 8)
    await sessions.advance(it.plane, due)
    await it.plane.store.receive([delivery(it, link, "3")])
    assert await it.plane.store.due_links(it.clock.now(), 8) == ()
    assert (await it.service.session(session)).ended is LinkEnd.DONE
    assert it.plaid.count("item.public_token.exchange") == 1


# The guard


async def test_an_account_that_a_login_shows_is_not_exchanged(it: PlaidRig) -> None:
    first = await it.connect(CHECKING)
    session = await begun(it)
    it.plaid.goes_through({**CHECKING, "id": "new"})
    found = await after(it, session)
    assert found.ended is LinkEnd.DUPLICATE
    assert first.id in found.reason
    assert it.plaid.count("item.public_token.exchange") == 1
    assert len(await it.logins()) == 1


async def test_a_duplicate_of_a_broken_login_is_told_to_repair_that_one(it: PlaidRig) -> None:
    first = await it.connect(CHECKING)
    await it.breaks(first)
    session = await begun(it)
    it.plaid.goes_through({**CHECKING, "id": "new"})
    found = await after(it, session)
    assert f"`rowcol connection repair {first.id}`" in found.what_to_do


async def test_a_duplicate_is_connected_where_a_person_says_so(it: PlaidRig) -> None:
    await it.connect(CHECKING)
    session = await begun(it)
    it.plaid.goes_through({**CHECKING, "id": "new"})
    assert (await after(it, session)).ended is LinkEnd.DUPLICATE
    found = await it.service.session(session, allow_duplicate=True)
    assert found.ended is LinkEnd.DONE
    assert len(await it.logins()) == 2


async def test_a_duplicate_that_was_allowed_beforehand_is_connected(it: PlaidRig) -> None:
    await it.connect(CHECKING)
    session = await begun(it, allow=True)
    it.plaid.goes_through({**CHECKING, "id": "new"})
    assert (await after(it, session)).ended is LinkEnd.DONE


async def test_a_session_that_is_over_is_not_allowed_anything(it: PlaidRig) -> None:
    session = await begun(it)
    await after(it, session, timedelta(hours=5))
    with pytest.raises(Conflict):
        await it.service.session(session, allow_duplicate=True)


@pytest.mark.parametrize("metadata", [{"institution": BANK, "accounts": [CHECKING]}, None])
async def test_a_public_token_is_guarded_by_what_the_widget_told(
    it: PlaidRig, metadata: dict[str, object] | None
) -> None:
    await it.connect(CHECKING)
    await begun(it)
    public = it.plaid.goes_through({**CHECKING, "id": "new"})
    if metadata is None:
        await it.service.connect("plaid", public)
        return
    with pytest.raises(Conflict, match="shows one of these accounts already"):
        await it.service.connect("plaid", public, metadata=metadata)
    assert public in it.plaid.offered, "it was not exchanged"
    await it.service.connect("plaid", public, metadata=metadata, allow_duplicate=True)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"institution": None},
        {"accounts": "x"},
        {"institution": {"institution_id": 7}, "accounts": [3, {}]},
    ],
)
async def test_metadata_of_any_shape_is_survived(it: PlaidRig, metadata: dict[str, object]) -> None:
    await it.connect(CHECKING)
    await begun(it)
    public = it.plaid.goes_through(SAVINGS)
    await it.service.connect("plaid", public, metadata=metadata)


# Repair in place


async def test_a_broken_login_is_repaired_in_place(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    broken = await it.breaks(login)
    assert broken.state.health is Health.NEEDS_RECONNECT
    grant = await it.service.repair(login.id)
    asked = kinds(it.plaid.asked, "link.token.create")[-1]
    assert asked["access_token"] == f"access-sandbox-{login.remote_id}"
    assert "products" not in asked
    exchanged = it.plaid.count("item.public_token.exchange")
    it.plaid.repairs()
    found = await after(it, grant.session)
    assert (found.ended, found.kind) == (LinkEnd.DONE, LinkKind.REPAIR)
    assert found.login is not None
    assert (found.login.id, found.login.state.health) == (login.id, Health.OK)
    assert it.plaid.calls[-1] == "item.get", "looked at again at once"
    assert it.plaid.count("item.public_token.exchange") == exchanged
    await it.settle()
    assert len(await it.logins()) == 1


async def test_a_public_token_of_update_mode_is_not_exchanged(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    await it.breaks(login)
    grant = await it.service.repair(login.id)
    exchanged = it.plaid.count("item.public_token.exchange")
    it.plaid.repairs(gives_token=True)
    assert (await after(it, grant.session)).ended is LinkEnd.DONE
    assert it.plaid.count("item.public_token.exchange") == exchanged
    assert [row.id for row in await it.logins()] == [login.id]


async def test_a_repair_that_did_not_help_leaves_the_login_as_it_is(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    await it.breaks(login)
    grant = await it.service.repair(login.id)
    it.plaid.repairs()
    it.item_of(login).error = LOGIN_REQUIRED
    found = await after(it, grant.session)
    assert found.login is not None
    assert found.login.state.health is Health.NEEDS_RECONNECT


async def test_a_repair_that_cannot_be_looked_at_now_is_looked_at_later(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    await it.breaks(login)
    grant = await it.service.repair(login.id)
    it.plaid.repairs()
    it.plaid.fails["item.get"] = Silence.TIMEOUT
    assert (await after(it, grant.session)).ended is LinkEnd.DONE
    it.plaid.fails.clear()
    it.clock.advance(timedelta(minutes=6))
    await it.settle()
    assert (await it.state(login)).state.health is Health.OK


async def test_a_repair_that_was_left_changes_nothing(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    broken = await it.breaks(login)
    grant = await it.service.repair(login.id)
    it.plaid.leaves()
    assert "left the page" in (await after(it, grant.session)).reason
    assert (await it.state(login)).state == broken.state


async def test_a_repair_is_a_call_of_its_login_in_the_log(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    await it.breaks(login)
    await it.service.repair(login.id)
    newest = (await it.plane.store.list_calls(FIRM))[0]
    assert (newest.endpoint, newest.connection) == ("link.token.create", login.id)
    assert newest.settled_at is not None


async def test_a_repair_expires_after_half_an_hour(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    grant = await it.service.repair(login.id)
    assert grant.expires_at == it.clock.now() + timedelta(minutes=30)
    found = await after(it, grant.session, timedelta(minutes=32))
    assert found.ended is LinkEnd.EXPIRED


async def test_accounts_are_added_to_the_same_login(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    grant = await it.service.add_accounts(login.id)
    asked = kinds(it.plaid.asked, "link.token.create")[-1]
    assert asked["update"] == {"account_selection_enabled": True}
    it.item_of(login).accounts.append(SAVINGS)
    it.plaid.repairs()
    assert (await after(it, grant.session)).ended is LinkEnd.DONE
    await it.settle()
    view = await it.plane.store.read_view(FIRM, login.id)
    assert view is not None
    assert {a.name for a in view.accounts} == {"Checking", "Savings"}


async def test_a_repair_seals_the_token_under_the_newest_key(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    plaid, clock = FakePlaid(), FakeClock(T0)
    async with plaid_rig(tmp_path, keys=(old,), plaid=plaid, clock=clock) as it:
        login = await it.connect(CHECKING)
    async with plaid_rig(tmp_path, keys=(new, old), plaid=plaid, clock=clock, seed=2) as it:
        grant = await it.service.repair(login.id)
        plaid.repairs()
        await after(it, grant.session)
    async with plaid_rig(tmp_path, keys=(new,), plaid=plaid, clock=clock, seed=3) as it:
        view = await it.plane.store.read_view(FIRM, login.id)
        assert view is not None
        assert view.token is not None
        assert it.plane.vault.open(view.token).reveal().startswith("access-")


async def test_a_removed_login_is_not_repaired(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    it.plaid.fails["item.remove"] = (200, {"request_id": "r"})
    await it.service.disconnect(login.id)
    with pytest.raises(Conflict, match="was removed"):
        await it.service.repair(login.id)


async def test_a_login_removed_while_its_page_was_open_is_not_repaired(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    await it.breaks(login)
    grant = await it.service.repair(login.id)
    it.plaid.repairs()
    it.plaid.fails["item.remove"] = (200, {"request_id": "r"})
    await it.service.disconnect(login.id)
    over = await after(it, grant.session)
    assert (over.ended, over.reason) == (LinkEnd.FAILED, "this login was removed meanwhile")
    assert (await it.state(login)).state.health is Health.RETIRED


async def test_another_firms_or_businesss_session_is_not_found(it: PlaidRig) -> None:
    session = await begun(it)
    other = BusinessId("biz-2")
    await it.plane.store.add_business(FIRM, Business(other, FIRM, "Other", "b-2", T0))
    for firm, business in ((FIRM, other), (FirmId("firm-2"), BUSINESS)):
        with pytest.raises(NotFound):
            await sessions.read(it.plane, firm, business, session)


# Notices


async def announced(it: PlaidRig, code: str, name: str = "1", **more: object) -> None:
    (login,) = await it.logins()
    kind, now = f"ITEM.{code}", it.clock.now()
    body = {"webhook_type": "ITEM", "webhook_code": code, "item_id": login.remote_id, **more}
    await it.plane.store.receive(
        [
            Incoming(
                DeliveryId(f"del_n{name}"),
                "plaid",
                APP.id,
                (login.remote_id,),
                kind,
                f"n{name}",
                now,
                now,
                json.dumps(body).encode(),
            )
        ]
    )
    await it.settle()


async def notices(it: PlaidRig) -> tuple[Notice, ...]:
    (login,) = await it.logins()
    return login.notices(it.clock.now())


ENDS = "2026-11-20T10:00:00Z"


async def test_an_announcement_is_told_until_a_person_repairs(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    await announced(it, "PENDING_DISCONNECT", disconnect_time=ENDS, reason="INSTITUTION_MIGRATION")
    (told,) = await notices(it)
    assert (told.kind, told.text) == (
        NoticeKind.DISCONNECT,
        "it is disconnected on 2026-11-20 (INSTITUTION_MIGRATION)",
    )
    grant = await it.service.repair(login.id)
    it.plaid.repairs()
    await after(it, grant.session)
    assert await notices(it) == ()
    await announced(it, "PENDING_DISCONNECT", "2", disconnect_time=ENDS)
    assert await notices(it) == (), "a late copy opens nothing"
    await announced(it, "PENDING_DISCONNECT", "3", disconnect_time="2026-11-28T00:00:00Z")
    assert [n.kind for n in await notices(it)] == [NoticeKind.DISCONNECT]


@pytest.mark.parametrize("when", [None, "soon", 17, "2026-13-45T00:00:00Z", {"a": 1}, "9" * 400])
async def test_a_bad_time_never_parks_a_delivery(it: PlaidRig, when: object) -> None:
    await it.connect(CHECKING)
    await announced(it, "PENDING_DISCONNECT", disconnect_time=when, reason=["x"])
    (told,) = await notices(it)
    assert (told.until, told.text) == (None, "it is disconnected soon")
    (row,) = await it.plane.store.list_deliveries(FIRM)
    assert row.state is RouteState.DRAINED


async def test_an_item_with_a_later_consent_answers_its_announcement(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    it.item_of(login).consent_until = ENDS
    await announced(it, "PENDING_EXPIRATION", consent_expiration_time=ENDS)
    (told,) = await notices(it)
    assert told.text == "its consent ends on 2026-11-20"
    it.item_of(login).consent_until = "2027-11-20T10:00:00Z"
    await announced(it, "LOGIN_REPAIRED", "2")
    assert await notices(it) == ()


async def test_new_accounts_are_told_until_some_were_chosen(it: PlaidRig) -> None:
    login = await it.connect(CHECKING)
    await announced(it, "NEW_ACCOUNTS_AVAILABLE")
    assert [n.kind for n in await notices(it)] == [NoticeKind.NEW_ACCOUNTS]
    grant = await it.service.repair(login.id)
    it.plaid.repairs()
    await after(it, grant.session)
    assert [n.kind for n in await notices(it)] == [NoticeKind.NEW_ACCOUNTS]
    grant = await it.service.add_accounts(login.id)
    it.plaid.repairs()
    await after(it, grant.session)
    assert await notices(it) == ()


class Full(MemoryStore):
    """Can be read, and takes nothing."""

    @override
    async def claim_link(self, *_given: object) -> None:
        raise Busy("the disk is full")


async def test_a_full_disk_is_a_line_a_minute(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was one for each session, every two seconds."""
    async with plaid_rig(tmp_path, store=Full()) as it:
        await begun(it)
        capsys.readouterr()
        (link,) = await it.plane.store.due_links(it.clock.now() + SOON, 8)
        seldom = Seldom(per_minute=1)
        for _ in range(40):
            await sessions._guarded(it.plane, link, seldom)
            it.clock.advance(timedelta(seconds=2))
    lines = [line for line in capsys.readouterr().out.splitlines() if "session.failed" in line]
    assert len(lines) == 2, lines
    assert "times=30" in lines[1], lines
