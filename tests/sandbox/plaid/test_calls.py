"""A call: what keeps Plaid from the bank, in one place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.billing import BALANCE
from rowcol.sandbox.plaid.calls import Call, parse_moment
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.knobs import turn
from tests.sandbox.rig import Rig

PATH = "/accounts/balance/get"


async def test_an_outage_ends_by_itself_and_costs_nothing(rig: Rig) -> None:
    item = rig.item()
    turn(rig.emulator, "outage", {"institution_id": "ins_109509", "hours": 2})
    assert await rig.error(PATH, access_token=item.access_token) == "INSTITUTION_DOWN"
    await rig.advance(hours=2)
    assert rig.emulator.billing.n_calls(BALANCE) == 0
    await rig.ok(PATH, access_token=item.access_token)


async def test_other_obstacles(rig: Rig) -> None:
    item = rig.item()
    turn(rig.emulator, "institution_rate_limit", {"institution_id": "ins_109509"})
    assert await rig.error(PATH, access_token=item.access_token) == "INSTITUTION_RATE_LIMIT"
    turn(rig.emulator, "clear", {})
    rig.emulator.set_update_type(item, "user_present_required")
    assert await rig.error(PATH, access_token=item.access_token) == "ITEM_LOGIN_REQUIRED"
    manual = rig.item(rig.account("manual"), is_manual=True)
    assert await rig.error(PATH, access_token=manual.access_token) == "PRODUCTS_NOT_SUPPORTED"
    rig.emulator.break_login(item, reason="OAUTH_USER_REVOKED")
    _, answer = await rig.call(PATH, access_token=item.access_token)
    assert answer["error_code_reason"] == "OAUTH_USER_REVOKED"


@pytest.mark.parametrize("products", [("transactions",), ("auth",)])
async def test_a_consent_that_ended_is_found_by_the_call(
    rig: Rig, products: tuple[str, ...]
) -> None:
    item = rig.item(bank="ins_56", products=products)
    rig.emulator.agenda.is_frozen = True
    turn(rig.emulator, "consent_expires", {"item_id": item.item_id, "at": "2026-01-06T00:00:00Z"})
    await rig.ok(PATH, access_token=item.access_token)
    await rig.advance(days=1)
    for _ in range(2):
        _, answer = await rig.call(PATH, access_token=item.access_token)
        assert answer["error_code_reason"] == "OAUTH_CONSENT_EXPIRED"
    await rig.advance(seconds=1)
    assert rig.inbox.codes() == ["PENDING_DISCONNECT", "ERROR"]
    assert rig.emulator.billing.n_calls(BALANCE) == 1


@pytest.mark.parametrize(("share", "status"), [(0.0, 200), (1.0, 400)])
async def test_live_calls_fail_at_the_given_share(share: float, status: int) -> None:
    rig = Rig(Switches(live_failure_share=share))
    item = rig.item()
    assert (await rig.call(PATH, access_token=item.access_token))[0] == status


def test_a_call_without_item_says_so(rig: Rig) -> None:
    call = Call(rig.emulator, PATH, {}, "sandbox-client", rig.now, None)
    with pytest.raises(PlaidError, match="access_token"):
        _ = call.item


def test_moments_have_a_zone() -> None:
    assert parse_moment("2026-01-01T01:00:00+01:00", "at") == datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(PlaidError, match="zone"):
        parse_moment("2026-01-01T00:00:00", "at")
