"""Faults: what the next answers are spoilt with, per realm or for all, once or for a while.

| fault | effect happened? | what the client gets |
|---|---|---|
| unauthorized | no | 401, code 3200, lower-case envelope |
| forbidden_throttle | no | 403 with code 3001 |
| throttle_json, throttle_xml | no | 429 with code 3001 |
| error_500, error_503 | no | a fault of code 10000; of the token endpoint a page |
| error_502, error_504 | no | a proxy's page; nothing |
| html_503 | no | status 503 and a page |
| code_120 | no | 401: the user who connected lost access to the company |
| code_3201, code_3201_as_400 | no | not authorised for the company: lower-case envelope; 400 in the usual one |
| code_2170, code_6000, code_6070 | no | 400: bad enumeration, a rule of the books, amounts that do not add up |
| code_6000_as_200 | no | code_6000 with a status that says success |
| code_10000_as_200 | no | 200 and a fault inside `QueryResponse` |
| html | yes | status 200 and a page |
| not_json | yes | status 200 and a text |
| truncated | yes | half of the body, correctly framed |
| no_answer | no | the connection breaks |
| commit_then_drop | yes | the connection breaks |
| commit_then_500 | yes | 500, code 10000 |
| slow | yes | nothing for `slow_s` on the clock, then 504 |
| no_refresh_token | yes | a token answer without `refresh_token` |

`operation` is one of read, query, cdc, batch, report, create, update, delete, void, `token` (the token endpoint), or `*`
for all; None is everything but `token`. `no_refresh_token` only ever strikes the token endpoint, and `code_*` never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from rowcol.sandbox.qbo.errors import VALIDATION


class Fault(StrEnum):
    """The table above."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN_THROTTLE = "forbidden_throttle"
    THROTTLE_JSON = "throttle_json"
    THROTTLE_XML = "throttle_xml"
    ERROR_500 = "error_500"
    ERROR_502 = "error_502"
    ERROR_503 = "error_503"
    ERROR_504 = "error_504"
    HTML_503 = "html_503"
    CODE_120 = "code_120"
    CODE_2170 = "code_2170"
    CODE_3201 = "code_3201"
    CODE_3201_AS_400 = "code_3201_as_400"
    CODE_6000 = "code_6000"
    CODE_6070 = "code_6070"
    CODE_6000_AS_200 = "code_6000_as_200"
    CODE_10000_AS_200 = "code_10000_as_200"
    HTML = "html"
    NOT_JSON = "not_json"
    TRUNCATED = "truncated"
    NO_ANSWER = "no_answer"
    COMMIT_THEN_DROP = "commit_then_drop"
    COMMIT_THEN_500 = "commit_then_500"
    SLOW = "slow"
    NO_REFRESH_TOKEN = "no_refresh_token"  # noqa: S105  (a kind of fault)


AFTER_EFFECT: Final = frozenset(
    {
        Fault.HTML,
        Fault.NOT_JSON,
        Fault.TRUNCATED,
        Fault.COMMIT_THEN_DROP,
        Fault.COMMIT_THEN_500,
        Fault.SLOW,
        Fault.NO_REFRESH_TOKEN,
    }
)


@dataclass(frozen=True, slots=True)
class Coded:
    """A documented refusal. `type` None is the lower-case envelope of authentication, which has its own."""

    code: str
    status: int = 400
    type: str | None = VALIDATION
    about: str = ""
    element: str | None = None
    inside: str = ""
    """The part of the answer that it stands in; at the top where none is named."""


CODED: Final[Mapping[Fault, Coded]] = {
    Fault.CODE_120: Coded("120", 401, "AuthorizationFault", "the user lost access."),
    Fault.CODE_2170: Coded("2170", about="DetailType", element="DetailType"),
    Fault.CODE_3201: Coded("3201", 401, None),
    Fault.CODE_3201_AS_400: Coded("3201", 400, "AUTHORIZATION"),
    Fault.CODE_6000: Coded("6000", about="You must select a vendor."),
    Fault.CODE_6070: Coded("6070", about="Amount is not equal to UnitPrice * Qty."),
    Fault.CODE_6000_AS_200: Coded("6000", 200, about="You must select a vendor."),
    Fault.CODE_10000_AS_200: Coded("10000", 200, "SystemFault", inside="QueryResponse"),
}
"""Faults that are a refusal, whatever the request says."""

OPERATIONS: Final = frozenset(
    {
        "*",
        "batch",
        "cdc",
        "create",
        "delete",
        "query",
        "read",
        "report",
        "token",
        "update",
        "void",
    }
)


@dataclass(slots=True)
class _Spell:
    fault: Fault
    realm_id: str | None
    operation: str | None
    n_left: int | None
    starts_at: datetime | None
    ends_at: datetime | None

    def strikes(self, realm_id: str | None, operation: str, now: datetime) -> bool:
        if self.realm_id not in {None, realm_id}:
            return False
        if self.operation is None:
            if operation == "token":
                return False
        elif self.operation not in {"*", operation}:
            return False
        if self.starts_at is not None and now < self.starts_at:
            return False
        return self.ends_at is None or now < self.ends_at


@dataclass(slots=True)
class Faults:
    """Spells that wait or last."""

    slow_s: float = 130.0
    n_struck: int = 0
    _spells: list[_Spell] = field(default_factory=list)

    def next(
        self,
        fault: Fault | str,
        n: int = 1,
        *,
        realm_id: str | None = None,
        operation: str | None = None,
    ) -> None:
        """The next `n` matching requests meet it."""
        self._add(_Spell(Fault(fault), realm_id, operation, n, None, None))

    def for_a_while(
        self,
        fault: Fault | str,
        until: datetime,
        *,
        realm_id: str | None = None,
        operation: str | None = None,
    ) -> None:
        """Every matching request before `until` meets it."""
        self._add(_Spell(Fault(fault), realm_id, operation, None, None, until))

    def outage(
        self,
        starts_at: datetime,
        ends_at: datetime,
        fault: Fault | str = Fault.ERROR_503,
        *,
        realm_id: str | None = None,
    ) -> None:
        """Everything fails in [starts_at, ends_at), the token endpoint included."""
        self._add(_Spell(Fault(fault), realm_id, "*", None, starts_at, ends_at))

    def _add(self, spell: _Spell) -> None:
        """Raise `ValueError` for a spell that could never strike."""
        if spell.operation is not None and spell.operation not in OPERATIONS:
            msg = f"no operation {spell.operation!r}; there are {', '.join(sorted(OPERATIONS))}"
            raise ValueError(msg)
        if spell.n_left is not None and spell.n_left < 1:
            msg = f"n is at least 1, not {spell.n_left}"
            raise ValueError(msg)
        if spell.fault is Fault.NO_REFRESH_TOKEN:
            spell.operation = "token"
        if spell.fault in CODED:
            if spell.operation == "token":
                msg = f"{spell.fault} is no answer of the token endpoint"
                raise ValueError(msg)
            spell.operation = None if spell.operation == "*" else spell.operation
        self._spells.append(spell)

    def take(self, realm_id: str | None, operation: str, now: datetime) -> Fault | None:
        """What the request that happens now meets."""
        if not self._spells:
            return None
        for spell in self._spells:
            if not spell.strikes(realm_id, operation, now):
                continue
            if spell.n_left is not None:
                spell.n_left -= 1
                if spell.n_left <= 0:
                    self._spells.remove(spell)
            self.n_struck += 1
            return spell.fault
        self._spells = [s for s in self._spells if s.ends_at is None or s.ends_at > now]
        return None

    def clear(self) -> None:
        self._spells.clear()

    def report(self) -> list[dict[str, Any]]:
        return [
            {
                "fault": spell.fault.value,
                "realm_id": spell.realm_id,
                "operation": spell.operation,
                "n_left": spell.n_left,
                "starts_at": spell.starts_at,
                "ends_at": spell.ends_at,
            }
            for spell in self._spells
        ]
