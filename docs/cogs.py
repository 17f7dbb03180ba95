"""Cogs: the tables in the documents that code knows. Each function gives Markdown; `make docs` writes it, `make test` compares.

A document asks for one with a line such as `<!-- [[[cog import cogs; cog.outl(cogs.purposes()) ]]] -->`.
"""
# ruff: noqa: INP001  # beside the documents, which cog runs it for

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

from pydantic_core import PydanticUndefined

from rowcol.core.freshness.wording import NOUNS
from rowcol.core.need import STANDARDS
from rowcol.core.outcome import RULES, Outcome, retry_at
from rowcol.core.quota import QuotaRule, QuotaScope
from rowcol.core.rail import RailSpec
from rowcol.keys import KEYS
from rowcol.rails.registry import RAILS
from rowcol.settings import PREFIX, Settings

_SCOPES = {
    QuotaScope.APP: "app",
    QuotaScope.CONNECTION: "login",
    QuotaScope.COMPANY: "company",
    QuotaScope.INSTITUTION: "bank",
    QuotaScope.SOURCE_IP: "source address",
}
_PERIODS = {1: "second", 60: "min", 3600: "h"}


def table(heads: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def lifted(module: str, number: int = 0) -> str:
    """The `number`-th table in a module's docstring, as it stands there."""
    lines = (line.strip() for line in (import_module(module).__doc__ or "").splitlines())
    tables: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    return "\n".join(tables[number])


def endpoints(rail: str) -> str:
    """What we ask a rail, what it costs, how often it may be asked, how long we wait."""
    spec = RAILS[rail].spec
    return table(
        (
            "Endpoint",
            "For",
            "Price item",
            "Limit in production",
            "Limit in its sandbox",
            "Time-out",
            "`call_api`",
        ),
        (
            (
                f"`{name}`",
                endpoint.summary,
                f"**{endpoint.tariff}**" if endpoint.tariff else "free",
                _limits(endpoint.quotas.get("production", ())),
                _limits(endpoint.quotas.get("sandbox", ())),
                f"{endpoint.timeout_s:g} s",
                "yes" if endpoint.is_callable else "",
            )
            for name, endpoint in sorted(spec.endpoints.items())
        ),
    )


def metered_endpoints(rail: str) -> str:
    """What we ask a rail that counts calls instead of charging for them."""
    return table(
        ("Endpoint", "Method", "For", "Metered", "Time-out", "`call_api`", "Writes", "Needs"),
        (
            (
                f"`{name}`",
                endpoint.method,
                endpoint.summary,
                "yes" if endpoint.is_metered else "",
                f"{endpoint.timeout_s:g} s",
                "yes" if endpoint.is_callable else "",
                "yes" if endpoint.is_write else "",
                ", ".join(f"`{need}`".replace("|", "` or `") for need in endpoint.needs),
            )
            for name, endpoint in sorted(RAILS[rail].spec.endpoints.items())
        ),
    )


def shared_limits(rail: str) -> str:
    """Limits that several endpoints share, each with whom it is counted for."""
    spec, found = RAILS[rail].spec, dict[tuple[QuotaRule, ...], list[str]]()
    for name, endpoint in sorted(spec.endpoints.items()):
        found.setdefault(endpoint.quotas.get("production", ()), []).append(name)
    return table(
        ("Limits", "Counted together over"),
        (
            (_limits(rules) or "none is known", ", ".join(f"`{name}`" for name in names))
            for rules, names in found.items()
        ),
    )


def _limits(rules: Iterable[QuotaRule]) -> str:
    return "; ".join(
        f"{rule.limit:,} a {_PERIODS.get(rule.period_s, f'{rule.period_s} s')} per {_SCOPES[rule.scope]}"
        for rule in rules
    )


def prices(rail: str) -> str:
    """The price table that is in force where the firm's price book has none."""
    return table(
        ("Item", "Price", "Per", "Assumed", "Source", "Checked"),
        (
            (
                f"**{price.item}**",
                str(price.cost),
                price.per.value.lower().replace("_", " "),
                "yes" if price.is_assumed else "no",
                price.source,
                str(price.checked_on),
            )
            for price in RAILS[rail].spec.prices
        ),
    )


def events(rail: str) -> str:
    """What a delivery hints at."""
    return table(
        ("Delivery", "Is a hint to look at", "Reason in the call log"),
        (
            (
                f"`{kind}` `{code}`",
                ", ".join(signal.stream for signal in signals) or "nothing",
                signals[0].reason if signals else "",
            )
            for (kind, code), signals in RAILS[rail].spec.events.items()
        ),
    )


def marks(rail: str) -> str:
    """What a delivery of a rail that is read later marks, many operations to a row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for (kind, code), signals in RAILS[rail].spec.events.items():
        streams = ", ".join(f"`{signal.stream}`" for signal in signals)
        rows.setdefault((kind, streams), []).append(code)
    return table(
        ("Delivery of", "Operations", "Marks"),
        (
            (f"`{kind}`", ", ".join(f"`{code}`" for code in codes), streams or "nothing")
            for (kind, streams), codes in rows.items()
        ),
    )


def worded_errors(rail: str) -> str:
    """A rail's error codes, each with the outcome and the sentence that it is to us."""
    found = import_module(f"rowcol.rails.{rail}.errors")
    said: dict[tuple[Outcome, str], list[str]] = {}
    for codes, where in (
        (found.OUTCOMES, ""),
        (found.WITHOUT_CODE, "without a code"),
        (found.WITHOUT_CODE_OAUTH, "of a token call without a code"),
    ):
        for code, rule in codes.items():
            word = f"HTTP {code} {where}" if where else f"`{code}`"
            said.setdefault(rule, []).append(word)
    return table(
        ("Code", "Outcome", "What it is"),
        ((", ".join(codes), f"`{outcome}`", why) for (outcome, why), codes in said.items()),
    )


def defaults(module: str, name: str) -> str:
    """The fields of a dataclass with their defaults."""
    return table(
        ("field", "default"),
        ((f.name, str(f.default)) for f in fields(getattr(import_module(module), name))),
    )


def errors(rail: str) -> str:
    """A rail's error codes, by the outcome that they are to us."""
    outcomes: dict[tuple[str, str], Any] = import_module(f"rowcol.rails.{rail}.errors").OUTCOMES
    by_outcome: dict[str, list[str]] = {}
    for (_, code), outcome in outcomes.items():
        codes = by_outcome.setdefault(str(outcome), [])
        if code not in codes:
            codes.append(code)
    return table(
        ("Outcome", "Codes"),
        (
            (f"`{outcome}`", ", ".join(f"`{code}`" for code in sorted(codes)))
            for outcome, codes in by_outcome.items()
        ),
    )


def outcomes() -> str:
    """What follows from each way a call can end."""
    return table(
        (
            "Outcome",
            "A free call is tried again",
            "A priced or metered call counts as",
            "The login becomes",
            "Alarm",
        ),
        (
            (
                f"`{outcome}`",
                _again(outcome),
                {"YES": "billed", "POSSIBLY": "possibly billed", "NO": "not billed"}[rule.billed],
                "" if rule.health is None else f"`{rule.health}`",
                "yes" if rule.is_alarm else "",
            )
            for outcome, rule in RULES.items()
        ),
    )


def _again(outcome: Outcome) -> str:
    """The pause after the first failure, and after the second where that is another one."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    first, second = (retry_at(outcome, failures, now) for failures in (1, 2))
    if first is None or second is None:
        return "not until something else changes"
    once, again = first - now, second - now
    if once == again:
        return f"after {span(once)}, each time" if once else "at once"
    if not once:
        return f"at once, then after {span(again)}, doubled each time"
    return f"after {span(once)}, doubled each time"


def purposes() -> str:
    """What each purpose asks of an answer."""
    return table(
        (
            "Purpose",
            "In a sentence",
            "How old at most",
            "Waits for free evidence",
            "A decision hangs on it",
        ),
        (
            (
                f"`{purpose}`",
                NOUNS[purpose],
                span(standard.window),
                span(standard.patience) if standard.patience else "no",
                "yes" if standard.is_decision else "no",
            )
            for purpose, standard in STANDARDS.items()
        ),
    )


def span(length: timedelta) -> str:
    """`4 h`, `3 days`."""
    seconds = int(length.total_seconds())
    for unit_s, word in ((172_800, "days"), (3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{seconds / (86_400 if word == 'days' else unit_s):g} {word}"
    return f"{seconds} s"


def settings() -> str:
    """Every setting, as the environment and `rowcol.toml` spell it."""
    return table(
        ("Variable", "In `rowcol.toml`", "Default", "What it does"),
        [
            (f"`{PREFIX}{name.upper()}`", f"`{name}`", _default(field), field.description or "")
            for name, field in Settings.model_fields.items()
            if name not in RAILS
        ],
    )


def app_settings(rail: str) -> str:
    """The settings of one set of credentials."""
    keys = KEYS[rail.upper()]
    stem = f"{PREFIX}{rail.upper()}__<NAME>__"
    return table(
        ("Variable", f"Under `[{rail}.<name>]`", "Default", "What it does"),
        [
            (f"`{stem}{name.upper()}`", f"`{name}`", _default(field), field.description or "")
            for name, field in keys.model_fields.items()
        ],
    )


def _default(field: Any) -> str:
    value = None if field.default is PydanticUndefined else field.default
    if value is None:
        return "required" if field.is_required() else "none"
    return "empty" if value == () or not str(value) else f"`{value}`"


def commands() -> str:
    """Each command of `rowcol` with the first sentence of its help."""
    return table(
        ("Command", "What it does"), ((f"`rowcol {n}`", text) for n, text in cli_commands())
    )


def cli_commands() -> Iterator[tuple[str, str]]:
    """Commands and subcommands, in the order of `rowcol --help`."""
    from typer.main import get_command  # noqa: PLC0415  # only documents and their test need it

    yield from _walk(get_command(import_module("rowcol.cli.main").app), "")


def _walk(group: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if getattr(command, "hidden", False):
            continue
        if hasattr(command, "commands"):
            yield from _walk(command, f"{prefix}{name} ")
        else:
            help_text = " ".join((command.help or "").split("\n\n")[0].split())
            first = re.split(r"(?<=[.])\s", help_text)[0]
            yield f"{prefix}{name}", first.replace("|", "\\|")


def operations() -> str:
    """Every route of the HTTP API."""
    found = import_module("rowcol.api.operations")
    rows = [(o.method, o.path, o.role, o.summary) for o in found.OPERATIONS]
    rows += [(*key.split(" ", 1), role, "") for key, role in found.PLAIN_ROLES.items()]
    return table(
        ("Method", "Path", "Least role", "What it does"),
        (
            (method, f"`{path}`", "none" if role is None else role.value, summary)
            for method, path, role, summary in rows
        ),
    )


def rails() -> Iterator[RailSpec]:
    """What the registry holds."""
    return (rail.spec for rail in RAILS.values())
