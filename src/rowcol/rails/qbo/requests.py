"""Requests: the bytes of each call. Tokens and keys come from the credentials only, never from arguments.

The company is in the path. Statements go as a POST's body, so that no address grows too long.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote, urlencode

import msgspec

from rowcol.core.rail import Credentials, Look
from rowcol.core.wire import Request
from rowcol.rails.qbo import tokens
from rowcol.rails.qbo.spec import COMPANY, DISCOVERY, ENDPOINTS, NAME_LISTS

MINOR_VERSION = "75"
PAGE_ROWS = 1000
"""The most that Intuit gives; without MAXRESULTS it is silently 100."""
VOIDED_BY_UPDATE = frozenset({"billpayment", "payment", "salesreceipt"})

Arguments = Mapping[str, str | int | bool | None]
_Query = dict[str, str]
_encoder = msgspec.json.Encoder(decimal_format="number", order=None)


def request_of(look: Look, credentials: Credentials) -> Request:
    """The request of a declared look."""
    endpoint = ENDPOINTS[look.endpoint]
    if look.endpoint == DISCOVERY:
        path = f"/.well-known/{_part(_word(look.arguments, 'document'))}"
        return Request(
            endpoint.method, path, {"Accept": "application/json"}, b"", endpoint.timeout_s
        )
    if endpoint.host:
        return _oauth(look, credentials)
    place, query = _PLACES[look.endpoint](look.arguments, credentials.remote_id)
    requestid = _word(look.arguments, "requestid")
    if endpoint.is_write and requestid:
        query = {**query, "requestid": requestid}
    query = {**query, "minorversion": MINOR_VERSION}
    headers = {
        "Authorization": f"Bearer {tokens.parse(credentials.token).access_token}",
        "Accept": "application/json",
    }
    body = b""
    if look.endpoint == "query":
        headers["Content-Type"] = "application/text"
        body = statement_of(look.arguments).encode("utf-8", "replace")
    elif endpoint.is_write:
        headers["Content-Type"] = "application/json"
        body = _encoder.encode(_written(look))
    path = f"/v3/company/{_part(credentials.remote_id)}{place}?{urlencode(query, quote_via=quote)}"
    return Request(endpoint.method, path, headers, body, endpoint.timeout_s)


def statement_of(arguments: Arguments) -> str:
    """A statement given whole, else the page of an entity that starts at a time of last change."""
    if given := _word(arguments, "statement"):
        return given
    entity, since = _word(arguments, "entity"), _word(arguments, "since")
    conditions = []
    if since:
        conditions.append(f"MetaData.LastUpdatedTime >= '{_quoted(since)}'")
    if entity in NAME_LISTS:
        conditions.append("Active IN (true,false)")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    start, rows = arguments.get("start") or 1, arguments.get("rows") or PAGE_ROWS
    order = f"ORDERBY MetaData.LastUpdatedTime STARTPOSITION {start} MAXRESULTS {rows}"
    return f"SELECT * FROM {entity}{where} {order}"  # noqa: S608 - Intuit's language; it cannot write


def statement_of_ids(entity: str, ids: Sequence[str]) -> str:
    """Those rows and no others; one that is gone is just absent in the answer."""
    listed = ",".join(f"'{_quoted(each)}'" for each in ids)
    also = " AND Active IN (true,false)" if entity in NAME_LISTS else ""
    return f"SELECT * FROM {entity} WHERE Id IN ({listed}){also} MAXRESULTS {PAGE_ROWS}"  # noqa: S608 - the same


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _word(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    return "" if value is None else str(value)


def _part(value: str) -> str:
    """One part of a path, whatever is in it."""
    return quote(value, safe="", errors="replace")


def _changes(arguments: Arguments, _realm: str) -> tuple[str, _Query]:
    return "/cdc", {
        "entities": _word(arguments, "entities"),
        "changedSince": _word(arguments, "changed_since"),
    }


def _statement(_arguments: Arguments, _realm: str) -> tuple[str, _Query]:
    return "/query", {}


def _company(_arguments: Arguments, realm: str) -> tuple[str, _Query]:
    return f"/companyinfo/{_part(realm)}", {}


def _report(arguments: Arguments, _realm: str) -> tuple[str, _Query]:
    query = {
        k: str(v)
        for k, v in arguments.items()
        if k not in ("report", "minorversion") and v is not None
    }
    return f"/reports/{_part(_word(arguments, 'report'))}", query


def _entity(arguments: Arguments) -> str:
    return f"/{_part(_word(arguments, 'entity').lower())}"


def _one(arguments: Arguments, realm: str) -> tuple[str, _Query]:
    if _word(arguments, "entity").lower() == COMPANY.lower():
        return _company(arguments, realm)
    return f"{_entity(arguments)}/{_part(_word(arguments, 'id'))}", {}


def _put(arguments: Arguments, _realm: str) -> tuple[str, _Query]:
    return _entity(arguments), {}


def _delete(arguments: Arguments, _realm: str) -> tuple[str, _Query]:
    return _entity(arguments), {"operation": "delete"}


def _void(arguments: Arguments, _realm: str) -> tuple[str, _Query]:
    if _is_voided_by_update(arguments):
        return _entity(arguments), {"operation": "update", "include": "void"}
    return _entity(arguments), {"operation": "void"}


def _is_voided_by_update(arguments: Arguments) -> bool:
    return _word(arguments, "entity").lower() in VOIDED_BY_UPDATE


_PLACES: dict[str, Callable[[Arguments, str], tuple[str, _Query]]] = {
    "cdc": _changes,
    "query": _statement,
    "companyinfo.get": _company,
    "report.get": _report,
    "entity.get": _one,
    "entity.create": _put,
    "entity.update": _put,
    "entity.delete": _delete,
    "entity.void": _void,
}


def _written(look: Look) -> Mapping[str, object]:
    body = look.body or {}
    if look.endpoint == "entity.void" and _is_voided_by_update(look.arguments):
        return {**body, "sparse": True}
    return body


def _oauth(look: Look, credentials: Credentials) -> Request:
    """Basic credentials are the app's; a form for tokens, JSON to revoke one."""
    endpoint = ENDPOINTS[look.endpoint]
    keys = credentials.app
    pair = f"{keys.get('client_id', '')}:{keys.get('secret', '')}".encode()
    headers = {
        "Authorization": f"Basic {b64encode(pair).decode()}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    refresh_token = tokens.parse(credentials.token).refresh_token
    if look.endpoint == "token.revoke":
        body = msgspec.json.encode({"token": refresh_token})
        return Request(endpoint.method, endpoint.path, headers, body, endpoint.timeout_s)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    headers["x-include-refresh-token-hard-expires-in"] = "true"
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    if look.endpoint == "token.exchange":
        form = {
            "grant_type": "authorization_code",
            "code": _word(look.arguments, "code"),
            "redirect_uri": _word(look.arguments, "redirect_uri"),
        }
    body = urlencode(form).encode()
    return Request(endpoint.method, endpoint.path, headers, body, endpoint.timeout_s)
