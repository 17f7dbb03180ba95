"""Bodies: what clients send. Unknown members are refused, so that a misspelt one is not silently ignored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rowcol.core.cash import Role
from rowcol.services.books import IDS_MAX

MICROS_MAX = 1_000_000_000_000
"""A million dollars, as on the command line."""
DEPTH_MAX = 32


def _upper(word: object) -> object:
    return word.upper() if isinstance(word, str) else word


def _shallow(value: object) -> object:
    """Raise `ValueError` past so many levels: what walks a body later does so by recursion."""
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return value
    raise ValueError(f"is nested more than {DEPTH_MAX} levels deep")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class Body(BaseModel):
    """A request body."""

    model_config = ConfigDict(extra="forbid")


class NewBusiness(Body):
    """`external_id` is your own id; left out, the name is. A second post of the same one gives the first."""

    name: str = Field(min_length=1, max_length=200)
    external_id: str = Field("", max_length=200)


class Refresh(Body):
    """`force` asks for a live look that may cost; `price_confirmed_micros` is the price that you have seen."""

    force: bool = False
    price_confirmed_micros: int | None = Field(None, ge=0)


class Exchange(Body):
    """The public token that Link gave. `metadata`: what its `onSuccess` gave beside it, as it is; with it a login that
    shows one of these accounts already is a conflict, before anything is billed, unless `allow_duplicate`."""

    public_token: str = Field(min_length=1, max_length=500)
    rail: str = "plaid"
    app: str | None = None
    metadata: Annotated[dict[str, Any], BeforeValidator(_shallow)] | None = None
    allow_duplicate: bool = False


class LinkToken(Body):
    """Which rail to connect. `allow_duplicate`: also where a login shows one of the accounts already."""

    rail: str = "plaid"
    app: str | None = None
    allow_duplicate: bool = False


class NewConsent(Body):
    """Which rail to connect, at its own consent screen."""

    rail: str = Field(min_length=1, max_length=40)
    app: str | None = None


class BillIds(Body):
    """Bills by the books' own ids. `deadline`: the last moment at which the answer is of use; with its offset."""

    ids: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        min_length=1, max_length=IDS_MAX
    )
    purpose: Literal["display", "ritual", "guardrail", "verify"] = "display"
    force: bool = False
    deadline: datetime | None = None


class ApiCall(Body):
    """One endpoint of a rail, by the name in its table. `method` may be left out: it is the endpoint's own.

    `data`: its arguments; what a write sends is in `body`.
    """

    rail: str = Field(min_length=1, max_length=40)
    endpoint: str = Field(min_length=1, max_length=100)
    method: Literal["GET", "POST"] | None = None
    data: Annotated[dict[str, Any], BeforeValidator(_shallow)] = Field(default_factory=dict)


class SandboxLogin(Body):
    """A login without a browser, at a sandbox or emulator only."""

    institution: str = Field("ins_109508", min_length=1, max_length=100)
    rail: str = "plaid"
    app: str | None = None


class AccountRole(Body):
    """What an account is for: operating accounts count as cash."""

    role: Annotated[Role, BeforeValidator(_upper)]


class Sameness(Body):
    """Two accounts by our ids, and whether they are one account at the bank. Or two logins, of which all that look alike
    are the same."""

    first: str = Field(min_length=1, max_length=100)
    second: str = Field(min_length=1, max_length=100)
    is_same: bool


class NewToken(Body):
    """`label` is unique among the firm's live tokens."""

    role: Literal["viewer", "advisor", "operator", "admin"]
    label: str = Field(min_length=1, max_length=100)


class Switch(Body):
    """What to pause: `paid`, or a rail by name. `is_paused` false takes it back."""

    what: str = Field(pattern=r"^(paid|rail:[a-z_]{1,40})$")
    is_paused: bool = True
    reason: str = Field("", max_length=500)


class PriceIn(Body):
    """One row of the firm's price book. `per`: left out, as the rail charges the item."""

    rail: str
    item: str
    micros: int = Field(ge=0, le=MICROS_MAX)
    since: date
    source: str = Field(min_length=1, max_length=500)
    per: Literal["CALL", "CONNECTION_MONTH"] | None = None
    is_assumed: bool = False


class FirmSettings(Body):
    """What the firm chooses; what is left out goes back to the default."""

    policy: Literal["", "ttl", "evidence"] = ""
    budget_micros_month: int | None = Field(None, ge=0, le=MICROS_MAX)
    prices: tuple[PriceIn, ...] = Field((), max_length=1000)
