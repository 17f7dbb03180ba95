"""Cogs: the tables in the documents that code knows. Each function gives Markdown; `make docs` writes it, `make test` compares.

A document asks for one with a line such as `<!-- [[[cog import cogs; cog.outl(cogs.purposes()) ]]] -->`. What is of one rail is in `rail_tables.py`.
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
from rowcol.core.rail import RailSpec
from rowcol.keys import KEYS
from rowcol.rails.registry import RAILS
from rowcol.settings import PREFIX, Settings


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


def defaults(module: str, name: str) -> str:
    """The fields of a dataclass with their defaults."""
    return table(
        ("field", "default"),
        ((f.name, str(f.default)) for f in fields(getattr(import_module(module), name))),
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
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    return "empty" if not str(value) else f"`{value}`"


def commands() -> str:
    """Each command of `rowcol` with the first sentence of its help."""
    return table(
        ("Command", "What it does"), ((f"`rowcol {n}`", text) for n, text in cli_commands())
    )


def exit_codes() -> str:
    """What a command ends with, and which refusals end so."""
    face = import_module("rowcol.cli.face")
    for module in ("services.books", "services.pauses"):  # they have narrower refusals
        import_module(f"rowcol.{module}")
    refusals: dict[int, list[str]] = {face.Exit.NOT_DONE: ["`internal`"]}
    kinds = list(face.EXIT_OF)
    for kind in kinds:  # grows: the narrower ones follow
        kinds += [
            each
            for each in kind.__subclasses__()
            if each not in kinds and each.__module__.startswith(("rowcol.services", "rowcol.cli"))
        ]
        its = refusals.setdefault(face.exit_of_kind(kind), [])
        if f"`{kind.code}`" not in its:
            its.append(f"`{kind.code}`")
    return table(
        ("Code", "Means", "Such as", "`error.code` of `--json`"),
        (
            (str(int(code)), meaning.few_words, meaning.such_as, ", ".join(refusals.get(code, ())))
            for code, meaning in face.MEANINGS.items()
        ),
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
