"""Books: a company is connected by its consent link, and its bills are read with their proof, all by command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from tests.cli.rig import Shell


def consented(url: str) -> str:
    """What a browser does at the emulated consent screen: the address that it is sent back to."""
    with httpx2.Client(follow_redirects=False, trust_env=False) as browser:
        answer = browser.get(url)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """With one business whose books are connected."""
    made = Shell(tmp_path_factory.mktemp("books"))
    made("init")
    with made.running("sandbox", "--port", "0") as sandbox:
        made.environment.update(sandbox["environment"])
        made("business", "add", "Harbor Dental", "--external-id", "h-1")
        begun = made.json("connect", "qbo", "h-1", "--no-wait")
        address = consented(begun["url"])
        assert {"code", "state", "realmId"} <= parse_qs(urlsplit(address).query).keys()
        login = made.json("connect", "qbo", "h-1", "--callback", address)
        assert (login["rail"], login["health"]) == ("qbo", "OK")
        made("connect", "qbo", "h-1", "--callback", address, rc=2)
        yield made


def test_bills_are_read_with_their_age(books: Shell) -> None:
    out = books.json("books", "bills", "h-1")
    assert (out["action"], out["label"], len(out["value"])) == ("SERVE", None, 12)
    assert out["evidence"][0]["scope"] == "books"
    assert out["as_of"] == out["evidence"][0]["complete_as_of"]
    first = out["value"][0]
    one = books.json("books", "bill", "h-1", first["id"])
    assert one["value"] == first
    assert one["calls"] == [], "the mirror vouches"
    assert first["vendor_name"] in books("books", "bills", "h-1").stdout


def test_what_there_is_not(books: Shell) -> None:
    books("books", "bill", "h-1", "99999", rc=1)
    books("business", "add", "No Books", "--external-id", "n-1")
    for words in (["bills", "n-1"], ["bill", "n-1", "1"], ["vendors", "n-1"], ["accounts", "n-1"]):
        said = books("books", *words, rc=1)
        assert said.stdout.startswith("nothing is known: no books are connected"), words
        assert "`rowcol connect qbo n-1`" in said.stdout
        assert "none" not in said.stderr + said.stdout, "an empty list reads as an answer"
    books("books", "bills", "nobody", rc=2)


@pytest.mark.parametrize(
    ("endpoint", "data", "said"),
    [
        ("query", "{}", "missing: statement or entity"),
        ("report.get", "{}", "missing: report"),
        ("entity.get", '{"entity": "Bill"}', "missing: id"),
        ("entity.create", '{"entity": "Vendor", "DisplayName": "x"}', "under `body`"),
        ("entity.create", '{"entity": "batch", "body": {"a": "b"}}', "no entity 'batch'"),
        ("entity.get", '{"entity": "..", "id": "x"}', "no entity '..'"),
        ("entity.get", '{"entity": "Bill", "id": ".."}', "id '..' is no word"),
        ("report.get", '{"report": "../query"}', "is no word"),
    ],
)
def test_a_call_that_lacks_something_goes_nowhere(
    books: Shell, endpoint: str, data: str, said: str
) -> None:
    control = f"{books.environment['ROWCOL_QBO__MAIN__BASE_URL']}/_control/state"
    before = httpx2.get(control, trust_env=False).json()["n_requests"]
    assert said in books("call", "h-1", "qbo", endpoint, "--data", data, rc=2).stderr
    assert httpx2.get(control, trust_env=False).json()["n_requests"] == before


def test_a_write_names_the_field_and_the_duplicate(books: Shell) -> None:
    create = ("call", "h-1", "qbo", "entity.create", "--data")
    made = '{"entity": "Customer", "body": {"DisplayName": "Acme"}}'
    books(*create, made)
    assert "DisplayName 'Acme' is taken" in books(*create, made, rc=4).stderr
    lacking = '{"entity": "Bill", "body": {"DocNumber": "7"}}'
    assert "2020: a field is missing: " in books(*create, lacking, rc=4).stderr


def test_a_write_that_a_success_refuses_could_not_be_done(books: Shell) -> None:
    """q1c. Was: told as done, exit code 0. Has: 4, as for every refusal of a rail, and nothing is in the books."""
    control = f"{books.environment['ROWCOL_QBO__MAIN__BASE_URL']}/_control"
    create = ("call", "h-1", "qbo", "entity.create", "--data")
    write = '{"entity": "Customer", "body": {"DisplayName": "Refused"}}'
    fault = {"fault": "code_6000_as_200", "operation": "create", "n": 2}
    httpx2.post(f"{control}/faults", json=fault, trust_env=False).raise_for_status()
    said = books(*create, write, rc=4)
    assert "6000: a business rule forbids it" in said.stderr
    assert said.stdout == ""
    out = json.loads(books(*create, write, "--json", rc=4).stdout)
    assert out["error"]["code"] == "rail_refused"
    books(*create, write)  # the name is not taken: neither was done


def test_explain_of_books_alone_does_not_speak_of_a_missing_value(books: Shell) -> None:
    books("books", "bills", "h-1", rc=None)
    said = books("explain", "h-1")
    assert said.stdout.startswith("Harbor Dental: no bank login is connected")
    assert "HOLD: no" not in said.stdout
    assert "no login is connected" not in said.stdout + said.stderr
    for word in ("Sample Company", "UNITS", "`rowcol connect plaid 'Harbor Dental'`"):
        assert word in said.stdout, word
    assert "query" in said.stdout or "cdc" in said.stdout, "its last calls"
    assert [c["rail"] for c in books.json("explain", "h-1")["books"]] == ["qbo"]
    books("business", "add", "New", "--external-id", "new-1")
    assert "`rowcol connect qbo New`" in books("explain", "new-1").stdout


def test_vendors_and_accounts(books: Shell) -> None:
    assert len(books.json("books", "vendors", "h-1")["value"]) == 8
    names = {a["name"] for a in books.json("books", "accounts", "h-1")["value"]}
    assert names == {"Checking", "Savings"}


@pytest.mark.parametrize("words", [["bills"], ["bill", "1"], ["vendors"], ["accounts"]])
def test_a_read_says_until_when_it_waits_and_keeps_to_it(books: Shell, words: list[str]) -> None:
    """A check after payment waits for days, unless it is told that the answer is of use only until then."""
    books(
        "books", "bills", "h-1"
    )  # read once: a bill of books that never were is asked for at once
    how = ("--purpose", "verify", "--deadline", "2s", "--json")
    asked_at = datetime.now(UTC)  # noqa: TID251 - a command goes by the real clock
    said = books("books", words[0], "h-1", *words[1:], *how)
    answered_at = datetime.fromisoformat(json.loads(said.stdout)["answered_at"])
    assert answered_at >= asked_at + timedelta(seconds=2)
    assert "reading the books, until 20" in said.stderr
    assert "UTC; --deadline shortens it" in said.stderr
    books("books", words[0], "h-1", *words[1:], "--deadline", "soon", rc=2)


@pytest.mark.parametrize("words", [["vendors"], ["accounts"]])
def test_every_list_can_be_forced(books: Shell, words: list[str]) -> None:
    books("books", *words, "h-1")
    forced = books.json("books", *words, "h-1", "--force")
    assert (forced["purpose"], len(forced["calls"])) == ("FORCED", 1)


def test_the_pool_is_on_show(books: Shell) -> None:
    books("books", "bills", "h-1", "--force")
    (pool,) = books.json("cost")["pools"]
    assert (pool["rail"], pool["limit"], pool["stage"]) == ("qbo", 500_000, "OPEN")
    assert pool["metering"] == {"cdc": "call"}, "as the emulator counts"
    assert pool["used"] >= 1
    assert pool["peak_per_minute_per_company"] >= 16
    assert 1 <= pool["peak_per_second_per_company"] <= 5
    assert "500,000" in books("cost").stdout


def test_the_pool_counts_as_the_emulator_does(tmp_path: Path) -> None:
    made = Shell(tmp_path)
    made("init")
    with made.running("sandbox", "--port", "0") as sandbox:
        made.environment.update(sandbox["environment"])
        made("business", "add", "Harbor Dental")
        begun = made.json("connect", "qbo", "Harbor Dental", "--no-wait")
        made("connect", "qbo", "Harbor Dental", "--callback", consented(begun["url"]))
        made("books", "bills", "Harbor Dental")
        made("books", "bills", "Harbor Dental", "--force")
        (pool,) = made.json("cost")["pools"]
        meter = f"{sandbox['books_address']}/_control/meter"
        by_month = httpx2.get(meter, trust_env=False).json()["by_month"]
        assert pool["used"] == by_month[pool["month"]] > 1


def test_an_amount_that_is_not_exact_is_named(books: Shell) -> None:
    (login,) = books.lines("connection", "list", "h-1")
    control = f"{books.environment['ROWCOL_QBO__MAIN__BASE_URL']}/_control/books"
    detail = {"AccountRef": {"value": "7"}}
    line = {
        "Amount": "1200.50",
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": detail,
    }
    body = {"VendorRef": {"value": "1"}, "Line": [line]}
    bill = {"realm_id": login["remote_id"], "entity": "Bill"}
    made = httpx2.post(
        control, json={**bill, "operation": "create", "body": body}, trust_env=False
    ).json()["row"]["Id"]
    planted = {"operation": "plant", "id": made, "body": {"CurrencyRef": {"value": "JPY"}}}
    httpx2.post(control, json=bill | planted, trust_env=False)
    why = "1200.50 is not an exact amount of JPY"
    said = books("books", "bill", "h-1", made, "--force", rc=4).stderr
    assert f"rowcol: Bill '{made}' cannot be read: {why}" in said
    assert "-> correct it in the books" in said
    told = books("books", "bills", "h-1", rc=3)
    assert f"cannot be read: Bill {made}: {why}" in told.stdout + told.stderr
    out = books.json("books", "bills", "h-1", rc=3)
    assert out["unreadable"] == [{"entity": "Bill", "id": made, "why": why}]
    assert (out["action"], len(out["value"])) == ("SERVE", 12)
    assert f"Bill '{made}' ({why})" in out["label"]
    httpx2.post(control, json={**bill, "operation": "delete", "id": made}, trust_env=False)
    listed = books.json("books", "bills", "h-1", "--force")
    assert made not in {b["id"] for b in listed["value"]}


def test_a_company_that_withdrew_names_the_command_that_repairs_it(books: Shell) -> None:
    (login,) = books.lines("connection", "list", "h-1")
    control = f"{books.environment['ROWCOL_QBO__MAIN__BASE_URL']}/_control/revoke_consent"
    httpx2.post(control, json={"realm_id": login["remote_id"]}, trust_env=False)
    books("books", "bills", "h-1", "--force", rc=None)
    (broken,) = books.lines("connection", "list", "h-1")
    assert broken["health"] == "NEEDS_RECONNECT"
    assert broken["needs"] == "a person has to repair it, in place"
    assert broken["reconnect"] == f"POST /v1/connections/{broken['id']}/repair"
    listed = books("connection", "list", "h-1").stdout
    assert f"needs a person: `rowcol connection repair {login['id']}`" in listed
    assert "WEBHOOK GAPS" in listed
    told = [f for f in books.json("doctor")["findings"] if f["text"].startswith("needs a person")]
    assert [f["what_to_do"] for f in told] == [f"`rowcol connection repair {login['id']}`"]
    assert "of Harbor Dental" in told[0]["about"]
    begun = books.json("connection", "repair", login["id"], "--no-wait")
    address = consented(begun["hosted_link_url"])
    again = books.json("connect", "qbo", "h-1", "--callback", address)
    assert (again["id"], again["health"]) == (login["id"], "OK")


def test_books_that_were_never_read_whole_say_so_first(tmp_path: Path) -> None:
    made = Shell(tmp_path)
    made("init")
    with made.running("sandbox", "--port", "0") as sandbox:
        made.environment.update(sandbox["environment"])
        made("business", "add", "Harbor Dental")
        begun = made.json("connect", "qbo", "Harbor Dental", "--no-wait")
        address = consented(begun["url"])
        login = made.json("connect", "qbo", "Harbor Dental", "--callback", address)
        control = f"{made.environment['ROWCOL_QBO__MAIN__BASE_URL']}/_control/revoke_consent"
        httpx2.post(control, json={"realm_id": login["remote_id"]}, trust_env=False)
        for words in (["bills"], ["vendors"], ["accounts"]):
            said = made("books", *words, "Harbor Dental", rc=1)
            assert said.stdout.startswith("nothing is known for sure"), words
            assert f"`rowcol connection repair {login['id']}`" in said.stdout
            assert "no open bills" not in said.stdout + said.stderr


def test_a_company_s_own_currency_and_half_a_yen(tmp_path: Path) -> None:
    """A row without a currency is in Canadian dollars; one that is no amount is named beside it."""
    made = Shell(tmp_path)
    made("init")
    with made.running("sandbox", "--port", "0") as sandbox, httpx2.Client(trust_env=False) as web:
        made.environment.update(sandbox["environment"])
        made("business", "add", "Harbor Dental", "--external-id", "h-1")
        control = f"{made.environment['ROWCOL_QBO__MAIN__BASE_URL']}/_control"
        new = web.post(f"{control}/companies", json={"name": "Tern", "country": "CA"}).json()
        realm = new["realm_id"]
        due = {"DueDate": "2026-02-01", "VendorRef": {"value": "1", "name": "Paper Co."}}
        for row in (
            {"TotalAmt": 1000.0, "Balance": 1000.0, **due},
            {"TotalAmt": 1500.5, "Balance": 1500.5, "CurrencyRef": {"value": "JPY"}, **due},
        ):
            plant = {"realm_id": realm, "entity": "Bill", "operation": "plant", "body": row}
            assert web.post(f"{control}/books", json=plant).status_code == 200
        begun = parse_qs(urlsplit(made.json("connect", "qbo", "h-1", "--no-wait")["url"]).query)
        asked = {"client_id": begun["client_id"][0], "realm_id": realm}
        code = web.post(f"{control}/consent", json=asked).json()["code"]
        back = {"code": code, "realmId": realm, "state": begun["state"][0]}
        made("connect", "qbo", "h-1", "--callback", f"{begun['redirect_uri'][0]}?{urlencode(back)}")
        out = made.json("books", "bills", "h-1", "--force", rc=3)
        assert [b["balance"] for b in out["value"]] == [
            {"amount_minor": 100_000, "currency": "CAD"}
        ]
        (bad,) = out["unreadable"]
        assert bad["why"] == "1500.5 is not an exact amount of JPY"
        assert bad["id"] in out["label"]
        said = made("books", "bills", "h-1", rc=3)
        assert "1,000.00 CAD" in said.stdout
        assert f"cannot be read: Bill {bad['id']}: {bad['why']}" in said.stdout + said.stderr
