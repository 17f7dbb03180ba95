"""Resolve: only the connections of the role asked about, one need for each that is not known well enough, and no spending."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rowcol.core.change import Action, Change, Decision
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, RemoteId
from rowcol.core.need import Purpose, Question, question_of
from rowcol.core.rail import Role
from rowcol.engine.ambient import Ambient
from rowcol.engine.resolve import Open, Part, Resolved, Resolver
from tests.company_rig import CompanyRig, company_rig, company_row
from tests.fake_company import TOKEN_LASTS, token_of
from tests.rig import BUSINESS, FIRM

OTHER = "con-c"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    """A business with two companies, both read."""
    async with company_rig(tmp_path) as made:
        sealed = made.plane.vault.seal(token_of(1, made.clock.now() + TOKEN_LASTS))
        row = company_row(OTHER, remote_id=RemoteId("company-2"))
        await made.plane.store.add_connection(FIRM, row, sealed)
        await made.settle()
        made.company.calls.clear()
        yield made


def resolver(it: CompanyRig, role: Role = Role.BOOKS) -> Resolver:
    p = it.plane
    ambient = Ambient(p.clock, p.rng, p.doorbell, p.preferences)
    return Resolver(p.rails, p.store, p.gateway, p.decisions, ambient, role)


def question(it: CompanyRig, purpose: Purpose = Purpose.GUARDRAIL) -> Question:
    return question_of(purpose, it.clock.now())


async def test_what_is_known_is_answered_at_once_and_on_record(it: CompanyRig) -> None:
    found = await resolver(it).ask(FIRM, BUSINESS, question(it))
    assert isinstance(found, Resolved)
    assert [p.decision.action for p in found.parts] == [Action.SERVE] * 2
    assert {r.connection for r in found.records} == {it.connection, OTHER}
    await it.plane.decisions.flush()
    assert len(await it.plane.store.list_decisions(FIRM)) == 2
    assert it.company.calls == []


async def test_another_role_s_connections_are_not_asked(it: CompanyRig) -> None:
    found = await resolver(it, Role.CASH).ask(FIRM, BUSINESS, question(it))
    assert isinstance(found, Resolved)
    assert (found.parts, found.views) == ((), ())
    said = found.speaking("no bank login is connected")
    assert (said.action, said.reason) == (Action.HOLD, "no bank login is connected")


async def test_each_stale_company_gets_one_need_and_asking_spends_nothing(it: CompanyRig) -> None:
    it.clock.advance(timedelta(minutes=30))
    asker = resolver(it)
    asked = await asker.ask(FIRM, BUSINESS, question(it))
    assert isinstance(asked, Open)
    assert {c.id for c in asked.needs.values()} == {it.connection, OTHER}
    assert it.company.calls == []
    assert await asker.collect(FIRM, BUSINESS, asked) is None
    await it.settle()
    assert it.company.calls == ["changes", "changes"]
    found = await asker.collect(FIRM, BUSINESS, asked)
    assert isinstance(found, Resolved)
    assert len(found.calls) == 2
    assert all(p.decision.action is Action.SERVE for p in found.parts)


async def test_a_removed_company_is_not_asked(it: CompanyRig) -> None:
    lease = await it.plane.store.claim_one(FIRM, it.connection, "t", it.clock.now(), 30)
    assert lease is not None
    state = (await it.view()).connection.state.with_health(Health.RETIRED, "", it.clock.now())
    await it.plane.store.commit(FIRM, Change(lease, state=state, releases=True))
    found = await resolver(it).ask(FIRM, BUSINESS, question(it))
    assert isinstance(found, Resolved)
    assert [p.connection.id for p in found.parts] == [OTHER]


async def test_an_unknown_business_has_no_parts(it: CompanyRig) -> None:
    found = await resolver(it).ask(FIRM, BusinessId("none"), question(it))
    assert isinstance(found, Resolved)
    assert found.parts == ()


async def test_giving_up_holds_and_names_the_worker(it: CompanyRig) -> None:
    it.clock.advance(timedelta(hours=1))
    asker = resolver(it)
    asked = await asker.ask(FIRM, BUSINESS, question(it))
    assert isinstance(asked, Open)
    found = await asker.give_up(FIRM, BUSINESS, asked)
    assert {p.decision.action for p in found.parts} == {Action.HOLD}
    assert "rowcol serve" in found.labels[0]
    assert len(found.labels) == 1


async def test_the_worst_part_speaks_for_the_whole(it: CompanyRig) -> None:
    found = await resolver(it).ask(FIRM, BUSINESS, question(it))
    assert isinstance(found, Resolved)
    first, second = (p.connection for p in found.parts)
    serve = Decision(Action.SERVE, "a", "fine", None)
    labelled = replace(serve, reason="old", label="unverified")
    hold = Decision(Action.HOLD, "b", "held", None, label="held")
    for one, other, said in (
        (serve, labelled, labelled),
        (labelled, hold, hold),
        (serve, hold, hold),
    ):
        for pair in ((one, other), (other, one)):
            parts = (Part(first, pair[0]), Part(second, pair[1]))
            assert replace(found, parts=parts).speaking("nothing") == said
