"""Looks: what a person asks of a rail by `call_api`, as a call that the gateway may make."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rowcol.core.outcome import Outcome
from rowcol.core.rail import Endpoint, Failure, Look, RailSpec, Reading
from rowcol.core.refusal import BadInput

KEY_MAX = 50
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
"""What may be one part of an address."""


def of_person(endpoint: Endpoint, data: Mapping[str, object], key: str) -> Look:
    """Scalars become arguments, `body` what a write sends. Raise `BadInput` for anything that would be lost, and for
    what is missing: the rail would only refuse it."""
    body = data.get("body")
    scalars = {name: value for name, value in data.items() if name != "body"}
    lost = [n for n, v in scalars.items() if not isinstance(v, str | int | bool)]
    if lost:
        raise BadInput(
            f"{', '.join(sorted(lost))}: not a text, a whole number or a yes/no",
            "put what is to be written under `body`, amounts as Decimal",
        )
    if endpoint.is_write:
        _refuse_strays(endpoint, scalars)
    if body is not None and not isinstance(body, Mapping):
        raise BadInput("`body` is no object", "give the fields to write as one object")
    if body is not None and _has_float(body):
        raise BadInput("`body` has a float", "amounts are exact: use Decimal, or text in JSON")
    missing = [need for need in endpoint.needs if not _is_given(need, data)]
    if missing:
        raise BadInput(
            f"{endpoint.name} needs {said(endpoint.needs)}; missing: {said(missing)}",
            f"give {said(missing)} in the data (`--data`), as docs/rails.md shows",
        )
    _refuse_places(endpoint, scalars)
    if endpoint.is_write and (not key or len(key) > KEY_MAX):
        raise BadInput(f"the idempotency key is empty or over {KEY_MAX} characters", "shorten it")
    given = {n: v for n, v in scalars.items() if isinstance(v, str | int | bool)}
    arguments = {**given, "requestid": key} if endpoint.is_write else given
    return Look(endpoint.name, arguments, body=body)


def said(needs: Sequence[str]) -> str:
    """`entity, statement or report`."""
    return ", ".join(need.replace("|", " or ") for need in needs)


def callable_of(spec: RailSpec) -> str:
    """A rail's endpoints that a person may call, each with what it needs."""
    found = sorted(
        (e for e in spec.endpoints.values() if e.is_callable and e.tariff is None),
        key=lambda e: e.name,
    )
    each = (f"{e.name} ({said(e.needs)})" if e.needs else e.name for e in found)
    return ", ".join(each) or "none"


def _refuse_strays(endpoint: Endpoint, scalars: Mapping[str, object]) -> None:
    """A field that is written beside the body would be dropped without a word."""
    known = {name for need in endpoint.needs for name in need.split("|")}
    strays = sorted(scalars.keys() - known)
    if "requestid" in strays:
        raise BadInput("requestid is no argument", "give it as the idempotency key")
    if strays:
        raise BadInput(
            f"{', '.join(strays)}: {endpoint.name} would not write this",
            "put what is to be written under `body`",
        )


def _refuse_places(endpoint: Endpoint, scalars: Mapping[str, object]) -> None:
    """An argument never reaches an address that the endpoint does not declare: that would be another call, counted and
    limited as this one."""
    for name, listed in endpoint.choices.items():
        if name in scalars and str(scalars[name]).lower() not in map(str.lower, listed):
            raise BadInput(
                f"{endpoint.name}: there is no {name} {scalars[name]!r}",
                f"one of {', '.join(listed)}",
            )
    for name in re.findall(r"{(\w+)}", endpoint.path):
        if name in scalars and not _WORD.fullmatch(str(scalars[name])):
            raise BadInput(
                f"{endpoint.name}: {name} {scalars[name]!r} is no word",
                "letters, digits and _ . : - after a first letter or digit, as the rail gave it",
            )


def _is_given(need: str, data: Mapping[str, object]) -> bool:
    """Something that is not empty; `body.x` is looked for inside the body."""
    if "|" in need:
        return any(_is_given(each, data) for each in need.split("|"))
    first, _, inner = need.partition(".")
    value = data.get(first)
    if inner:
        return isinstance(value, Mapping) and _is_given(inner, value)
    return bool(value.strip()) if isinstance(value, str) else value not in (None, {})


def next_step(endpoint: Endpoint, read: Reading | Failure, look: Look) -> str:
    """What to do after it failed."""
    is_silent = isinstance(read, Failure) and read.outcome in (
        Outcome.NO_ANSWER,
        Outcome.UNREADABLE,
        Outcome.TRY_AGAIN,
    )
    if isinstance(read, Failure) and read.advice:
        return read.advice
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
