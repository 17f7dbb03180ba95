"""Consent: a secret that is good once, for half an hour, for one business; however it ends is on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Grant
from rowcol.core.records import Business, Firm
from rowcol.core.refusal import BadInput, Conflict, Misconfigured, NotFound, RailRefused
from rowcol.core.secret import hash_of
from rowcol.core.wire import Silence
from rowcol.services import consent
from rowcol.services.integration import IntegrationService
from tests.company_rig import CompanyRig, company_rig
from tests.fake_books import CALLBACK, LEDGER
from tests.fake_company import APP
from tests.rig import BUSINESS, FIRM
from tests.waiting import HANG_S

OTHER, OTHER_FIRM = BusinessId("biz-2"), FirmId("firm-2")


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[CompanyRig]:
    """Nothing is connected; two businesses and a second firm."""
    async with company_rig(tmp_path, connected=False) as made:
        now = made.clock.now()
        await made.plane.store.add_business(FIRM, Business(OTHER, FIRM, "Other", "b-2", now))
        await made.plane.store.add_firm(Firm(OTHER_FIRM, "Firm 2", now))
        yield made


async def begin(it: CompanyRig, business: BusinessId = BUSINESS) -> tuple[Grant, str]:
    grant = await consent.begin(it.plane, FIRM, business, APP)
    query = parse_qs(urlsplit(grant.url).query)
    assert query["redirect_uri"] == [CALLBACK]
    return grant, query["state"][0]


async def logins(it: CompanyRig) -> list[str]:
    return [str(row.id) for row in await it.plane.store.list_connections(FIRM)]


async def test_a_callback_becomes_a_login(it: CompanyRig) -> None:
    grant, state = await begin(it)
    assert grant.expires_at == it.clock.now() + consent.LASTS
    assert await consent.outcome(it.plane, FIRM, BUSINESS, grant.value) is None
    row = await consent.complete(it.plane, {"state": state, "code": "c", "realmId": "1"})
    assert row.remote_id == it.company.company
    assert await consent.outcome(it.plane, FIRM, BUSINESS, grant.value) == row
    await it.settle()
    assert it.company.calls[:2] == ["token", "list"]


async def test_only_a_hash_of_the_secret_is_stored(it: CompanyRig) -> None:
    grant, state = await begin(it)
    link = await it.plane.store.read_link(FIRM, grant.value)
    assert link is not None
    assert link.state_hash == hash_of(state)
    assert state not in repr(link)
    assert state not in grant.value


async def test_a_state_is_good_once(it: CompanyRig) -> None:
    _, state = await begin(it)
    await consent.complete(it.plane, {"state": state, "code": "c"})
    with pytest.raises(BadInput, match="used already"):
        await consent.complete(it.plane, {"state": state, "code": "c"})
    assert it.company.calls == ["token"]
    assert len(await logins(it)) == 1


async def test_who_waited_may_go_the_login_is_stored_all_the_same(it: CompanyRig) -> None:
    grant, state = await begin(it)
    answered = asyncio.Event()
    it.company.on_call = lambda _: answered.set()
    waiting = asyncio.create_task(consent.complete(it.plane, {"state": state, "code": "c"}))
    await asyncio.wait_for(answered.wait(), HANG_S)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await it.plane.renewer.unbroken.join("consent")
    (login,) = await logins(it)
    outcome = await consent.outcome(it.plane, FIRM, BUSINESS, grant.value)
    assert outcome is not None
    assert (outcome.id, it.company.calls) == (login, ["token"])


@pytest.mark.parametrize("answers", [{}, {"state": ""}, {"state": "guessed"}, {"code": "c"}])
async def test_a_callback_without_a_known_state_does_nothing(
    it: CompanyRig, answers: dict[str, str]
) -> None:
    grant, state = await begin(it)
    with pytest.raises(BadInput):
        await consent.complete(it.plane, {**answers, "code": "c"})
    assert it.company.calls == []
    assert await consent.outcome(it.plane, FIRM, BUSINESS, grant.value) is None
    await consent.complete(it.plane, {"state": state, "code": "c"})


async def test_it_lasts_half_an_hour(it: CompanyRig) -> None:
    grant, state = await begin(it)
    it.clock.advance(consent.LASTS)
    with pytest.raises(BadInput, match="older than 30 minutes"):
        await consent.complete(it.plane, {"state": state, "code": "c"})
    with pytest.raises(RailRefused, match="nobody came back"):
        await consent.outcome(it.plane, FIRM, BUSINESS, grant.value)
    _, state = await begin(it)
    it.clock.advance(consent.LASTS - timedelta(microseconds=1))
    await consent.complete(it.plane, {"state": state, "code": "c"})


async def test_nobody_else_sees_how_it_ended(it: CompanyRig) -> None:
    grant, _ = await begin(it)
    for firm, business in ((FIRM, OTHER), (OTHER_FIRM, BUSINESS)):
        with pytest.raises(NotFound):
            await consent.outcome(it.plane, firm, business, grant.value)
    with pytest.raises(NotFound):
        await consent.outcome(it.plane, FIRM, BUSINESS, "lnk-none")


async def test_a_business_of_another_firm_cannot_begin(it: CompanyRig) -> None:
    for firm, business in ((OTHER_FIRM, BUSINESS), (FIRM, BusinessId("none"))):
        with pytest.raises(NotFound):
            await consent.begin(it.plane, firm, business, APP)


async def test_nobody_could_come_back(it: CompanyRig) -> None:
    with pytest.raises(Misconfigured, match="send people back"):
        await consent.begin(it.plane, FIRM, BUSINESS, replace(APP, callback_url=""))


async def test_a_person_who_says_no_is_on_record(it: CompanyRig) -> None:
    grant, state = await begin(it)
    with pytest.raises(BadInput, match="access_denied"):
        await consent.complete(it.plane, {"state": state, "error": "access_denied"})
    with pytest.raises(RailRefused, match="access_denied"):
        await consent.outcome(it.plane, FIRM, BUSINESS, grant.value)
    assert it.company.calls == []


@pytest.mark.parametrize("failure", [Outcome.BAD_REQUEST, Silence.TIMEOUT, Silence.NOT_SENT])
async def test_a_rail_that_refuses_the_code_is_on_record(
    it: CompanyRig, failure: Outcome | Silence
) -> None:
    grant, state = await begin(it)
    it.company.fails["token"] = failure
    with pytest.raises(RailRefused) as refused:
        await consent.complete(it.plane, {"state": state, "code": "c"})
    with pytest.raises(RailRefused) as told:
        await consent.outcome(it.plane, FIRM, BUSINESS, grant.value)
    assert told.value.message == refused.value.message
    with pytest.raises(BadInput):
        await consent.complete(it.plane, {"state": state, "code": "c"})
    assert await logins(it) == []
    (call,) = await it.plane.store.list_calls(FIRM)
    assert call.outcome is not None


async def test_the_same_company_again_goes_on_with_its_history(it: CompanyRig) -> None:
    _, state = await begin(it)
    first = await consent.complete(it.plane, {"state": state, "code": "c"})
    it = replace(it, connection=first.id)
    await it.settle()
    it.company.known.clear()
    it.clock.advance(timedelta(days=8))
    await it.settle()
    broken = (await it.view()).connection.state
    assert broken.health is Health.NEEDS_RECONNECT
    grant, state = await begin(it)
    again = await consent.complete(it.plane, {"state": state, "code": "c"})
    assert again.id == first.id
    assert await logins(it) == [first.id]
    assert await consent.outcome(it.plane, FIRM, BUSINESS, grant.value) == again
    it.company.calls.clear()
    await it.settle()
    view = await it.view()
    assert (it.company.calls, view.connection.state.health) == (["changes"], Health.OK)


async def test_a_company_of_another_business_is_a_conflict(it: CompanyRig) -> None:
    _, state = await begin(it)
    first = await consent.complete(it.plane, {"state": state, "code": "c"})
    grant, state = await begin(it, OTHER)
    with pytest.raises(Conflict) as refused:
        await consent.complete(it.plane, {"state": state, "code": "c"})
    assert await logins(it) == [first.id]
    with pytest.raises(RailRefused) as told:
        await consent.outcome(it.plane, FIRM, OTHER, grant.value)
    assert told.value.message == refused.value.message


async def test_the_service_tells_url_and_id(it: CompanyRig) -> None:
    service = IntegrationService(it.plane, BUSINESS)
    grant = await service.begin_connect(LEDGER)
    assert grant.url.startswith("http://consent.example/")
    assert await service.consented(grant.value) is None


async def test_a_service_that_died_within_the_callback_is_said(it: CompanyRig) -> None:
    grant, state = await begin(it)
    it.clock.advance(timedelta(minutes=29))
    taken = await it.plane.store.take_link(hash_of(state), it.clock.now())
    assert taken is not None
    it.clock.advance(timedelta(minutes=2))
    assert await consent.outcome(it.plane, FIRM, BUSINESS, grant.value) is None, "it may still come"
    it.clock.advance(consent.EXCHANGE_TAKES)
    with pytest.raises(RailRefused, match="stopped while"):
        await consent.outcome(it.plane, FIRM, BUSINESS, grant.value)
