"""QuickBooks Online's recorded texts, read by strangers: python-quickbooks and intuit-oauth.

An exchange or a delivery that the vendors' own clients cannot read would bind adapter and emulator
to a mistake of ours. Not here: whether our adapter and our emulator honour the texts; each has its
own test for that. The SDK takes any key; `strays` finds those that its classes do not know.
Start at `rows`; the format is in `tests/exchanges/qbo/README.md`.
"""

import copy
import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

# Imported by name: the two packages ship no types.
quickbooks_client: Any = import_module("quickbooks.client")
quickbooks_errors: Any = import_module("quickbooks.exceptions")
change_data_capture: Any = import_module("quickbooks.cdc").change_data_capture
AuthClient: Any = import_module("intuitlib.client").AuthClient
set_attributes: Any = import_module("intuitlib.utils").set_attributes

TESTS = Path(__file__).resolve().parent.parent
EXCHANGES = sorted((TESTS / "exchanges" / "qbo").glob("*.json"))
FOLDER = TESTS / "deliveries" / "qbo"
DELIVERIES = sorted(FOLDER.glob("*.json"))
FORMS = sorted((FOLDER / "forms").glob("*.json"))

COMMON = {"Id", "SyncToken", "domain", "sparse", "MetaData"}

# Entity -> (keys of every row, keys of at least one row), both on top of `COMMON`.
KEYS: dict[str, tuple[str, str]] = {
    "Account": (
        "Name AccountType AccountSubType Classification CurrentBalance Active FullyQualifiedName",
        "CurrentBalanceWithSubAccounts SubAccount ParentRef",
    ),
    "Bill": (
        "VendorRef Line TxnDate DueDate TotalAmt Balance APAccountRef CurrencyRef LinkedTxn",
        "DocNumber PrivateNote SalesTermRef",
    ),
    "BillPayment": (
        "VendorRef TotalAmt PayType Line TxnDate",
        "CheckPayment CreditCardPayment DocNumber",
    ),
    "CreditMemo": ("CustomerRef Line TxnDate TotalAmt Balance RemainingCredit", "DocNumber"),
    "Customer": (
        "DisplayName Active Balance BalanceWithJobs Job FullyQualifiedName PreferredDeliveryMethod",
        "ParentRef Level",
    ),
    "Deposit": ("DepositToAccountRef Line TotalAmt TxnDate", "CashBack"),
    "Invoice": (
        "CustomerRef Line TxnDate DueDate TotalAmt Balance EmailStatus PrintStatus LinkedTxn",
        "Deposit DocNumber SalesTermRef TxnTaxDetail BillEmail CustomField",
    ),
    "JournalEntry": ("Line TxnDate Adjustment", "DocNumber PrivateNote"),
    "Payment": (
        "CustomerRef TotalAmt UnappliedAmt DepositToAccountRef Line TxnDate",
        "PaymentRefNum PaymentMethodRef",
    ),
    "Purchase": ("PaymentType AccountRef Line TotalAmt TxnDate", "Credit EntityRef PurchaseEx"),
    "SalesReceipt": ("Line TotalAmt TxnDate DepositToAccountRef", "CustomerRef PaymentMethodRef"),
    "Transfer": ("FromAccountRef ToAccountRef Amount TxnDate", "PrivateNote"),
    "Vendor": (
        "DisplayName Active Balance Vendor1099",
        "AcctNum TermRef PrimaryEmailAddr PrimaryPhone BillAddr",
    ),
    "VendorCredit": ("VendorRef Line TotalAmt TxnDate APAccountRef", "DocNumber"),
}
COUNTED = {"Bill", "BillPayment", "Deposit", "Invoice"}
NAME_LISTS = {"Account", "Customer", "Vendor"}

# Recorded or documented, yet no attribute of the SDK's class.
UNKNOWN_TO_SDK = {
    "Bill": {"HomeBalance"},
    "BillPayment": {"TxnDate"},
    "CompanyInfo": {"DefaultTimeZone", "NameValue", "domain", "sparse", "SyncToken"},
    "Invoice": {"AllowOnlinePayment"},
}

PLACEHOLDERS = frozenset(
    [
        "access_token",
        "account_id",
        "account_id_ap",
        "account_id_ar",
        "account_id_card",
        "account_id_expense",
        "account_id_savings",
        "account_id_undeposited",
        "basic_credentials",
        "bill_id",
        "bill_id_2",
        "bill_id_3",
        "bill_payment_id",
        "bill_payment_id_2",
        "changed_since",
        "code",
        "credit_memo_id",
        "credit_memo_id_2",
        "customer_id",
        "customer_id_2",
        "customer_id_3",
        "deposit_id",
        "deposit_id_2",
        "intuit_tid",
        "invoice_id",
        "invoice_id_2",
        "item_id",
        "journal_entry_id",
        "journal_entry_id_2",
        "new_access_token",
        "new_refresh_token",
        "payment_id",
        "payment_id_2",
        "purchase_id",
        "purchase_id_2",
        "realm",
        "redirect_uri",
        "refresh_token",
        "requestid",
        "sales_receipt_id",
        "sales_receipt_id_2",
        "since",
        "sync_token",
        "transfer_id",
        "transfer_id_2",
        "vendor_credit_id",
        "vendor_credit_id_2",
        "vendor_id",
        "vendor_id_2",
    ]
)

COMPANY = "/v3/company/{realm}"
QUERY_HEADERS = {"Content-Type": "application/text"}
JSON_HEADERS = {"Content-Type": "application/json"}
# Operation -> (method, path as an expression, query without minorversion, headers, kind of body).
REQUESTS: dict[str, tuple[str, str, set[str], dict[str, str], str]] = {
    "cdc": ("GET", "/cdc", {"entities", "changedSince"}, {}, ""),
    "create": ("POST", "/[a-z]+", {"requestid"}, JSON_HEADERS, "body"),
    "delete": ("POST", "/[a-z]+", {"requestid", "operation"}, JSON_HEADERS, "body"),
    "query": ("POST", "/query", set(), QUERY_HEADERS, "text"),
    "read": ("GET", r"/preferences|/[a-z]+(/[\w.{}]+)+", set(), {}, ""),
    "report": ("GET", "/reports/BalanceSheet", {"start_date", "end_date"}, {}, ""),
    "update": ("POST", "/[a-z]+", {"requestid"}, JSON_HEADERS, "body"),
    "void": ("POST", "/[a-z]+", {"requestid", "operation"}, JSON_HEADERS, "body"),
}


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of pairs with different keys."""
    assert len({key for key, _ in pairs}) == len(pairs), [key for key, _ in pairs]
    return dict(pairs)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=without_repeats)


def named(paths: list[Path]) -> pytest.MarkDecorator:
    """Run a test once per file, under the name of the file."""
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


def sdk_class(entity: str) -> Any:
    """Find the SDK's class; its module has the same name in lower case."""
    module = {"CompanyInfo": "company_info"}.get(entity, entity.lower())
    return getattr(import_module(f"quickbooks.objects.{module}"), entity)


def rows(body: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """List every whole row of an answer with its entity; tombstones are no rows."""
    groups = [body, body.get("QueryResponse", {})]
    for response in body.get("CDCResponse", []):
        groups += response["QueryResponse"]
    for group in groups:
        for entity in (*KEYS, "CompanyInfo", "Preferences"):
            found = group.get(entity, [])
            for row in found if isinstance(found, list) else [found]:
                if row.get("status") != "Deleted":
                    yield entity, row


def strays(entity: str, row: dict[str, Any]) -> set[str]:
    """Name the keys that the SDK's class does not have."""
    made = sdk_class(entity)()
    known = {*vars(made), *made.class_dict, *made.list_dict, "MetaData"}
    return set(row) - known - UNKNOWN_TO_SDK.get(entity, set())


def fault(body: Any) -> Any:
    """Find the one error of a fault in either spelling."""
    whole = body.get("Fault") or body.get("fault") or {}
    errors = whole.get("Error") or whole.get("error") or [{}]
    assert len(errors) == 1
    return errors[0]


@named(EXCHANGES)
def test_exchange_is_complete(path: Path) -> None:
    """Where it comes from, when it was checked, and both halves; no key twice."""
    exchange = load(path)
    assert set(exchange) == {
        *("source", "checked_on", "note", "request", "response", "shape_only", "emulator_setup")
    }
    assert exchange["source"]
    assert all(exchange["source"])
    assert exchange["note"]
    assert exchange["checked_on"] in {"2026-11-25", "2026-12-01"}
    assert exchange["shape_only"] is True
    assert {"status"} < set(exchange["response"]) <= {"status", "headers", "body", "text"}
    assert ("body" in exchange["response"]) != ("text" in exchange["response"])


@named([path for path in EXCHANGES if path.stem.split(".")[0] in REQUESTS])
def test_request_is_that_of_its_operation(path: Path) -> None:
    """Only what the sources prescribe: a file adds no parameter of its own."""
    request = load(path)["request"]
    method, place, query, headers, kind = REQUESTS[path.stem.split(".")[0]]
    if path.stem.startswith("void.") and "void.invoice" not in path.stem:
        query = query | {"include"}
    assert request["method"] == method
    assert re.fullmatch(f"{re.escape(COMPANY)}({place})", request["path"])
    assert set(request["query"]) == {*query, "minorversion"}
    assert request["query"]["minorversion"] == "75"
    assert request["headers"] == {
        "Authorization": "Bearer {access_token}",
        "Accept": "application/json",
        **headers,
    }
    assert set(request) - {"method", "path", "query", "headers"} == ({kind} if kind else set())


@named([path for path in EXCHANGES if path.stem.split(".")[0] not in REQUESTS])
def test_token_request_is_a_form_and_revoke_is_json(path: Path) -> None:
    """Both with Basic authentication; but for the document that says where, no other request is left."""
    request = load(path)["request"]
    if path.stem == "discovery.ok":
        assert request["path"] == "/.well-known/openid_configuration"
        assert "Authorization" not in request["headers"]
        return
    assert request["method"] == "POST"
    assert request["headers"]["Authorization"] == "Basic {basic_credentials}"
    assert request["headers"]["Accept"] == "application/json"
    if path.stem.startswith("revoke."):
        assert request["path"] == "/v2/oauth2/tokens/revoke"
        assert request["body"] == {"token": "{refresh_token}"}
    else:
        assert path.stem.startswith(("token.exchange.", "token.refresh."))
        assert request["path"] == "/oauth2/v1/tokens/bearer"
        assert request["form"].keys() >= {"grant_type"}


@named([path for path in EXCHANGES if path.stem.startswith("query.")])
def test_statement_asks_for_a_whole_page(path: Path) -> None:
    """Without MAXRESULTS 100 rows come, without Active no inactive name."""
    exchange = load(path)
    statement = exchange["request"]["text"]
    has_one_row = statement == "SELECT * FROM Preferences"
    if has_one_row or exchange["emulator_setup"]["fault"] in {"4000", "4001"}:
        return
    entity = statement.split()[3]
    assert entity in KEYS
    assert statement.endswith(" MAXRESULTS 1000")
    assert (entity in NAME_LISTS) == ("Active IN (true,false)" in statement)
    assert re.search(r"WHERE (MetaData\.LastUpdatedTime >=? '\{since\}'|Id IN \()", statement)


@named(EXCHANGES)
def test_emulator_setup_agrees_with_the_response(path: Path) -> None:
    """A fault is named by the code it answers with; no fault means 200."""
    exchange = load(path)
    setup, response = exchange["emulator_setup"], exchange["response"]
    assert {"company", "fault"} <= set(setup)
    assert (setup["fault"] is None) == (response["status"] == 200)
    body = response.get("body", {})
    code = fault(body).get("code") or body.get("error")
    assert code is None or code == setup["fault"]
    if "http" in setup:
        assert setup["http"] == response["status"]


@named(EXCHANGES)
def test_placeholders_are_the_documented_ones(path: Path) -> None:
    """A new name is a new promise between two programs; add it to the list first."""
    used = set(re.findall(r"\{([a-z0-9_]+)\}", path.read_text(encoding="utf-8")))
    assert used <= PLACEHOLDERS


def test_no_placeholder_is_idle() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in EXCHANGES)
    assert {name for name in PLACEHOLDERS if f"{{{name}}}" not in text} == set()


@named(EXCHANGES)
def test_sdk_reads_the_rows(path: Path) -> None:
    """Every row becomes an object of its class, without a key that is unknown there."""
    exchange = load(path)
    omitted = {exchange["emulator_setup"].get("omit")}
    for entity, row in rows(exchange["response"].get("body", {})):
        made = sdk_class(entity).from_json(row)
        assert made.Id == row["Id"]
        assert strays(entity, row) == set()
        if entity in KEYS:
            assert row.keys() | omitted >= COMMON | set(KEYS[entity][0].split())
            assert not row.keys() & omitted


@pytest.mark.parametrize("entity", KEYS)
def test_page_shows_every_field_that_matters(entity: str) -> None:
    """One full row at least, and one without the fields that may be missing."""
    body = load(TESTS / "exchanges" / "qbo" / f"query.{entity.lower()}.page.json")["response"]
    page = [row for _, row in rows(body["body"])]
    matter = set(KEYS[entity][1].split())
    assert matter <= {key for row in page for key in row}
    assert any(not row.keys() >= matter for row in page)
    assert ("totalCount" in body["body"]["QueryResponse"]) == (entity in COUNTED)


@named([path for path in EXCHANGES if path.stem.startswith("cdc.")])
def test_sdk_reads_the_changes(path: Path) -> None:
    """Its CDC reader finds every type that the answer holds."""
    response = load(path)["response"]
    body = response.get("body", {})
    if "CDCResponse" not in body:
        assert response["status"] != 200
        return
    told = SimpleNamespace(change_data_capture=lambda *_: copy.deepcopy(body))
    read = change_data_capture([sdk_class(entity) for entity in KEYS], "2026-11-24", qb=told)
    types = {entity for entity, _ in rows(body)}
    assert types <= set(vars(read))


@named([path for path in EXCHANGES if load(path)["response"].get("body", {}).get("Fault")])
def test_sdk_raises_on_the_fault(path: Path) -> None:
    """The code reaches the SDK's exception; one fault is documented without a code."""
    body = load(path)["response"]["body"]
    if path.stem == "cdc.too_old":
        assert "code" not in fault(body)
        return
    with pytest.raises(quickbooks_errors.QuickbooksException) as caught:
        quickbooks_client.QuickBooks.handle_exceptions(body["Fault"])
    assert str(caught.value.error_code) == fault(body)["code"]


@named([path for path in EXCHANGES if path.stem.startswith("token.")])
def test_oauth_client_takes_the_tokens(path: Path) -> None:
    """A missing refresh token leaves the old one in place."""
    response = load(path)["response"]
    if response["status"] != 200:
        return
    client = SimpleNamespace(refresh_token="{refresh_token}")
    set_attributes(client, response["body"])
    assert client.access_token in {"{access_token}", "{new_access_token}"}
    assert client.refresh_token in {"{refresh_token}", "{new_refresh_token}"}


def test_oauth_client_reads_the_document() -> None:
    """Every address that the client takes is in it, and nothing else is."""
    document = load(TESTS / "exchanges" / "qbo" / "discovery.ok.json")["response"]["body"]

    class Told(AuthClient):  # type: ignore[misc] # the package ships no types
        def get(self, url: str) -> Any:
            assert url.startswith("https://developer.")
            return SimpleNamespace(status_code=200, json=lambda: document)

    client = Told("id", "secret", "https://host.example/back", "production")
    taken = {
        value
        for name, value in vars(client).items()
        if name.endswith(("_endpoint", "_uri", "_url"))
    }
    assert taken - {"https://host.example/back"} == set(document.values())


@named([*DELIVERIES, *FORMS])
def test_delivery_is_the_signed_bytes(path: Path) -> None:
    """Compact, no newline at the end: one more byte and the signature is another."""
    assert path.read_bytes() == json.dumps(load(path), separators=(",", ":")).encode()


@named(DELIVERIES)
def test_delivery_is_one_event_named_after_its_type(path: Path) -> None:
    """A listing of the folder is a table of what can happen."""
    [event] = load(path)
    assert event["type"] == f"qbo.{path.stem}.v1"
    assert event["specversion"] == "1.0"
    assert re.fullmatch(r"\d{19}", event["intuitaccountid"])
    assert ("deletedid" in event["data"]) == path.stem.endswith(".merged")


@named(FORMS)
def test_form_names_its_realms_as_text(path: Path) -> None:
    """The legacy body is an object, the new one an array; ids are never numbers."""
    body = load(path)
    assert isinstance(body, dict) == path.stem.startswith("legacy.")
    realms = (
        [one["realmId"] for one in body["eventNotifications"]]
        if isinstance(body, dict)
        else [event["intuitaccountid"] for event in body]
    )
    assert all(re.fullmatch(r"\d{19}", realm) for realm in realms)
    assert not path.stem.endswith("multi_realm") or len(set(realms)) == 2


def test_sdk_verifies_the_worked_example() -> None:
    """The README's token and signature belong to the file it names."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    token, signature = (
        re.search(pattern, readme)
        for pattern in (r"verifier token `([^`]+)`", r"`intuit-signature: (\S+)`")
    )
    assert token
    assert signature
    body = (FOLDER / "bill.updated.json").read_text(encoding="utf-8")
    client = quickbooks_client.QuickBooks(minorversion=75)
    assert client.validate_webhook_signature(body, signature[1], token[1])
    assert not client.validate_webhook_signature(body + "\n", signature[1], token[1])
