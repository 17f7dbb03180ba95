"""Rail tables: what one rail's code knows: endpoints, limits, prices, events, errors. See `cogs.py` for how documents ask."""
# ruff: noqa: INP001  # beside the documents, which cog runs it for

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from cogs import table

from rowcol.core.outcome import Outcome
from rowcol.core.quota import QuotaRule, QuotaScope
from rowcol.rails.registry import RAILS

_SCOPES = {
    QuotaScope.APP: "app",
    QuotaScope.CONNECTION: "login",
    QuotaScope.COMPANY: "company",
    QuotaScope.INSTITUTION: "bank",
    QuotaScope.SOURCE_IP: "source address",
}
_PERIODS = {1: "second", 60: "min", 3600: "h"}


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
