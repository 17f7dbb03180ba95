"""Accounts over HTTP: listed once, roles and words of people, and a guardrail that holds until somebody says."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from rowcol.core.identity import account_id_of
from rowcol.core.ids import ConnectionId, RemoteId
from tests.api.rig import Face, face
from tests.fakes import ACCOUNT
from tests.rig import BUSINESS, CONNECTION, FIRM

SECOND = ConnectionId("con-2")
ACCOUNTS = f"/v1/businesses/{BUSINESS}/accounts"
GUARDRAIL = f"/v1/businesses/{BUSINESS}/balance?purpose=guardrail"
FIRST_ID, SECOND_ID = (account_id_of(login, ACCOUNT) for login in (CONNECTION, SECOND))


async def connect_again(it: Face) -> None:
    """The same bank under a second login; nothing proves that its account is the same."""
    store = it.it.plane.store
    (row,) = await store.list_connections(FIRM)
    second = replace(row, id=SECOND, remote_id=RemoteId("item-2"))
    await store.add_connection(FIRM, second, it.it.plane.vault.seal("token"))
    it.it.bank.seen_until = it.it.clock.now() + timedelta(hours=26)
    await it.it.advance(hours=26)  # both were swept, so that what they show is fresh


async def test_each_account_is_listed_with_its_balances(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        out = (await it.ask("GET", ACCOUNTS, "viewer")).json()
        (one,) = out["items"]
        assert (one["id"], one["role"], one["is_role_suggested"]) == (FIRST_ID, "OPERATING", True)
        assert one["current"] == {"amount_minor": 100, "currency": "USD"}
        assert (one["counts"], out["doubts"]) == (True, [])
        cash = (await it.ask("GET", "/v1/cash", "viewer")).json()
        assert cash["cash"] == [{"amount_minor": 100, "currency": "USD"}]


async def test_a_guardrail_holds_until_somebody_said(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        await connect_again(it)
        held = (await it.ask("GET", GUARDRAIL)).json()
        assert held["action"] == "HOLD"
        (doubt,) = held["doubts"]
        assert (doubt["first"], doubt["second"], doubt["is_material"]) == (
            FIRST_ID,
            SECOND_ID,
            True,
        )
        for is_same, cash_minor in ((True, 100), (False, 200)):
            said = {"first": FIRST_ID, "second": SECOND_ID, "is_same": is_same}
            out = await it.ask("POST", f"{ACCOUNTS}/sameness", json=said)
            assert (out.status_code, out.json()["doubts"]) == (200, [])
            served = (await it.ask("GET", GUARDRAIL)).json()
            assert (served["action"], served["cash"][0]["amount_minor"]) == ("SERVE", cash_minor)
        (kept,) = (await it.it.plane.store.read_ties(FIRM, BUSINESS)).verdicts
        assert kept.decided_by == "admin"


async def test_a_role_given_by_our_id_empties_the_cash_and_holds(tmp_path: Path) -> None:
    async with face(tmp_path) as it:
        role = f"{ACCOUNTS}/{FIRST_ID}/role"
        assert (await it.ask("PUT", role, json={"role": "trust"})).status_code == 200
        held = (await it.ask("GET", GUARDRAIL)).json()
        assert (held["action"], held["cash"]) == ("HOLD", [])
        assert "no account counts as cash" in held["reason"]
        wrong = await it.ask("PUT", f"{ACCOUNTS}/acc_none/role", json={"role": "trust"})
        assert (wrong.status_code, wrong.json()["code"]) == (404, "not_found")
        assert (await it.ask("PUT", role, json={"role": "slush"})).status_code == 422
        itself = {"first": FIRST_ID, "second": FIRST_ID, "is_same": True}
        assert (await it.ask("POST", f"{ACCOUNTS}/sameness", json=itself)).status_code == 422
