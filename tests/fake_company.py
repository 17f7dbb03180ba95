"""Fake company: `Paged`, books that are listed in pages and whose tokens expire and rotate, and the `Company` behind them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from typing_extensions import override

from rowcol.core.app import App
from rowcol.core.books import BILL
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Coverage, Source
from rowcol.core.ids import RemoteId
from rowcol.core.outcome import Outcome
from rowcol.core.quota import QuotaRule, QuotaScope
from rowcol.core.rail import (
    Credentials,
    Failure,
    Grant,
    Look,
    RailSpec,
    Reading,
    Renewed,
    Row,
    Want,
)
from rowcol.core.wire import NoAnswer, Request, Response, Silence
from tests import fake_books
from tests.fake_books import COMPANY, LEDGER_APP, Ledger
from tests.fakes import FakeClock

API, ALL = "api", 1_000
IDS_A_CALL = 500
TOKEN_LASTS, RENEWED_BEFORE = timedelta(hours=1), timedelta(minutes=5)
RULES = {"production": (QuotaRule(QuotaScope.COMPANY, 100, 60, shared="requests"),)}
APP = replace(LEDGER_APP, hosts={API: "http://api.example"})


def _spec() -> RailSpec:
    known = fake_books.SPEC.endpoints
    named = {
        **known,
        "list": replace(known["changes"], name="list", path="/list"),
        "refresh": replace(known["token"], name="refresh", path="/refresh"),
    }
    on_api = ("list", "changes", "rows", "company", "bill.create")
    endpoints = {
        name: replace(e, host=API, quotas=RULES) if name in on_api else e
        for name, e in named.items()
    }
    return replace(
        fake_books.SPEC,
        endpoints=endpoints,
        sweep_every=timedelta(days=7),
        sweep_gapped=timedelta(days=1),
    )


SPEC = _spec()


def token_of(number: int, until: datetime) -> str:
    """An access token `a<n>` and the refresh token `r<n>` that came with it."""
    return json.dumps({"access": f"a{number}", "refresh": f"r{number}", "until": until.isoformat()})


class Paged(Ledger):
    """Books read whole once, page by page, then by what changed. `stream`: what its listing says it pages through."""

    def __init__(self, stream: str = "") -> None:
        self._stream = stream

    @property
    @override
    def spec(self) -> RailSpec:
        return SPEC

    @override
    def free_look(self, state: ConnectionState, want: Want) -> Look | None:
        if not state.cursor:
            return Look("list", {"page": state.page}, self._stream, is_full=True)
        looked = state.looked_at
        is_old = want.since is not None and (looked is None or looked < want.since)
        return Look("changes", {"since": state.cursor}) if is_old else None

    @override
    def request(self, look: Look, credentials: Credentials) -> Request:
        token = {} if credentials.token is None else json.loads(credentials.token)
        said = {**look.arguments, "body": _plain(look.body), "access": token.get("access")}
        return Request("POST", f"/{look.endpoint}", {}, json.dumps(said).encode(), 10.0)

    @override
    def read(self, look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
        if response.status != 200:
            outcome = Outcome(response.body.decode())
            failed = state.after(outcome, outcome, response.received_at)
            if outcome is Outcome.TOKEN_EXPIRED:
                failed = replace(failed, facts={**failed.facts, "token": "refused"})
            return Failure(outcome, outcome, failed)
        answer = json.loads(response.body)
        state = state.after(Outcome.OK, "", response.received_at)
        rows = tuple(_row(*pair) for pair in answer.get("rows", {}).items())
        if look.endpoint == "list":
            return _listed(state, rows, answer, response.sent_at)
        if look.endpoint != "changes":
            return Reading(state, rows=rows)
        if len(rows) >= answer["cap"]:  # saturated: the whole must be listed anew
            return Reading(replace(state, cursor="", page=""))
        at = response.sent_at
        moved = replace(state, looked_at=at, cursor=at.isoformat(), dirty={})
        return Reading(moved, rows=rows, coverages=(Coverage("books", at, Source.CACHED),))

    @override
    def read_grant(self, look: Look, response: Response) -> Grant | Failure:
        if response.status != 200:
            return Failure(Outcome.BAD_REQUEST, "invalid_grant", ConnectionState())
        answer = json.loads(response.body)
        return Grant(json.dumps(answer["token"]), RemoteId(answer["company"]))

    @override
    def rows_looks(self, entity: str, ids: Sequence[RemoteId]) -> tuple[Look, ...]:
        parts = [ids[n : n + IDS_A_CALL] for n in range(0, len(ids), IDS_A_CALL)]
        return tuple(Look("rows", {"ids": ",".join(part)}) for part in parts)

    @override
    def renewal(self, token: str, state: ConnectionState, now: datetime) -> Look | None:
        held = json.loads(token)
        is_ending = datetime.fromisoformat(held["until"]) - now < RENEWED_BEFORE
        if not (is_ending or state.facts.get("token") == "refused"):
            return None
        return Look("refresh", {"refresh": held["refresh"]})

    @override
    def read_renewal(
        self, look: Look, response: Response, token: str, state: ConnectionState
    ) -> Renewed | Failure:
        if response.status != 200:
            outcome = Outcome(response.body.decode())
            return Failure(outcome, outcome, state.after(outcome, outcome, response.received_at))
        facts = {name: value for name, value in state.facts.items() if name != "token"}
        return Renewed(json.dumps(json.loads(response.body)["token"]), replace(state, facts=facts))

    @override
    def units(self, look: Look, app: App) -> int:
        return int(SPEC.endpoints[look.endpoint].is_metered)


def _plain(body: Mapping[str, object] | None) -> dict[str, str] | None:
    return None if body is None else {name: str(value) for name, value in body.items()}


def _row(remote_id: str, minor: int) -> Row:
    body = {"party": "v1", "due": "2026-11-20", "total": minor, "open": minor}
    return fake_books._row(BILL, remote_id, body)


def _listed(
    state: ConnectionState, rows: tuple[Row, ...], answer: Mapping[str, str], at: datetime
) -> Reading:
    began = str(state.facts.get("began") or at.isoformat())
    if answer["next"]:
        facts = {**state.facts, "began": began}
        return Reading(replace(state, page=answer["next"], facts=facts), staged=rows)
    since = datetime.fromisoformat(began)
    facts = {name: value for name, value in state.facts.items() if name != "began"}
    done = replace(state, page="", cursor=began, looked_at=since, dirty={}, facts=facts)
    covered = Coverage("books", since, Source.CACHED)
    return Reading(done, staged=rows, publishes=began, replaces=(BILL,), coverages=(covered,))


@dataclass
class Company:
    """The other side: bills by id, what each is open for, and when it changed; a transport."""

    clock: FakeClock
    bills: dict[str, int] = field(default_factory=lambda: {f"b{n}": 100 * n for n in range(1, 6)})
    changed: dict[str, datetime] = field(default_factory=dict)
    page: int = 2
    cap: int = ALL
    fails: dict[str, Outcome | Silence] = field(default_factory=dict)
    on_call: Callable[[str], None] | None = None
    calls: list[str] = field(default_factory=list)
    bodies: list[dict[str, object]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    number: int = 1
    company: RemoteId = COMPANY
    known: set[str] = field(default_factory=lambda: {"r1"})
    """Refresh tokens that it takes."""
    expired: set[str] = field(default_factory=set)
    """Access tokens that it does not take."""
    writes: dict[str, str] = field(default_factory=dict)

    def change(self, bill: str, minor: int) -> None:
        self.bills[bill], self.changed[bill] = minor, self.clock.now()

    def issue(self) -> str:
        """A new pair; the one before goes on to work until it is forgotten."""
        self.number += 1
        self.known.add(f"r{self.number}")
        return token_of(self.number, self.clock.now() + TOKEN_LASTS)

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        name, asked = request.path.strip("/"), json.loads(request.body)
        self.calls.append(name)
        self.bodies.append(asked)
        self.addresses.append(base_url)
        if self.on_call is not None:
            self.on_call(name)
        await asyncio.sleep(0)  # noqa: TID251 - a round trip lets others run
        now, failure = self.clock.now(), self.fails.get(name)
        if isinstance(failure, Silence):
            if failure is not Silence.NOT_SENT:
                self._answer(name, asked)
            return NoAnswer(failure, now, now)
        if failure is None:
            failure = self._refusal(name, asked)
        if failure is not None:
            return Response(400, {}, failure.encode(), now, now)
        return Response(200, {}, json.dumps(self._answer(name, asked)).encode(), now, now)

    def _refusal(self, name: str, asked: Mapping[str, str]) -> Outcome | None:
        if name == "refresh":
            return None if asked["refresh"] in self.known else Outcome.NEEDS_PERSON
        return Outcome.TOKEN_EXPIRED if asked["access"] in self.expired else None

    def _answer(self, name: str, asked: Mapping[str, str]) -> dict[str, object]:
        match name:
            case "refresh" | "token":
                return {"token": json.loads(self.issue()), "company": self.company}
            case "list":
                names = sorted(self.bills)
                start = int(asked["page"] or 0)
                more = str(start + self.page) if start + self.page < len(names) else ""
                return {"rows": self._some(names[start : start + self.page]), "next": more}
            case "changes":
                since = datetime.fromisoformat(asked["since"])
                names = [n for n, at in self.changed.items() if at >= since]
                return {"rows": self._some(names), "cap": self.cap}
            case "rows":
                return {"rows": self._some(asked["ids"].split(","))}
            case "bill.create":
                made = self.writes.setdefault(asked["requestid"], f"n{len(self.writes) + 1}")
                self.bills.setdefault(made, 777)
                return {"rows": self._some([made]), "echo": asked}
            case _:
                return {"echo": asked}

    def _some(self, names: Sequence[str]) -> dict[str, int]:
        return {name: self.bills[name] for name in names if name in self.bills}

    async def close(self) -> None:
        return
