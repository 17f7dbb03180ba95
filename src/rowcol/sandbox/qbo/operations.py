"""Operations: what a request to a company asks for, and the work itself. Not here: tokens, limits, faults (`gate`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rowcol.sandbox.qbo import bodies, cdc, currency, query, reports, selection
from rowcol.sandbox.qbo.books import Books
from rowcol.sandbox.qbo.catalog import KINDS, Kind, kind_of
from rowcol.sandbox.qbo.company import Company
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.switches import Switches
from rowcol.sandbox.qbo.values import Json, decode
from rowcol.sandbox.qbo.wire import Asked

BATCH_MAX: Final = 30
REQUEST_ID_MAX: Final = 50
BATCH_REQUEST_ID_MAX: Final = 36
BATCH_ID_MAX: Final = 10
"""Of a `bId`, where the batch has a requestid."""
MINOR_VERSION: Final = 75
METERED: Final = frozenset({"read", "query", "cdc", "batch", "report"})
_OF_WRITES: Final = frozenset({"include", "operation", "requestid"})
_PARAMETERS: Final[dict[str, frozenset[str]]] = {
    "batch": frozenset({"requestid"}),
    "cdc": frozenset({"changedSince", "entities"}),
    "query": frozenset({"query"}),
    "read": frozenset(),
}
"""Operation -> its query parameters, besides `minorversion`; all others write."""
_OPERATIONS: Final = {
    ("delete", ""): "delete",
    ("update", ""): "update",
    ("update", "void"): "void",
    ("void", ""): "void",
}
"""`operation` and `include` of a write."""
_BY_TAX_SERVICE: Final = frozenset({"TaxCode", "TaxRate"})
"""Written by a service of their own, which is not here."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that was understood as far as its path: `target` is an id, a report, or a list of entities."""

    operation: str
    kind: Kind | None = None
    target: str = ""


def understand(asked: Asked, rest: str) -> Wish:
    """Raise code 500, Unsupported Operation."""
    parts = rest.strip("/").split("/")
    head = parts[0].lower()
    kind, n_parts = kind_of(head), len(parts)
    match asked.method, head, n_parts:
        case "GET" | "POST", "query", 1:
            return Wish("query")
        case "GET", "cdc", 1:
            return Wish("cdc", target=asked.query.get("entities", ""))
        case "POST", "batch", 1:
            return Wish("batch")
        case "GET", "reports", 2:
            return Wish("report", target=parts[1])
        case "GET", _, 1 | 2 if kind is not None:
            return Wish("read", kind, parts[1] if n_parts == 2 else "")
        case "POST", _, 1 if kind is not None:
            return Wish(_write_operation(asked), kind)
    raise QboError("500", f"Could not find resource for relative : {asked.path}")


def entities_of(wish: Wish, asked: Asked) -> tuple[str, ...]:
    """For the meter's log; best effort for a query."""
    if wish.kind is not None:
        return (wish.kind.name,)
    if wish.operation == "cdc":
        return tuple(name.strip() for name in wish.target.split(",") if name.strip())
    if wish.operation == "query":
        words = _statement(asked).split()
        lower = [word.lower() for word in words]
        at = lower.index("from") + 1 if "from" in lower else len(words)
        return (words[at],) if at < len(words) else ()
    return (wish.target,) if wish.target else ()


def units(wish: Wish, asked: Asked, switches: Switches) -> int:
    """What a success costs in CorePlus calls."""
    if wish.operation == "cdc" and switches.cdc_metering == "entity":
        return max(1, len(entities_of(wish, asked)))
    if wish.operation == "batch" and switches.batch_metering == "item":
        return max(1, len(_batch_items(asked)))
    return 1 if wish.operation in METERED else 0


def perform(wish: Wish, asked: Asked, company: Company, client_id: str) -> Json:
    """The answer without its `time`. Raise `QboError`."""
    _check_parameters(wish, asked, company.books.switches)
    return _WORK[wish.operation](wish, asked, company, client_id)


def _check_parameters(wish: Wish, asked: Asked, switches: Switches) -> None:
    """Raise 2010 or 2050. The codes were not recorded. Those of a report are for `reports`."""
    given = asked.query
    unknown = given.keys() - _PARAMETERS.get(wish.operation, _OF_WRITES) - {"minorversion"}
    if unknown and wish.operation != "report" and switches.unknown_parameters == "refuse":
        raise QboError("2010", min(unknown), element=min(unknown))
    version = given.get("minorversion", "75")
    is_number = version.isascii() and version.isdigit() and int(version) > 0
    is_high = is_number and int(version) > MINOR_VERSION and switches.high_minorversion == "refuse"
    if not is_number or is_high:
        raise QboError("2010", f"minorversion {version:.20}", element="minorversion")
    longest = BATCH_REQUEST_ID_MAX if wish.operation == "batch" else REQUEST_ID_MAX
    if not 1 <= len(given.get("requestid", "-")) <= longest:
        raise QboError("2050", "requestid", element="requestid")


def _check_content_type(asked: Asked, *allowed: str) -> None:
    """Reported: no other type is read, whatever the body is."""
    found = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if asked.body and found not in allowed:
        raise QboError("500", "Cannot consume content type")


def _write_operation(asked: Asked) -> str:
    operation = asked.query.get("operation", "").lower()
    include = asked.query.get("include", "").lower()
    body = _body(asked)
    if (operation, include) == ("", ""):
        return "update" if body.get("Id") not in (None, "") else "create"
    found = _OPERATIONS.get((operation, include))
    if found is None:
        raise QboError("500", f"{operation} {include}".strip())
    return found


def _body(asked: Asked) -> Json:
    _check_content_type(asked, "application/json")
    try:
        body = decode(asked.body) if asked.body else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise QboError("2010", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise QboError("2010", "the body is not an object")
    return body


def _statement(asked: Asked) -> str:
    return asked.query.get("query") or asked.body.decode(errors="replace")


def _batch_items(asked: Asked) -> list[Any]:
    items = _body(asked).get("BatchItemRequest", [])
    return items if isinstance(items, list) else []


def _read(wish: Wish, _asked: Asked, company: Company, _by: str) -> Json:
    kind = wish.kind or KINDS["CompanyInfo"]
    row_id = wish.target
    if kind.is_single:
        row_id = "1" if row_id in {"", "1", company.realm_id} else row_id
    if not row_id.isdigit():
        raise QboError("2030", row_id, element="Id")
    return {kind.name: company.books.get(kind.name, row_id)}


def _query(_wish: Wish, asked: Asked, company: Company, _by: str) -> Json:
    _check_content_type(asked, "application/text", "text/plain")
    return run_query(_statement(asked), company)


def run_query(text: str, company: Company) -> Json:
    """`{"QueryResponse": ...}`."""
    statement = query.parse(text)
    selection.check(statement, text, company.books)
    return {"QueryResponse": selection.answer(statement, company.books)}


def _cdc(wish: Wish, asked: Asked, company: Company, _by: str) -> Json:
    return cdc.changes(wish.target, asked.query.get("changedSince", ""), company.books)


def _report(wish: Wish, asked: Asked, company: Company, _by: str) -> Json:
    return reports.report(wish.target, asked.query, company.books)


def _write(wish: Wish, asked: Asked, company: Company, by: str) -> Json:
    assert wish.kind is not None
    return write(wish.operation, wish.kind, _body(asked), company, by)


def write(operation: str, kind: Kind, body: Json, company: Company, by: str) -> Json:
    """Create, update, delete or void one row by the API."""
    books = company.books
    if books.is_read_only:
        raise QboError("6190", company.name)
    currency.check_named(body, books)
    if kind.name in _BY_TAX_SERVICE or (kind.is_single and operation == "create"):
        raise QboError("500", f"{operation} of {kind.name}")
    if operation == "create":
        row = books.create(kind.name, body, by=by)
        return {kind.name: _as_created(kind, row, company)}
    return {kind.name: _rewrite(operation, kind, body, books, by)}


def _rewrite(operation: str, kind: Kind, body: Json, books: Books, by: str) -> Json:
    """Update, delete or void the row that the body names."""
    bodies.check(kind.name, body)
    row_id = "1" if kind.is_single else str(body.get("Id", ""))
    before = books.get(kind.name, row_id)
    if "SyncToken" not in body:
        raise QboError("2020", "SyncToken", element="SyncToken")
    if str(body["SyncToken"]) != before["SyncToken"]:
        raise QboError("5010")
    if operation == "delete":
        books.delete(kind.name, row_id, by=by)
        return {"domain": "QBO", "status": "Deleted", "Id": row_id}
    if operation == "void":
        return books.void(kind.name, row_id, by=by)
    is_full = body.get("sparse") not in (True, "true")
    return books.update(kind.name, row_id, body, by=by, is_full=is_full)


def _as_created(kind: Kind, row: Json, company: Company) -> Json:
    """Recorded: the create answer of an Account has no LastUpdatedTime, and its CreateTime is a second off."""
    if kind.name != "Account":
        return row
    stamp = company.books.row(kind.name, row["Id"]).stamp
    return row | {"MetaData": {"CreateTime": company.clock.text(stamp - 1)}}


def _batch(_wish: Wish, asked: Asked, company: Company, by: str) -> Json:
    body = _body(asked)
    if unknown := body.keys() - {"BatchItemRequest"}:
        raise QboError("2010", min(unknown), element=min(unknown))
    given = body.get("BatchItemRequest")
    if not isinstance(given, list):
        raise QboError("2020" if given is None else "2010", "BatchItemRequest")
    if len(given) > BATCH_MAX:
        raise QboError("1040", str(len(given)))
    longest = BATCH_ID_MAX if "requestid" in asked.query else None
    return {"BatchItemResponse": [_batch_item(item, company, by, longest) for item in given]}


def _batch_item(item: Any, company: Company, by: str, id_max: int | None) -> Json:
    item = item if isinstance(item, dict) else {}
    name = {"bId": item.get("bId")}
    try:
        _check_item(item, id_max)
        if "Query" in item:
            return run_query(str(item["Query"]), company) | name
        kind, operation = _batch_wish(item)
        return write(operation, kind, item[kind.name], company, by) | name
    except QboError as error:
        return {"Fault": error.fault()} | name


def _check_item(item: Json, id_max: int | None) -> None:
    """Raise 2010, 2020 or 2050. What Intuit says was not recorded."""
    is_query = "Query" in item
    n_asked = is_query + len(item.keys() & KINDS.keys())
    known = {"bId", "Query"} if is_query else {"bId", "operation", "optionsData", *KINDS}
    options = item.get("optionsData")
    is_void = options == "void" and item.get("operation") == "update"
    if not item.keys() <= known or n_asked > 1 or not (options is None or is_void):
        raise QboError("2010", "BatchItemRequest", element="BatchItemRequest")
    bid = item.get("bId")
    if not isinstance(bid, str) or not bid:
        raise QboError("2020", "bId", element="bId")
    if id_max is not None and len(bid) > id_max:
        raise QboError("2050", "bId", element="bId")


def _batch_wish(item: Json) -> tuple[Kind, str]:
    kind = next((KINDS[key] for key in item if key in KINDS), None)
    operation = str(item.get("operation", "")).lower()
    if kind is None or operation not in {"create", "update", "delete"}:
        raise QboError("500", f"batch item {item.get('bId')}")
    if not isinstance(item[kind.name], dict):
        raise QboError("2010", kind.name, element=kind.name)
    return kind, "void" if "optionsData" in item else operation


_WORK: Final[dict[str, Callable[[Wish, Asked, Company, str], Json]]] = {
    "batch": _batch,
    "cdc": _cdc,
    "create": _write,
    "delete": _write,
    "query": _query,
    "read": _read,
    "report": _report,
    "update": _write,
    "void": _write,
}
