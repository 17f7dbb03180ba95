"""Looks: what a person asks of a rail by `call_api`, as a call that the gateway may make."""

from __future__ import annotations

from collections.abc import Mapping

from rowcol.core.outcome import Outcome
from rowcol.core.rail import Endpoint, Failure, Look, Reading
from rowcol.core.refusal import BadInput

KEY_MAX = 50


def of_person(endpoint: Endpoint, data: Mapping[str, object], key: str) -> Look:
    """Scalars become arguments, `body` what a write sends. Raise `BadInput` for anything that would be lost."""
    body = data.get("body")
    scalars = {name: value for name, value in data.items() if name != "body"}
    lost = [n for n, v in scalars.items() if not isinstance(v, str | int | bool)]
    if lost:
        raise BadInput(
            f"{', '.join(sorted(lost))}: not a text, a whole number or a yes/no",
            "put what is to be written under `body`, amounts as Decimal",
        )
    if body is not None and not isinstance(body, Mapping):
        raise BadInput("`body` is no object", "give the fields to write as one object")
    if body is not None and _has_float(body):
        raise BadInput("`body` has a float", "amounts are exact: use Decimal, or text in JSON")
    if endpoint.is_write and (not key or len(key) > KEY_MAX):
        raise BadInput(f"the idempotency key is empty or over {KEY_MAX} characters", "shorten it")
    given = {n: v for n, v in scalars.items() if isinstance(v, str | int | bool)}
    arguments = {**given, "requestid": key} if endpoint.is_write else given
    return Look(endpoint.name, arguments, body=body)


def next_step(endpoint: Endpoint, read: Reading | Failure, look: Look) -> str:
    """What to do after it failed."""
    is_silent = isinstance(read, Failure) and read.outcome in (
        Outcome.NO_ANSWER,
        Outcome.UNREADABLE,
        Outcome.TRY_AGAIN,
    )
    if endpoint.is_write and is_silent:
        key = look.arguments.get("requestid")
        return f"it may have been written: repeat it with idempotency_key {key!r}, it happens once"
    return ""


def _has_float(value: object) -> bool:
    if isinstance(value, float):
        return True
    if isinstance(value, Mapping):
        return any(_has_float(v) for v in value.values())
    return isinstance(value, list | tuple) and any(_has_float(v) for v in value)
