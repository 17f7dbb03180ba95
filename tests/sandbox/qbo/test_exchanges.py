"""The recorded exchanges bind the emulator: it answers each request in the recorded shape.

The rows of the recorded pages are the standard company, so ids and links are those of the files. Words of
`emulator_setup` are mapped here; what the shapes mean is in `tests/exchanges/qbo/README.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from rowcol.sandbox.qbo import Switches
from rowcol.sandbox.qbo.catalog import KINDS, kind_of
from rowcol.sandbox.qbo.tokens import ACCOUNTING, Pair
from tests.sandbox.qbo.rig import BASIC, Rig, ask

FOLDER = Path(__file__).parents[2] / "exchanges" / "qbo"
EXCHANGES = sorted(FOLDER.glob("*.json"))
SEEDED_AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHANGED_AT = datetime(2026, 11, 25, 11, tzinfo=UTC)
FUTURE = CHANGED_AT + timedelta(days=35)

UNABLE: Final[dict[str, str]] = {
    "cdc.repeated_type": "split groups; the README: `groups` binds the adapter only",
}
"""File -> why the emulator cannot give this answer."""

EXACT = re.compile(
    r"(^|\.)(AccountType|DetailType|PayType|PaymentType|PostingType|TxnType)$"
    r"|\.(code|domain|error|status)$|[Ff]ault\.type$"
)
ACCOUNTS = {
    "account_id": "35",
    "account_id_ap": "33",
    "account_id_ar": "84",
    "account_id_card": "41",
    "account_id_expense": "7",
    "account_id_savings": "36",
    "account_id_undeposited": "4",
    "item_id": "1",
}
REDIRECT = "https://127.0.0.1/back"
WHOLE = {"seeded", "one_of_each_changed", "1001_bills"}
"""States of which the answer holds all that there is."""
FIXED = {
    "basic_credentials": BASIC.removeprefix("Basic "),
    "redirect_uri": REDIRECT,
    "requestid": "r-1",
}


def misfits(actual: Any, wanted: Any, path: str = "") -> list[str]:
    """Where `actual` is not of the recorded shape; empty when it is. `=x` binds to x itself."""
    if wanted is None:
        return []
    if isinstance(wanted, str) and wanted.startswith("="):
        return [] if actual == wanted[1:] else [f"{path}: {actual!r} is not {wanted[1:]!r}"]
    if isinstance(wanted, dict):
        if not isinstance(actual, dict):
            return [f"{path}: {actual!r} is no object"]
        missing = [f"{path}.{key} is missing" for key in wanted if key not in actual]
        common = [key for key in wanted if key in actual]
        return missing + [m for k in common for m in misfits(actual[k], wanted[k], f"{path}.{k}")]
    if isinstance(wanted, list) and isinstance(actual, list):
        held = [one for one in actual if wanted and not _is_subtotal(one)]
        return [m for one in held for m in _best(one, wanted, f"{path}[]")]
    return _misfit_value(actual, wanted, path)


def _misfit_value(actual: Any, wanted: Any, path: str) -> list[str]:
    kinds = (int, Decimal) if _is_number(wanted) else type(wanted)
    if not isinstance(actual, kinds) or isinstance(actual, bool) != isinstance(wanted, bool):
        return [f"{path}: {actual!r} where {wanted!r} was recorded"]
    is_exact = EXACT.search(path) and not str(wanted).startswith("{")
    return [f"{path}: {actual!r} is not {wanted!r}"] if is_exact and actual != wanted else []


def _best(actual: Any, choices: list[Any], path: str) -> list[str]:
    return min((misfits(actual, choice, path) for choice in choices), key=len)


def _is_subtotal(line: Any) -> bool:
    """QBO adds it to every sales form; the bare rows of the files leave it out."""
    return isinstance(line, dict) and line.get("DetailType") == "SubTotalLineDetail"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _load(path: Path) -> Any:
    return json.loads(path.read_text(), parse_float=Decimal)


def _filled(value: Any, names: dict[str, str]) -> Any:
    """With the placeholders replaced; each stands alone, but in headers and statements."""
    if isinstance(value, dict):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, names) for inner in value]
    if isinstance(value, str) and "{" in value:
        for name, text in names.items():
            value = value.replace(f"{{{name}}}", text)
    return value


def _kind(text: str) -> str:
    """Empty, HTML, or XML with its code."""
    if text.startswith("<?xml"):
        return "xml " + text.partition('code="')[2].partition('"')[0]
    return "html" if text.lower().startswith(("<html", "<!doctype html")) else text


def _rows(body: Any) -> Iterator[tuple[str, Any]]:
    """Every row of an answer with its entity, tombstones included."""
    groups = [body.get("QueryResponse", {})]
    for response in body.get("CDCResponse", []):
        groups += response["QueryResponse"]
    for group in groups:
        for entity in KINDS.keys() & group.keys():
            yield from ((entity, row) for row in group[entity])


def _seed_order(row: tuple[str, Any]) -> tuple[bool, bool, bool]:
    """First the names, then what is paid, then who pays; deposits hold payments."""
    kind = KINDS[row[0]]
    return not kind.is_list, not kind.has_balance, kind.name == "Deposit"


@dataclass
class Stage:
    """A prepared emulator and what stands for the placeholders."""

    exchange: Any
    rig: Rig
    names: dict[str, str]
    templates: dict[str, Any] = field(default_factory=dict)

    @property
    def setup(self) -> Any:
        return self.exchange["emulator_setup"]

    def seed(self) -> None:
        """The rows of the recorded pages, under made-up ids."""
        pages = [_load(path) for path in sorted(FOLDER.glob("query.*.page.json"))]
        rows = [row for page in pages for row in _rows(page["response"]["body"])]
        rows = sorted((row for row in rows if row[0] != "Account"), key=_seed_order)
        for number, (_, row) in enumerate(rows, start=1001):
            self.names[row["Id"][1:-1]] = str(number)
        self.names["bill_id_3"] = "1900"
        [bare_bill] = (row for _, row in rows if row["Id"] == "{bill_id_2}")
        rows.append(("Bill", bare_bill | {"Id": "{bill_id_3}"}))
        rows.sort(key=_seed_order)
        for entity, row in rows:
            body = self.templates[row["Id"][1:-1]] = _filled(row, self.names)
            self.rig.books.create(entity, body, row_id=body["Id"])
        company = _load(FOLDER / "read.companyinfo.ok.json")["response"]["body"]["CompanyInfo"]
        self.rig.books.update("CompanyInfo", "1", company)

    def touch(self) -> None:
        """Edit or delete what the recorded answer lists, so that it lists it."""
        for entity, row in _rows(self.exchange["response"].get("body", {})):
            row_id = _filled(row["Id"], self.names)
            if row.get("status") == "Deleted":
                self.rig.books.delete(entity, row_id)
            else:
                active = {"Active": row["Active"]} if "Active" in row else {}
                self.rig.books.update(entity, row_id, active)

    def enter(self, entity: str, row: Any) -> None:
        self.rig.books.create(entity, _filled(row, self.names))

    def edit(self, entity: str, name: str, **changes: Any) -> None:
        self.rig.books.update(entity, self.names[name], changes)

    def use(self, code: str) -> Pair:
        """Exchange it."""
        now = self.rig.clock.now()
        pair = self.rig.emulator.tokens.exchange(code, "qbo-client", REDIRECT, now)
        assert pair is not None
        return pair

    def name_since(self, since: datetime) -> None:
        self.names |= {"since": since.isoformat(), "changed_since": since.isoformat()}

    def consent(self, *scopes: str) -> None:
        """A fresh pair of tokens, and a code that was not exchanged."""
        emulator, realm = self.rig.emulator, self.rig.realm
        wish: Any = {"scopes": scopes or (ACCOUNTING,), "redirect_uri": REDIRECT}
        pair = self.use(emulator.consent("qbo-client", realm, **wish))
        self.names["code"] = emulator.consent("qbo-client", realm, **wish)
        self.names |= {"access_token": pair.access_token, "refresh_token": pair.refresh_token}

    def name_sync_token(self) -> None:
        """Of the row that the request is about."""
        row_id = self.exchange["request"].get("body", {}).get("Id")
        kind = kind_of(self.exchange["request"]["path"].rpartition("/")[2])
        if row_id is not None and kind is not None:
            row = self.rig.books.get(kind.name, _filled(row_id, self.names))
            self.names["sync_token"] = row["SyncToken"]

    def wanted_body(self) -> Any:
        """With the names of the request bound: they mean the same in both halves."""
        request = json.dumps(self.exchange["request"], default=str)
        bound = {n: f"={text}" for n, text in self.names.items() if f"{{{n}}}" in request}
        return _filled(self.exchange["response"]["body"], bound)

    async def send(self) -> Any:
        """The file's request."""
        request = _filled(self.exchange["request"], self.names)
        path, form, body = request["path"], request.get("form"), request.get("body")
        if request.get("query"):
            path += "?" + urlencode(request["query"])
        raw: str = request.get("text", "") if form is None else urlencode(form)
        if body is not None:
            raw = json.dumps(body, default=float)
        method, headers = request["method"], request["headers"]
        return await ask(self.rig.app, method, path, raw.encode(), headers)


def _switches(setup: Any) -> Switches:
    is_throttle = setup["fault"] == "3001"
    is_client = setup["fault"] == "invalid_client"
    return Switches(
        currency_ref="multicurrency" if setup.get("omit") == "CurrencyRef" else "always",
        cdc_has_derived_balances=setup.get("state") in {"bill_created", "one_of_each_changed"},
        retry_after=setup.get("retry_after"),
        throttle_status=setup.get("http", 429) if is_throttle else 429,
        throttle_body=setup.get("form", "json"),
        wrong_company_status=setup.get("http", 401),
        invalid_client_status=setup["http"] if is_client else 401,
    )


def _fault(fault: str, operation: str | None = "*") -> Callable[[Stage], object]:
    return lambda s: s.rig.emulator.faults.next(fault, operation=operation)


def _throttled(stage: Stage) -> None:
    """Natural: the month is full, or others use up the minute. Both follow the switches."""
    emulator = stage.rig.emulator
    if stage.setup.get("state") == "monthly_cap_reached":
        emulator.meter.limit_per_month = 0
    else:
        emulator.limits.foreign_per_minute[""] = 500


def _timeout(stage: Stage) -> None:
    stage.rig.emulator.faults.slow_s = 0
    _fault("slow" if stage.setup.get("committed") else "error_504")(stage)


def _bills(n: int) -> Callable[[Stage], object]:
    """So many bills in all, and names enough to fill a CDC answer."""

    def make(stage: Stage) -> None:
        for number in range(n - len(stage.rig.books.rows("Bill"))):
            stage.rig.books.create("Bill", stage.templates["bill_id_2"])
            name = {"DisplayName": f"Vendor {number}"}
            stage.rig.books.create("Vendor", stage.templates["vendor_id"] | name)

    return make


def _books(**fields: Any) -> Callable[[Stage], object]:
    def set_fields(stage: Stage) -> None:
        for name, value in fields.items():
            setattr(stage.rig.books, name, value)

    return set_fields


def _superseded(stage: Stage) -> None:
    stage.rig.wait(hours=25)
    stage.rig.emulator.tokens.renew(
        stage.names["refresh_token"], "qbo-client", stage.rig.clock.now()
    )


def _number_taken(stage: Stage) -> None:
    stage.rig.books.enforces_doc_numbers = True
    stage.enter("Bill", stage.exchange["request"]["body"])


def _undeposit(stage: Stage) -> None:
    stage.rig.books.delete("Deposit", stage.names["deposit_id"])
    stage.name_sync_token()


def _multicurrency(stage: Stage) -> None:
    """The bill of the file, of a vendor who has its currency."""
    stage.rig.books.enable_multicurrency()
    [(_, bill)] = _rows(stage.exchange["response"]["body"])
    vendor = {"DisplayName": "Abroad", "CurrencyRef": bill["CurrencyRef"]}
    stage.names["vendor_id"] = stage.rig.books.create("Vendor", vendor)["Id"]
    stage.enter("Bill", bill)


def _bare_bill(stage: Stage) -> None:
    stage.names["bill_id"] = stage.names["bill_id_2"]
    stage.edit("Bill", "bill_id", DocNumber="HT-1190")
    stage.name_sync_token()


PREPARATIONS: Final[dict[str, Callable[[Stage], object]]] = {
    "1000_changed": _bills(603),
    "1001_bills": _bills(1_001),
    "120": _fault("code_120"),
    "2170": _fault("code_2170"),
    "3201": lambda s: _fault("code_3201" if s.setup["http"] == 401 else "code_3201_as_400")(s),
    "6000": _fault("code_6000"),
    "6070": _fault("code_6070"),
    "10000": lambda s: _fault(f"error_{s.setup.get('http', 500)}")(s),
    "2500": lambda s: s.names.update(vendor_id="999"),
    "3001": _throttled,
    "3100": lambda s: s.names.update(realm=s.rig.emulator.add_company("Another").realm_id),
    "600": lambda s: s.rig.emulator.replays.keep(s.rig.realm, "r-1", b"", b"", s.rig.clock.now()),
    "6190": _books(is_read_only=True),
    "6210": _books(closed_until="2026-11-30"),
    "access_token_expired": lambda s: s.rig.emulator.expire_access(s.rig.realm),
    "bill_2_deleted": lambda s: s.rig.books.delete("Bill", s.names["bill_id_2"]),
    "bill_changed_meanwhile": lambda s: s.edit("Bill", "bill_id", PrivateNote="Meanwhile"),
    "bill_created": _bills(4),
    "bill_deleted": lambda s: s.rig.books.delete("Bill", s.names["bill_id"]),
    "changed_since_31_days_ago": lambda s: s.name_since(CHANGED_AT - timedelta(days=31)),
    "code_used": lambda s: s.use(s.names["code"]),
    "forbidden": lambda s: s.consent("openid"),
    "future_dated": lambda s: s.rig.books.set_last_updated("Account", "35", FUTURE),
    "html_502": _fault("error_502"),
    "html_503": _fault("html_503"),
    "http_504": _timeout,
    "multicurrency": _multicurrency,
    "not_found": lambda s: s.names.update(realm="9130000000000000001"),
    "number_taken": _number_taken,
    "refresh_token": _fault("no_refresh_token", "token"),
    "refresh_token_a_day_old": lambda s: s.rig.wait(hours=25),
    "refresh_token_superseded": _superseded,
    "revoked": lambda s: s.rig.emulator.revoke_consent(s.rig.realm),
    "vendor_inactive": lambda s: s.edit("Vendor", "vendor_id", Active=False),
    "update.bill.sparse": _bare_bill,
    "invalid_client": lambda s: s.names.update(basic_credentials="cWJvOndyb25n"),
    "void": _undeposit,
}
"""By a word of `emulator_setup`: company, state, fault or `omit`; and voids, which a deposit would forbid."""


def _stage(exchange: Any, name: str = "") -> Stage:
    setup = exchange["emulator_setup"]
    rig = Rig(_switches(setup), now=SEEDED_AT - timedelta(hours=1))
    rig.clock.advance_to(SEEDED_AT)
    stage = Stage(exchange, rig, ACCOUNTS | FIXED | {"realm": rig.realm})
    if setup["company"] not in {"empty", None}:
        stage.seed()
    rig.clock.advance_to(CHANGED_AT)
    state = setup.get("state")
    since = (SEEDED_AT if state in WHOLE else CHANGED_AT) - timedelta(minutes=1)
    stage.name_since(since)
    stage.consent()
    stage.name_sync_token()
    words = [name, setup["company"], state, setup["fault"], setup.get("omit")]
    words.append(exchange["request"].get("query", {}).get("include"))
    known = [word for word in words if word in PREPARATIONS]
    for word in known:
        PREPARATIONS[word](stage)
    if not known and state not in WHOLE:
        stage.touch()
    return stage


@pytest.mark.parametrize(
    "path", [path for path in EXCHANGES if path.stem not in UNABLE], ids=lambda path: path.stem
)
async def test_the_emulator_answers_in_the_recorded_shape(path: Path) -> None:
    stage = _stage(_load(path), path.stem)
    wanted = stage.exchange["response"]
    if stage.setup.get("state") == "same_requestid_before":
        await stage.send()
    got = await stage.send()
    assert got.status == wanted["status"], got.body
    for name, value in wanted.get("headers", {}).items():
        found = {key.lower(): text for key, text in got.headers.items()}[name.lower()]
        assert value.startswith("{") or found.partition(";")[0] == value
    if "text" in wanted:
        assert _kind(got.body.decode()) == _kind(wanted["text"])
        return
    assert misfits(got.json, stage.wanted_body()) == []
    listed = [(entity, row.get("status")) for entity, row in _rows(got.json)]
    assert {(entity, row.get("status")) for entity, row in _rows(wanted["body"])} <= {*listed}
    assert all(stage.setup.get("omit") not in row for _, row in _rows(got.json))
    assert len(listed) == stage.setup.get("objects", len(listed))
    for key, value in wanted["body"].items():
        assert value != f"{{new_{key}}}" or got.json[key] != stage.names[key]


def test_the_table_names_files_only() -> None:
    assert UNABLE.keys() <= {path.stem for path in EXCHANGES}


def test_misfits_are_found() -> None:
    wanted = {"code": "610", "n": 1, "rows": [{"a": ""}], "x": None, "flag": True, "id": "=7"}
    fitting = wanted | {"n": Decimal("1.5"), "rows": [{"a": "b"}], "x": 5, "id": "7", "more": 1}
    assert misfits({"Fault": fitting}, {"Fault": wanted}) == []
    for change in ({"code": "6"}, {"n": "2"}, {"rows": [{"a": 1}]}, {"flag": 1}, {"id": "8"}):
        assert len(misfits({"Fault": fitting | change}, {"Fault": wanted})) == 1
    assert misfits({}, {"a": 1}) == [".a is missing"]
    assert misfits([], {}) != []
