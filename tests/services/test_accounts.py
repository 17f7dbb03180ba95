"""Accounts, against the emulated Plaid: one account counted once, roles that outlive logins, nothing decided on nothing.

The cases p1, p5, p6b and p11 are from public bug reports: each with the value that is right.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from rowcol.core.cash import Role
from rowcol.core.change import Action
from rowcol.core.evidence import Health
from rowcol.core.identity import account_id_of
from rowcol.core.ids import BusinessId, RemoteId
from rowcol.core.money import Money
from rowcol.core.need import Purpose
from rowcol.core.refusal import BadInput, Conflict, NotFound
from rowcol.engine.answer import Answer
from rowcol.sandbox.plaid.catalog import INSTITUTIONS, Institution
from rowcol.sandbox.plaid.knobs import turn
from rowcol.sandbox.world import AccountFacts, Posting
from rowcol.services import accounts
from rowcol.services.cache import CacheService
from rowcol.services.firm_cash import firm_cash
from rowcol.services.integration import IntegrationService
from rowcol.simulation.rig import Rig, open_rig
from rowcol.simulation.wiring import FIRM

GIVES_IDS, GIVES_NONE = INSTITUTIONS["ins_56"], INSTITUTIONS["ins_109508"]
"""Banks with persistent ids for accounts, and without."""


def usd(amount_minor: int) -> tuple[Money, ...]:
    return (Money(amount_minor, "USD"),)


async def answer_of(it: Rig, business: BusinessId, purpose: Purpose = Purpose.GUARDRAIL) -> Answer:
    """An answer, however long it takes."""
    asked = await it.ask(business, purpose)
    await it.advance_to(it.clock.now() + timedelta(hours=5))
    assert asked.answer is not None
    return asked.answer


def open_account(it: Rig, name: str, mask: str, opening_minor: int, **more: str) -> str:
    start = it.clock.now()
    history = [
        Posting(f"{name}-{n}", start - timedelta(days=n), -100 - n, f"Payment {n}")
        for n in range(1, 9)
    ]
    total = sum(posting.amount_minor for posting in history)
    facts = AccountFacts(name, mask, **more)  # type: ignore[arg-type]
    it.world.open_account(name, facts, opening_minor - total, history)
    return name


async def settled(it: Rig) -> None:
    """After the first looks, transactions included."""
    await it.advance_to(it.clock.now() + timedelta(minutes=30))


async def test_p1_an_account_linked_twice_is_counted_once() -> None:
    async with open_rig() as it:
        business = await it.add_business("Dup Co")
        open_account(it, "Operating Checking", "4242", 1_000_000)
        for _ in range(2):
            await it.connect(business, ["Operating Checking"], GIVES_IDS)
            await settled(it)
        answer = await answer_of(it, business)
        assert (answer.action, answer.value.totals) == (Action.SERVE, usd(1_000_000))
        (one,) = answer.accounts
        assert len(one.shown) == 2


async def test_p1_where_nothing_proves_it_a_decision_holds_until_a_person_says() -> None:
    async with open_rig() as it:
        business = await it.add_business("Dup Co")
        open_account(it, "Operating Checking", "4242", 1_000_000)
        for _ in range(2):
            await it.connect(business, ["Operating Checking"], GIVES_NONE)
            await settled(it)
        held = await answer_of(it, business)
        assert held.action is Action.HOLD
        assert "rowcol account same" in held.reason
        shown = await answer_of(it, business, Purpose.DISPLAY)
        assert (shown.action, shown.value.totals) == (Action.SERVE, usd(1_000_000))
        assert "may be one account" in (shown.label or "")
        (doubt,) = held.doubts
        ids = [account_id_of(a.connection, a.remote_id) for a in (doubt.first, doubt.second)]
        await accounts.tell_sameness(it.plane, FIRM, business, *ids, is_same=True)
        said = await answer_of(it, business)
        assert (said.action, said.value.totals) == (Action.SERVE, usd(1_000_000))
        await accounts.tell_sameness(it.plane, FIRM, business, *ids, is_same=False)
        two = await answer_of(it, business)
        assert (two.action, two.value.totals) == (Action.SERVE, usd(2_000_000))


async def test_nothing_is_paid_for_an_answer_that_is_held_anyway() -> None:
    async with open_rig() as it:
        business = await it.add_business("Dup Co")
        open_account(it, "Operating Checking", "4242", 1_000_000)
        for _ in range(2):
            await it.connect(business, ["Operating Checking"], GIVES_NONE)
        await settled(it)
        it.emulator.agenda.is_frozen = True
        await it.advance_to(it.clock.now() + timedelta(hours=30))
        held = await it.ask(business, Purpose.GUARDRAIL)
        assert held.answer is not None  # at once, although the balances are old
        assert held.answer.action is Action.HOLD
        await it.plane.decisions.flush()
        lines = await it.plane.store.list_decisions(FIRM, business=business)
        assert [(x.connection, x.decision.action) for x in lines if x.connection is None] == [
            (None, Action.HOLD)
        ]
        assert it.emulator.billing.n_calls("/accounts/balance/get") == 0


@pytest.mark.parametrize("bank", [GIVES_IDS, GIVES_NONE], ids=["ids", "no-ids"])
async def test_p5_trust_money_never_becomes_cash_by_connecting_anew(bank: Institution) -> None:
    """10,000.00 of its own, 250,000.00 in trust: at no moment is more than the former served for a decision."""
    async with open_rig() as it:
        business = await it.add_business("Law Three")
        open_account(it, "Operating", "1111", 1_000_000)
        open_account(it, "Client Trust", "2222", 25_000_000)
        first = await it.connect(business, ["Operating", "Client Trust"], bank)
        await settled(it)
        trust = next(
            a for a in it.item_of(first).accounts.values() if a.ledger.facts.mask == "2222"
        )
        await accounts.set_role_at_login(
            it.plane, FIRM, first.id, RemoteId(trust.account_id), Role.TRUST
        )
        assert (await answer_of(it, business)).value.totals == usd(1_000_000)
        it.emulator.break_login(it.item_of(first))
        await it.settle()
        await it.connect(business, ["Operating", "Client Trust"], bank)
        for step in ("both", "the old one ended"):
            await settled(it)
            answer = await answer_of(it, business)
            if bank is GIVES_IDS:
                assert answer.action is Action.SERVE, step
                assert answer.value.totals == usd(1_000_000), step
            else:
                assert answer.action is Action.HOLD, step
            assert answer.value.totals == usd(1_000_000), step
            if step == "both":
                await IntegrationService(it.plane, business, firm=FIRM).disconnect(first.id)
        listed = await accounts.read_accounts(it.plane, FIRM, business)
        roles = {one.speaking.mask: one.role for one in listed.accounts}
        assert roles == {"1111": Role.OPERATING, "2222": Role.TRUST}


async def test_an_account_that_its_bank_renumbers_in_place_keeps_role_and_count() -> None:
    async with open_rig() as it:
        business = await it.add_business("Law Four")
        open_account(it, "Operating", "1111", 1_000_000)
        open_account(it, "Client Trust", "2222", 25_000_000)
        login = await it.connect(business, ["Operating", "Client Trust"], GIVES_NONE)
        await settled(it)
        for mask, role in (("2222", Role.TRUST), ("1111", Role.OPERATING)):
            shown = it.item_of(login).accounts.values()
            remote = next(a.account_id for a in shown if a.ledger.facts.mask == mask)
            await accounts.set_role_at_login(it.plane, FIRM, login.id, RemoteId(remote), role)
        for remote in list(it.item_of(login).accounts):
            turn(it.emulator, "churn_account", {"item_id": login.remote_id, "account_id": remote})
        it.emulator.pull(it.item_of(login), it.clock.now())
        await it.advance_to(it.clock.now() + timedelta(hours=30))
        answer = await answer_of(it, business)
        assert (answer.action, answer.value.totals) == (Action.SERVE, usd(1_000_000))
        assert answer.value.incomplete == ()
        assert {one.role for one in answer.accounts} == {Role.OPERATING, Role.TRUST}
        assert all(len(one.shown) == 2 for one in answer.accounts)


async def test_twins_in_one_login_both_count() -> None:
    async with open_rig() as it:
        business = await it.add_business("Twin Co")
        for n in (1, 2):
            it.world.open_account(f"t{n}", AccountFacts("Checking", "7777"), 500_000)
        await it.connect(business, ["t1", "t2"], GIVES_NONE)
        await settled(it)
        answer = await answer_of(it, business)
        assert (answer.action, answer.value.totals) == (Action.SERVE, usd(1_000_000))
        one, other = (one.id for one in answer.accounts)
        with pytest.raises(Conflict, match="one login shows both"):
            await accounts.tell_sameness(it.plane, FIRM, business, one, other, is_same=True)
        with pytest.raises(BadInput, match="itself"):
            await accounts.tell_sameness(it.plane, FIRM, business, one, one, is_same=True)
        with pytest.raises(NotFound):
            await accounts.tell_sameness(it.plane, FIRM, business, one, "acc_x", is_same=True)


async def test_p6b_a_debt_is_never_cash() -> None:
    async with open_rig() as it:
        business = await it.add_business("Card Co")
        open_account(it, "Checking", "1111", 900_000)
        debt = {"account_type": "credit", "account_subtype": "credit card"}
        it.world.open_account("Card", AccountFacts("Card", "3333", **debt), -200_000)  # type: ignore[arg-type]
        login = await it.connect(business, ["Checking", "Card"], GIVES_NONE)
        await settled(it)
        card = next(a for a in it.item_of(login).accounts.values() if a.ledger.facts.mask == "3333")
        with pytest.raises(BadInput, match="owed"):
            await accounts.set_role_at_login(
                it.plane, FIRM, login.id, RemoteId(card.account_id), "OPERATING"
            )
        # Given before that was refused, it counts for nothing.
        now = it.clock.now()
        await it.plane.store.set_account_role(
            FIRM, login.id, RemoteId(card.account_id), "OPERATING", now
        )
        assert (await answer_of(it, business)).value.totals == usd(900_000)


async def test_p11_pending_money_is_named_beside_the_current_balance() -> None:
    async with open_rig() as it:
        business = await it.add_business("Pending Co")
        open_account(it, "Checking", "1111", 1_000_000)
        login = await it.connect(business, ["Checking"], GIVES_NONE)
        await settled(it)
        now = it.clock.now()
        later = now + timedelta(days=3)
        it.world.post("Checking", later, -950_000, "Rent", pending_since=now)
        it.emulator.pull(it.item_of(login), it.clock.now())
        await it.advance_to(it.clock.now() + timedelta(minutes=20))
        answer = await answer_of(it, business)
        assert (answer.action, answer.value.totals) == (Action.SERVE, usd(1_000_000))
        (note,) = answer.notes
        assert "-9,500.00 USD pending" in note
        assert "500.00 USD available" in note
        assert list(answer.pending.values()) == [Money(-950_000, "USD")]
        balance = answer.accounts[0].speaking.latest.balance  # type: ignore[union-attr]
        assert balance is not None
        assert balance.available == Money(50_000, "USD")


@pytest.mark.parametrize("purpose", [Purpose.GUARDRAIL, Purpose.RITUAL, Purpose.FORCED])
async def test_a_decision_on_nothing_is_no_decision(purpose: Purpose) -> None:
    async with open_rig() as it:
        business = await it.add_business("Trust Only")
        open_account(it, "Client Trust", "2222", 25_000_000)
        login = await it.connect(business, ["Client Trust"], GIVES_NONE)
        await settled(it)
        (remote,) = it.item_of(login).accounts
        await accounts.set_role_at_login(it.plane, FIRM, login.id, RemoteId(remote), Role.TRUST)
        answer = await answer_of(it, business, purpose)
        assert (answer.action, answer.value.totals) == (Action.HOLD, ())
        assert "no account counts as cash" in answer.reason
        assert "TRUST" in answer.reason
        shown = await CacheService(it.plane, business, firm=FIRM).get_balance()
        assert "no account counts as cash" in (shown.label or "")


async def test_a_business_without_a_login_is_held() -> None:
    async with open_rig() as it:
        business = await it.add_business("Nobody")
        answer = await answer_of(it, business)
        assert (answer.action, answer.reason) == (
            Action.HOLD,
            "no bank login is connected for this business",
        )


async def test_a_login_that_another_speaks_for_may_be_broken() -> None:
    """The healthy login answers; the broken one neither holds nor labels anything."""
    async with open_rig() as it:
        business = await it.add_business("Two Keys")
        open_account(it, "Operating Checking", "4242", 1_000_000)
        first = await it.connect(business, ["Operating Checking"], GIVES_IDS)
        await settled(it)
        await it.connect(business, ["Operating Checking"], GIVES_IDS)
        await settled(it)
        it.emulator.break_login(it.item_of(first))
        await it.settle()
        answer = await answer_of(it, business)
        assert (answer.action, answer.value.totals) == (Action.SERVE, usd(1_000_000))
        assert (answer.label, answer.value.incomplete) == (None, ())
        view = await it.plane.store.read_view(FIRM, first.id)
        assert view is not None
        assert view.connection.state.health is Health.NEEDS_RECONNECT


async def test_an_account_of_two_businesses_counts_in_each_and_once_for_the_firm() -> None:
    async with open_rig() as it:
        owners = [await it.add_business(name) for name in ("Holding", "Subsidiary")]
        open_account(it, "Shared Checking", "9999", 1_000_000)
        open_account(it, "Own Checking", "8888", 50_000)
        await it.connect(owners[0], ["Shared Checking"], GIVES_IDS)
        await it.connect(owners[1], ["Shared Checking", "Own Checking"], GIVES_IDS)
        await settled(it)
        first, second = [await answer_of(it, business) for business in owners]
        assert (first.action, first.value.totals) == (Action.SERVE, usd(1_000_000))
        assert (second.action, second.value.totals) == (Action.SERVE, usd(1_050_000))
        assert any("also an account of Subsidiary" in note for note in first.notes)
        assert any("also an account of Holding" in note for note in second.notes)
        total = await firm_cash(it.plane, FIRM)
        assert (total.totals, total.businesses) == (usd(1_050_000), 2)
        assert any("counted once" in note for note in total.notes)


@pytest.mark.parametrize("changes", ["numbers", "names"])
async def test_a_bank_that_moves_under_another_id_is_asked_about(changes: str) -> None:
    """As after a merger of banks: what the new login shows is the old one's, and no trust money becomes cash."""
    async with open_rig() as it:
        business = await it.add_business("Merged")
        for name, mask, amount in (("Op", "1111", 1_000_000), ("Trust", "2222", 25_000_000)):
            open_account(it, name, mask, amount)
        first = await it.connect(business, ["Op", "Trust"], GIVES_NONE)
        await settled(it)
        shown = it.item_of(first).accounts.values()
        trust = next(a.account_id for a in shown if a.ledger.facts.mask == "2222")
        await accounts.set_role_at_login(it.plane, FIRM, first.id, RemoteId(trust), Role.TRUST)
        it.emulator.break_login(it.item_of(first))
        await it.settle()
        for name, mask, amount in (("Op", "1111", 1_000_000), ("Trust", "2222", 25_000_000)):
            is_new = changes == "numbers"
            facts = AccountFacts(
                name if is_new else f"{name} Go", f"9{mask[1:]}" if is_new else mask
            )
            it.world.open_account(f"{name}-new", facts, amount)
        await it.connect(business, ["Op-new", "Trust-new"], INSTITUTIONS["ins_109511"])
        for _ in range(2):
            answer = await answer_of(it, business)
            assert (answer.action, answer.value.totals) == (Action.HOLD, usd(1_000_000))
            if first.id in {c.id for c in await it.plane.store.list_connections(FIRM)}:
                row = await it.plane.store.read_view(FIRM, first.id)
                assert row is not None
                if row.connection.state.health is not Health.RETIRED:
                    await IntegrationService(it.plane, business, firm=FIRM).disconnect(first.id)


async def test_a_missing_value_is_looked_for_again() -> None:
    """A bank that gives no current balance once holds a guardrail until the next look, not for a day."""
    async with open_rig() as it:
        business = await it.add_business("Null Co")
        open_account(it, "Checking", "1111", 1_000_000)
        login = await it.connect(business, ["Checking"], GIVES_NONE)
        await settled(it)
        nulls = {"item_id": login.remote_id, "fields": ["current"]}
        turn(it.emulator, "null_balances", nulls)
        it.emulator.pull(it.item_of(login), it.clock.now())
        await it.advance_to(it.clock.now() + timedelta(minutes=90))
        held = await answer_of(it, business)
        assert (held.action, held.value.totals) == (Action.HOLD, ())
        assert "no current balance is known" in held.reason
        turn(it.emulator, "null_balances", {**nulls, "fields": []})
        it.emulator.pull(it.item_of(login), it.clock.now())
        await it.advance_to(it.clock.now() + timedelta(hours=2))
        assert (await answer_of(it, business)).value.totals == usd(1_000_000)


async def test_two_clients_whose_accounts_only_look_alike_both_count_for_the_firm() -> None:
    async with open_rig() as it:
        owners = [await it.add_business(name) for name in ("Bakery", "Garage")]
        logins = []
        for n, business in enumerate(owners):
            it.world.open_account(f"w{n}", AccountFacts("Business", "1234"), 1_000_000 + n)
            logins.append(await it.connect(business, [f"w{n}"], GIVES_NONE))
        await settled(it)
        total = await firm_cash(it.plane, FIRM)
        assert total.totals == usd(2_000_001)
        (said,) = total.incomplete
        assert "counted twice until" in said
        assert "-> `rowcol account same acc_" in said, "had two ids and two commands apart"
        ids = [account_id_of(c.id, next(iter(it.item_of(c).accounts))) for c in logins]
        await accounts.tell_sameness(it.plane, FIRM, owners[0], *ids, is_same=False)
        total = await firm_cash(it.plane, FIRM)
        assert (total.totals, total.incomplete) == (usd(2_000_001), ())
        await accounts.tell_sameness(it.plane, FIRM, owners[1], *reversed(ids), is_same=True)
        assert (await firm_cash(it.plane, FIRM)).incomplete == ()
        assert len((await firm_cash(it.plane, FIRM)).totals) == 1
        assert (await answer_of(it, owners[0])).value.totals == usd(1_000_000)


async def test_an_account_of_two_businesses_without_an_id_is_counted_once_by_what_it_shows() -> (
    None
):
    async with open_rig() as it:
        owners = [await it.add_business(name) for name in ("Holding", "Subsidiary")]
        open_account(it, "Shared Checking", "9999", 1_000_000)
        for business in owners:
            await it.connect(business, ["Shared Checking"], GIVES_NONE)
        await settled(it)
        total = await firm_cash(it.plane, FIRM)
        assert (total.totals, total.incomplete) == (usd(1_000_000), ())
        assert any("counted once" in note for note in total.notes)


async def test_an_account_that_one_look_left_out_is_looked_for_again() -> None:
    async with open_rig() as it:
        business = await it.add_business("Flap Co")
        open_account(it, "Checking", "1111", 1_000_000)
        login = await it.connect(business, ["Checking"], GIVES_NONE)
        await settled(it)
        item = it.item_of(login)
        (kept,) = item.accounts.items()
        item.accounts.clear()
        item.accounts["other"] = type(kept[1])("other", it.world.open_account("s", SAVINGS, 1))
        it.emulator.pull(item, it.clock.now())
        await it.advance_to(it.clock.now() + timedelta(hours=26))
        assert (await answer_of(it, business)).action is Action.HOLD
        item.accounts[kept[0]] = kept[1]
        it.emulator.pull(item, it.clock.now())
        back = await answer_of(it, business)
        assert back.value.totals == usd(1_000_000)


SAVINGS = AccountFacts("Savings", "2222", account_subtype="savings")


async def test_two_logins_of_one_bank_are_told_the_same_at_once() -> None:
    async with open_rig() as it:
        business = await it.add_business("Dup Co")
        names = {"Operating": "1111", "Payroll": "2222", "Tax": "3333"}
        for n, (name, mask) in enumerate(names.items(), 1):
            open_account(it, name, mask, n * 1_000_000)
        logins = []
        for _ in range(2):
            logins.append(await it.connect(business, list(names), GIVES_NONE))
            await settled(it)
        assert (await answer_of(it, business)).action is Action.HOLD
        first, second = (login.id for login in logins)
        known = await accounts.tell_sameness(it.plane, FIRM, business, first, second, is_same=True)
        assert (known.doubts, [len(one.shown) for one in known.accounts]) == ((), [2, 2, 2])
        answer = await answer_of(it, business)
        assert (answer.action, answer.value.totals) == (Action.SERVE, usd(6_000_000))


async def test_logins_of_two_banks_are_not_told_the_same() -> None:
    async with open_rig() as it:
        business, other = await it.add_business("Dup Co"), await it.add_business("Other Co")
        open_account(it, "Operating", "1111", 1_000_000)
        open_account(it, "Savings", "9999", 2_000_000)
        first = await it.connect(business, ["Operating"], GIVES_NONE)
        await settled(it)
        second = await it.connect(business, ["Savings"], GIVES_IDS)
        elsewhere = await it.connect(other, ["Operating"], GIVES_NONE)
        await settled(it)
        with pytest.raises(BadInput, match="no account of the one may be"):
            await accounts.tell_sameness(
                it.plane, FIRM, business, first.id, second.id, is_same=True
            )
        for told in ((elsewhere.id, True), (second.id, False)):
            with pytest.raises(NotFound):
                await accounts.tell_sameness(
                    it.plane, FIRM, business, first.id, told[0], is_same=told[1]
                )


async def test_told_apart_each_keeps_the_role_that_both_had() -> None:
    """A person says that two are not one account; nobody said that the money of either is no trust money any more."""
    async with open_rig() as it:
        business = await it.add_business("Law Three")
        open_account(it, "Client Trust", "2222", 25_000_000)
        first = await it.connect(business, ["Client Trust"], GIVES_IDS)
        await settled(it)
        (trust,) = it.item_of(first).accounts
        await accounts.set_role_at_login(it.plane, FIRM, first.id, RemoteId(trust), Role.TRUST)
        await it.connect(business, ["Client Trust"], GIVES_IDS)
        await settled(it)
        known = await accounts.read_accounts(it.plane, FIRM, business)
        (one,) = known.accounts
        ids = [account_id_of(a.connection, a.remote_id) for a in one.shown]
        await accounts.tell_sameness(it.plane, FIRM, business, *ids, is_same=False)
        apart = await accounts.read_accounts(it.plane, FIRM, business)
        assert [(a.role, a.is_role_suggested) for a in apart.accounts] == [(Role.TRUST, False)] * 2
        assert (await answer_of(it, business)).value.totals == ()
