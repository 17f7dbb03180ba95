"""Linked twice: the two scripts of public bug reports, through the program, its service and the emulated Plaid."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.cli.rig import Shell

OPERATING = {"account_id": "w-op", "name": "Operating", "mask": "1111", "opening_minor": 1_000_000}
TRUST = {
    "account_id": "w-trust",
    "name": "Client Trust",
    "mask": "2222",
    "opening_minor": 25_000_000,
}


def control(shell: Shell, path: str, **body: Any) -> dict[str, Any]:
    url = f"{shell.environment['ROWCOL_PLAID__MAIN__BASE_URL']}/_control/{path}"
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None)
    with urllib.request.urlopen(request, timeout=30) as answer:
        out: dict[str, Any] = json.loads(answer.read())
    return out


def link(shell: Shell, business: str, bank: str, *accounts: dict[str, Any]) -> str:
    """A person gives a bank login that shows these accounts, and the program stores and reads it."""
    named = [{**a, "account_id": f"{business}-{a['account_id']}"} for a in accounts]
    made = control(shell, "items", institution_id=bank, exchange=False, accounts=named)
    login = shell.json("connect", "plaid", business, "--public-token", made["public_token"])
    shell("read", business, "--force", "--yes", rc=None)
    return str(login["id"])


def guardrail(shell: Shell, business: str) -> tuple[str, list[int]]:
    said = shell("read", business, "--purpose", "guardrail", "--deadline", "30s", "--json", rc=None)
    out = json.loads(said.stdout)
    served = 3 if out["label"] else 0
    assert said.returncode == {"HOLD": 1, "SERVE": served}[out["action"]], out
    return out["action"], [amount["amount_minor"] for amount in out["cash"]]


def test_p1_at_a_bank_that_gives_ids(connected: Shell) -> None:
    connected("business", "add", "dup-ids")
    for _ in range(2):
        link(connected, "dup-ids", "ins_56", OPERATING)
    assert guardrail(connected, "dup-ids") == ("SERVE", [1_000_000])
    assert "shown by 2 logins" in connected("doctor", rc=None).stdout


def test_p1_at_a_bank_that_gives_none(connected: Shell) -> None:
    connected("business", "add", "dup-none")
    for _ in range(2):
        link(connected, "dup-none", "ins_109508", OPERATING)
    assert guardrail(connected, "dup-none") == ("HOLD", [1_000_000])
    assert "HOLDS decisions" in connected("account", "list", "dup-none").stderr
    assert "may be one account" in connected("doctor", rc=None).stdout
    rows = connected.lines("account", "list", "dup-none")
    first, second = _ids(connected, "dup-none")
    assert {row["account"] for row in rows} == {first}  # shown once until somebody says
    connected("account", "different", first, second)
    assert guardrail(connected, "dup-none") == ("SERVE", [2_000_000])
    connected("account", "same", first, second)
    assert guardrail(connected, "dup-none") == ("SERVE", [1_000_000])
    connected("account", "same", first, "acc_none", rc=2)


def test_two_logins_are_told_the_same_by_their_ids(connected: Shell) -> None:
    connected("business", "add", "dup-logins")
    both = [link(connected, "dup-logins", "ins_109508", OPERATING, TRUST) for _ in range(2)]
    assert guardrail(connected, "dup-logins")[0] == "HOLD"
    hint = f"`rowcol account same {' '.join(sorted(both))}`"
    assert hint in connected("account", "list", "dup-logins").stderr
    said = connected("account", "same", *both).stdout
    assert said.count("counts as cash") == 2
    assert hint not in connected("account", "list", "dup-logins").stderr
    assert guardrail(connected, "dup-logins") == ("SERVE", [26_000_000])
    again = connected("account", "same", *both, rc=2).stderr
    assert "no account of the one may be one of the other's" in again
    connected("account", "same", both[0], "con_none", rc=2)


def _ids(shell: Shell, business: str) -> tuple[str, str]:
    out = shell.json("read", business, "--purpose", "verify", rc=3)
    (doubt,) = out["doubts"]
    return doubt["first"], doubt["second"]


@pytest.mark.parametrize("bank", ["ins_56", "ins_109508"])
def test_p5_the_role_outlives_the_login(connected: Shell, bank: str) -> None:
    business = f"law-{bank}"
    connected("business", "add", business)
    old = link(connected, business, bank, OPERATING, TRUST)
    rows = connected.lines("account", "list", business)
    trust = next(row["remote_id"] for row in rows if row["mask"] == "2222")
    connected("account", "role", old, trust, "trust")
    assert guardrail(connected, business) == ("SERVE", [1_000_000])
    items = control(connected, "items")["items"]
    item = next(i for i in items if any(a["account_id"] == trust for a in i["accounts"]))
    control(connected, "faults", knob="break_login", item_id=item["item_id"])
    link(connected, business, bank, OPERATING, TRUST)
    action = "SERVE" if bank == "ins_56" else "HOLD"
    assert guardrail(connected, business) == (action, [1_000_000])
    connected("disconnect", old, "--yes")
    # Where a doubt holds it anyway, nobody pays for the new login's first look: then there is no value at all.
    assert guardrail(connected, business) in ((action, [1_000_000]), ("HOLD", []))
    roles = {r["mask"]: r["role"] for r in connected.lines("account", "list", business)}
    assert roles == {"1111": "OPERATING", "2222": "TRUST"}
