"""The dynamic Sandbox user: each refresh adds pending rows, posts the old ones and changes an amount."""

from __future__ import annotations

from rowcol.sandbox.plaid.billing import REFRESH
from rowcol.sandbox.plaid.dynamic import DYNAMIC_USER
from tests.sandbox.rig import Rig


async def test_a_refresh_makes_things_happen(rig: Rig) -> None:
    made = await rig.ok(
        "/sandbox/public_token/create",
        institution_id="ins_109508",
        initial_products=["transactions"],
        options={"override_username": DYNAMIC_USER, "override_password": "any"},
    )
    answer = await rig.ok("/item/public_token/exchange", public_token=made["public_token"])
    item = rig.emulator.items[answer["item_id"]]
    await rig.advance(minutes=2)
    mirror = await rig.sync_all(item)
    assert len(mirror.rows) == 50
    pending = {key for key, row in mirror.rows.items() if row["pending"]}
    assert len(pending) == 5
    await rig.ok("/transactions/refresh", access_token=item.access_token)
    assert rig.emulator.billing.n_calls(REFRESH) == 1
    await rig.advance(minutes=1)
    page = await rig.ok("/transactions/sync", access_token=item.access_token, cursor=mirror.cursor)
    assert {row["transaction_id"] for row in page["removed"]} == pending
    posted = [row for row in page["added"] if not row["pending"]]
    assert {row["pending_transaction_id"] for row in posted} == pending
    assert sum(row["pending"] for row in page["added"]) == 3
    assert len(page["modified"]) == 1
