"""Kit: exchange files as values, answers as the transport gives them, a small company to read, signed deliveries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rowcol.core.connection import ConnectionState
from rowcol.core.ids import RemoteId
from rowcol.core.rail import Credentials, Failure, Look, Reading, Want
from rowcol.core.wire import RawDelivery, Request, Response
from rowcol.rails.qbo.progress import OVERLAP
from rowcol.rails.qbo.rail import Qbo

TESTS = Path(__file__).parents[2]
EXCHANGES = sorted((TESTS / "exchanges" / "qbo").glob("*.json"))
DELIVERIES = sorted((TESTS / "deliveries" / "qbo").glob("*.json"))
FORMS = sorted((TESTS / "deliveries" / "qbo" / "forms").glob("*.json"))
RAIL = Qbo()
NOW = datetime(2026, 11, 25, 11, 22, 8, 40_000, tzinfo=UTC)
"""When the exchange files were answered."""
REALM = RemoteId("9130357849237461824")
OTHER_REALM = RemoteId("4620816365291274110")
KEYS = {"client_id": "client_id", "secret": "client_secret"}
VERIFIER = "fake-verifier-token-00000000-0000"
FILLED = {
    "realm": REALM,
    "since": "2026-11-24T09:15:02-08:00",
    "changed_since": "2026-11-25T09:00:00+00:00",
    "redirect_uri": "https://host.example/callback",
    "basic_credentials": base64.b64encode(b"client_id:client_secret").decode(),
    "sync_token": "0",
}
"""Placeholders whose value has a form; every other one is its own name."""


@dataclass(frozen=True)
class Exchange:
    """One file with its placeholders filled."""

    name: str
    request: dict[str, Any]
    answer: dict[str, Any]
    fault: str | None

    @property
    def operation(self) -> str:
        return re.match(r"token\.\w+|\w+", self.name)[0]  # type: ignore[index] # names begin so

    @property
    def response(self) -> Response:
        body = json.dumps(self.answer["body"]) if "body" in self.answer else self.answer["text"]
        headers = self.answer.get("headers", {})
        return Response(self.answer["status"], headers, body.encode(), NOW, NOW)

    @property
    def look(self) -> Look:
        """The look whose request this is."""
        query, tail = self.request.get("query", {}), self.request["path"].split("/")[4:]
        body, form = self.request.get("body"), self.request.get("form", {})
        entity = tail[0] if tail else ""
        looks = {
            "cdc": lambda: Look(
                "cdc", {"changed_since": query["changedSince"], "entities": query["entities"]}
            ),
            "query": lambda: Look("query", {"statement": self.request["text"]}),
            "report": lambda: Look("report.get", {"report": tail[1], **without_version(query)}),
            "read": lambda: Look("entity.get", {"entity": entity, "id": "".join(tail[1:2])}),
            "discovery": lambda: Look(
                "discovery", {"document": self.request["path"].split("/")[2]}
            ),
            "revoke": lambda: Look("token.revoke"),
            "token.refresh": lambda: Look("token.refresh"),
            "token.exchange": lambda: Look(
                "token.exchange",
                {"code": form["code"], "redirect_uri": form["redirect_uri"], "realm_id": REALM},
            ),
        }
        if self.operation in looks:
            return looks[self.operation]()
        arguments = {"requestid": query["requestid"], "entity": entity}
        return Look(f"entity.{self.operation}", arguments, body=body)


def without_version(query: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in query.items() if k != "minorversion"}


@cache
def exchange(name: str) -> Exchange:
    text = (TESTS / "exchanges" / "qbo" / f"{name}.json").read_text(encoding="utf-8")
    text = re.sub(r"\{([a-z0-9_]+)\}", lambda m: FILLED.get(m[1], m[1]), text)
    loaded = json.loads(text)
    fault = loaded["emulator_setup"]["fault"]
    return Exchange(name, loaded["request"], loaded["response"], fault)


def token(ends_in: timedelta = timedelta(hours=1), **changes: str) -> str:
    """A stored token text."""
    text = {
        "access_token": "access_token",
        "refresh_token": "refresh_token",
        "access_expires_at": (NOW + ends_in).isoformat(),
        "refresh_expires_at": (NOW + timedelta(days=90)).isoformat(),
        "renewed_at": NOW.isoformat(),
        **changes,
    }
    return json.dumps(text)


CREDENTIALS = Credentials(KEYS, token(), REALM)


def response(
    body: object,
    status: int = 200,
    *,
    sent_at: datetime = NOW,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer; `body` may be bytes as they are, or anything that JSON can say."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {k.replace("_", "-"): v for k, v in (headers or {}).items()}
    return Response(status, named, raw, sent_at, sent_at)


def fault(code: str, status: int = 400, kind: str = "ValidationFault", **headers: str) -> Response:
    error = {"Message": "m secret-text", "Detail": "d secret-text", "code": code}
    return response({"Fault": {"Error": [error], "type": kind}}, status, headers=headers)


def state(**changes: Any) -> ConnectionState:
    """Books that were read an hour ago."""
    read_at = NOW - timedelta(hours=1)
    known = ConnectionState(
        looked_at=read_at,
        cursor=(read_at - OVERLAP).isoformat(),
        delivered_at=read_at - timedelta(hours=1),
        facts={
            "changes_at": read_at.isoformat(),
            "home_currency": "USD",
            "currency_asked_at": (read_at - timedelta(seconds=1)).isoformat(),
        },
    )
    return replace(known, **changes)


def stamp(when: datetime) -> str:
    """As QuickBooks writes it: company-local, whole seconds."""
    return when.replace(microsecond=0).isoformat()


def row(
    number: int, changed_at: datetime = NOW - timedelta(minutes=5), **more: Any
) -> dict[str, Any]:
    times = {"CreateTime": stamp(changed_at), "LastUpdatedTime": stamp(changed_at)}
    return {"Id": str(number), "SyncToken": "0", "domain": "QBO", "MetaData": times, **more}


def gone(number: int, changed_at: datetime = NOW) -> dict[str, Any]:
    times = {"LastUpdatedTime": stamp(changed_at)}
    return {"domain": "QBO", "status": "Deleted", "Id": str(number), "MetaData": times}


def changes(*groups: dict[str, Any], time: datetime = NOW) -> dict[str, Any]:
    return {"CDCResponse": [{"QueryResponse": list(groups)}], "time": time.isoformat()}


def preferences(currency: str, time: datetime = NOW) -> dict[str, Any]:
    """The answer that names a company's own currency."""
    prefs = {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": currency}}
    found = {"Preferences": [row(1, CurrencyPrefs=prefs)], "maxResults": 1}
    return {"QueryResponse": found, "time": time.isoformat()}


@dataclass
class Company:
    """A company at QuickBooks that answers our own requests: rows by entity, times as they are."""

    rows: dict[str, list[dict[str, Any]]]
    clock: timedelta = timedelta(0)
    limit: int = 1000
    calls: int = 0
    currency: str = "USD"

    def answer(self, request: Request, at: datetime) -> Response:
        self.calls += 1
        parts = urlsplit(request.path)
        time = at + self.clock
        if parts.path.endswith("/cdc"):
            asked = dict(parse_qsl(parts.query))
            since = datetime.fromisoformat(asked["changedSince"])
            found = {e: self._since(e, since) for e in asked["entities"].split(",")}
            return response(self._cut(found, time), sent_at=at)
        if "/companyinfo/" in parts.path:
            body = {"CompanyInfo": row(1, at, CompanyName="Tern & Co"), "time": time.isoformat()}
            return response(body, sent_at=at)
        if request.body == b"SELECT * FROM Preferences":
            return response(preferences(self.currency, time), sent_at=at)
        asked_for = re.fullmatch(
            r"SELECT \* FROM (\w+)(?: WHERE (.*?))? ORDERBY MetaData.LastUpdatedTime"
            r" STARTPOSITION (\d+) MAXRESULTS (\d+)",
            request.body.decode(),
        )
        assert asked_for, request.body
        entity, where, start, most = asked_for.groups()
        bound = re.search(r">= '([^']+)'", where or "")
        since = datetime.fromisoformat(bound[1]) if bound else datetime.min.replace(tzinfo=UTC)
        is_whole = "Active IN (true,false)" in (where or "")
        fitting = [r for r in self._since(entity, since) if is_whole or r.get("Active", True)]
        page = fitting[int(start) - 1 :][: int(most)]
        answer = {"QueryResponse": {entity: page} if page else {}, "time": time.isoformat()}
        return response(answer, sent_at=at)

    def _since(self, entity: str, since: datetime) -> list[dict[str, Any]]:
        known = sorted(self.rows.get(entity, []), key=changed)
        return [r for r in known if changed(r) >= since]

    def _cut(self, found: dict[str, list[dict[str, Any]]], time: datetime) -> dict[str, Any]:
        left, groups = self.limit, []
        for entity, rows in found.items():
            if rows[:left]:
                groups.append({entity: rows[:left]})
            left -= len(rows[:left])
        return changes(*(groups or [{}]), time=time)


def changed(found: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(found["MetaData"]["LastUpdatedTime"])


def run(
    company: Company, before: ConnectionState, want: Want, *, calls_max: int = 200
) -> tuple[ConnectionState, list[Reading]]:
    """Look until nothing is left to look at, a second a call."""
    known, at = before, NOW
    readings: list[Reading] = []
    for _ in range(calls_max):
        look = RAIL.free_look(known, want)
        if look is None:
            return known, readings
        read = RAIL.read(look, company.answer(RAIL.request(look, CREDENTIALS), at), known)
        assert isinstance(read, Reading), read
        known, at = read.state, at + timedelta(seconds=1)
        readings.append(read)
        if known.looked_at is not None and known.page == "" and known.looked_at >= NOW:
            want = Want(None, NOW, balances=True, streams=False)
    raise AssertionError("it does not end")


def wanted(since: datetime | None = NOW) -> Want:
    return Want(since, NOW, balances=True, streams=False)


def ids(readings: Sequence[Reading], entity: str) -> set[str]:
    """Every id that was read of an entity, staged or not."""
    return {
        r.remote_id for read in readings for r in (*read.rows, *read.staged) if r.entity == entity
    }


def failed(read: Reading | Failure) -> Failure:
    assert isinstance(read, Failure), read
    return read


def reading(read: Reading | Failure) -> Reading:
    assert isinstance(read, Reading), read
    return read


def signature(body: bytes, key: str = VERIFIER) -> str:
    return base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256)).decode()


def delivery(body: bytes, header: str | None = None, name: str = "intuit-signature") -> RawDelivery:
    return RawDelivery({name: signature(body) if header is None else header}, body, NOW)
