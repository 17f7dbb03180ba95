"""Operations: what a request to a company asks for, and the work itself. Not here: tokens, limits, faults (`gate`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rowcol.sandbox.qbo import cdc, currency, query, reports, selection
from rowcol.sandbox.qbo.catalog import KINDS, Kind, kind_of
from rowcol.sandbox.qbo.company import Company
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.switches import Switches
from rowcol.sandbox.qbo.values import Json, decode
from rowcol.sandbox.qbo.wire import Asked

BATCH_MAX: Final = 30
METERED: Final = frozenset({"read", "query", "cdc", "batch", "report"})
_PATH_PARTS_MAX: Final = 2


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
    is_get = asked.method == "GET"
    if head == "query" and len(parts) == 1:
        return Wish("query")
    if head == "cdc" and is_get:
        return Wish("cdc", target=asked.query.get("entities", ""))
    if head == "batch" and not is_get:
        return Wish("batch")
    if head == "reports" and is_get and len(parts) == _PATH_PARTS_MAX:
        return Wish("report", target=parts[1])
    kind = kind_of(head)
    if kind is None or len(parts) > _PATH_PARTS_MAX or asked.method not in {"GET", "POST"}:
        raise QboError("500", f"Could not find resource for relative : {asked.path}")
    if is_get:
        return Wish("read", kind, parts[1] if len(parts) == _PATH_PARTS_MAX else "")
    return Wish(_write_operation(asked), kind)


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
    return _WORK[wish.operation](wish, asked, company, client_id)


def _write_operation(asked: Asked) -> str:
    operation = asked.query.get("operation", "").lower()
    include = asked.query.get("include", "").lower()
    if operation == "delete":
        return "delete"
    if operation == "void" or include == "void":
        return "void"
    body = _body(asked)
    return "update" if body.get("Id") not in (None, "") else "create"


def _body(asked: Asked) -> Json:
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
        row_id = "1"
    elif not row_id.isdigit():
        raise QboError("2030", row_id, element="Id")
    return {kind.name: company.books.get(kind.name, row_id)}


def _query(_wish: Wish, asked: Asked, company: Company, _by: str) -> Json:
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
    if operation == "create":
        if kind.is_single:
            raise QboError("500", f"create of {kind.name}")
        row = books.create(kind.name, body, by=by)
        return {kind.name: _as_created(kind, row, company)}
    row_id = "1" if kind.is_single else str(body.get("Id", ""))
    before = books.get(kind.name, row_id)
    if "SyncToken" not in body:
        raise QboError("2020", "SyncToken", element="SyncToken")
    if str(body["SyncToken"]) != before["SyncToken"]:
        raise QboError("5010")
    if operation == "delete":
        books.delete(kind.name, row_id, by=by)
        return {kind.name: {"domain": "QBO", "status": "Deleted", "Id": row_id}}
    if operation == "void":
        return {kind.name: books.void(kind.name, row_id, by=by)}
    is_full = body.get("sparse") not in (True, "true")
    return {kind.name: books.update(kind.name, row_id, body, by=by, is_full=is_full)}


def _as_created(kind: Kind, row: Json, company: Company) -> Json:
    """Recorded: the create answer of an Account has no LastUpdatedTime, and its CreateTime is a second off."""
    if kind.name != "Account":
        return row
    stamp = company.books.row(kind.name, row["Id"]).stamp
    return row | {"MetaData": {"CreateTime": company.clock.text(stamp - 1)}}


def _batch(_wish: Wish, asked: Asked, company: Company, by: str) -> Json:
    given = _body(asked).get("BatchItemRequest")
    if not isinstance(given, list):
        raise QboError("2020" if given is None else "2010", "BatchItemRequest")
    items = _batch_items(asked)
    if len(items) > BATCH_MAX:
        raise QboError("1040", str(len(items)))
    return {"BatchItemResponse": [_batch_item(item, company, by) for item in items]}


def _batch_item(item: Any, company: Company, by: str) -> Json:
    item = item if isinstance(item, dict) else {}
    name = {"bId": item.get("bId")}
    try:
        if "Query" in item:
            return run_query(str(item["Query"]), company) | name
        kind, operation = _batch_wish(item)
        return write(operation, kind, item[kind.name], company, by) | name
    except QboError as error:
        return {"Fault": error.fault()} | name


def _batch_wish(item: Json) -> tuple[Kind, str]:
    kind = next((KINDS[key] for key in item if key in KINDS), None)
    operation = str(item.get("operation", "")).lower()
    if kind is None or operation not in {"create", "update", "delete"}:
        raise QboError("500", f"batch item {item.get('bId')}")
    if not isinstance(item[kind.name], dict):
        raise QboError("2010", kind.name, element=kind.name)
    return kind, "void" if item.get("optionsData") == "void" else operation


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
