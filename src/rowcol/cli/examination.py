"""Examination: the checks behind `rowcol doctor`. Each gives findings; one that fails does not hide the next."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rowcol.cli.account_findings import about_accounts
from rowcol.cli.database_findings import about_file, about_space
from rowcol.cli.findings import SHOWN_MAX, Finding, about_logins, about_unmatched
from rowcol.core.clock_back import is_after
from rowcol.core.pause import resume_of, switch_of_login
from rowcol.core.rail import CONSENT
from rowcol.core.refusal import Refusal
from rowcol.core.secret import redacted
from rowcol.engine.unstored import UNSTORED

if TYPE_CHECKING:
    from rowcol.core.app import App
    from rowcol.core.delivery import Listed
    from rowcol.core.ids import ConnectionId
    from rowcol.core.rail import RailSpec
    from rowcol.core.records import Firm
    from rowcol.ports import FullStore
    from rowcol.settings import Settings

OLDEST_CLOCK = datetime(2026, 1, 1, tzinfo=UTC)
OVERDUE = timedelta(minutes=5)
SKEW_MAX = timedelta(minutes=2)
SERVICE_S, BYTES_MAX = 1.0, 10_000


async def examine() -> list[Finding]:
    """Everything, as far as it can be looked at."""
    from rowcol.cli.logs import to_stderr
    from rowcol.settings import WrongSettings, load, settings_file

    to_stderr("error")
    file = settings_file()
    findings = [_file(file)] if file is None or file.is_file() else []
    try:
        settings = load()
    except WrongSettings as error:
        findings += [
            Finding(f"setting {m.variable}", "wrong", m.message, m.what_to_do)
            for m in error.mistakes
        ]
        return findings
    findings.append(Finding("settings", "ok", "every setting can be read"))
    findings += _keys(settings)
    findings += _apps(settings)
    findings.append(_public_url(settings))
    findings.append(_clock())
    service = list(_service(settings))
    findings += service
    is_served = any(f.verdict == "ok" for f in service)
    findings += [finding async for finding in _database(settings, is_served=is_served)]
    return [replace(f, text=redacted(f.text), what_to_do=redacted(f.what_to_do)) for f in findings]


def _file(path: Path | None) -> Finding:
    if path is None:
        return Finding(
            "settings file", "note", "none: environment variables only", "`rowcol init` makes one"
        )
    return Finding("settings file", "ok", str(path))


def _keys(settings: Settings) -> Iterator[Finding]:
    from rowcol.adapters.vault import FernetVault
    from rowcol.bootstrap import KEY_FILE, secret_keys

    path = settings.data_dir / KEY_FILE
    try:
        keys = secret_keys(settings)
        FernetVault(keys)
    except Refusal as error:
        yield Finding("secret keys", "wrong", error.message, error.what_to_do)
        return
    where = "ROWCOL_SECRET_KEYS" if settings.secret_keys else str(path)
    yield Finding("secret keys", "ok", f"{len(keys)} from {where}")
    if not settings.secret_keys and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("secret keys", "wrong", f"others may read {path}", f"chmod 600 {path}")


def _apps(settings: Settings) -> Iterator[Finding]:
    from rowcol.bootstrap import apps_of
    from rowcol.rails.registry import RAILS

    try:
        apps = apps_of(settings)
    except Refusal as error:
        yield Finding("apps", "wrong", error.message, error.what_to_do)
        return
    if not apps:
        yield Finding(
            "apps",
            "wrong",
            "no rail is configured",
            "put client_id and secret (Plaid dashboard > Developers > Keys) under [plaid.main], those of "
            "QuickBooks Online under [qbo.main], or set ROWCOL_PLAID__MAIN__CLIENT_ID and the like",
        )
    for app in apps:
        yield from about_app(app, RAILS[app.rail].spec)


def about_app(app: App, spec: RailSpec) -> Iterator[Finding]:
    """One set of keys: where it delivers to, where people come back to, and what is only assumed of it."""
    about = f"app {app.id}"
    hook = app.webhook_url or "no webhook address, as there is no public URL"
    yield Finding(about, "ok", f"{app.rail} {app.environment}; {hook}")
    if not app.keys.get("verifier_token", "-"):
        yield Finding(
            f"webhooks of {app.id}",
            "note",
            "no verifier token: no webhook is believed, sweeps only",
            f"set {_variable(app, 'verifier_token')} from the portal's Webhooks page",
        )
    if CONSENT in spec.hosts:
        yield _way_back(app)
    if spec.pool is not None:
        counted = ", ".join(f"{what} by {how}" for what, how in sorted(app.metering.items()))
        limit = spec.pool.limit if app.pool_limit is None else app.pool_limit
        omits = ", ".join(app.omits) or "nothing"
        yield Finding(
            f"metered calls of {app.id}",
            "note",
            f"{limit:,} a month; assumed, until compared: {counted or 'one by call'}; that lists of changes omit {omits}",
            f"compare `rowcol cost` with the portal's Analytics; then {_variable(app, 'cdc_metering')}"
            f" and {_variable(app, 'cdc_omits')} are assumptions no more",
        )
    assumed = [p.item for p in spec.prices if p.is_assumed]
    if assumed and app.is_priced:
        yield Finding(
            f"prices of {app.rail}",
            "note",
            f"assumed, no invoice seen: {', '.join(sorted(set(assumed)))}",
            "`rowcol firm set --price ... --price-source ...` from your contract",
        )


def _way_back(app: App) -> Finding:
    """Where the rail's consent screen sends people; a production app may not name an address of this machine."""
    about = f"redirect address of {app.id}"
    if app.environment == "production" and not app.callback_url.startswith("https://"):
        return Finding(
            about,
            "wrong",
            f"{app.callback_url}: production apps send people back to https only",
            "set ROWCOL_PUBLIC_URL to where browsers reach this service, with https://",
        )
    return Finding(
        about, "ok", f"{app.callback_url}; it has to be among the portal's Redirect URIs"
    )


def _variable(app: App, name: str) -> str:
    return f"ROWCOL_{app.rail}__{app.name}__{name}".upper()


def _public_url(settings: Settings) -> Finding:
    if not settings.public_url:
        return Finding(
            "public URL",
            "note",
            "none: no webhooks, only sweeps",
            "set ROWCOL_PUBLIC_URL to where rails reach this service",
        )
    parts = urlsplit(settings.public_url)
    keys = (*settings.plaid.values(), *settings.qbo.values())
    if parts.scheme != "https" and any(k.environment == "production" for k in keys):
        return Finding(
            "public URL", "wrong", "production rails deliver to https only", "use https://"
        )
    return Finding("public URL", "ok", settings.public_url)


def _clock() -> Finding:
    from rowcol.adapters.clock import SystemClock

    now = SystemClock().now()
    if now < OLDEST_CLOCK:
        return Finding("clock", "wrong", f"it says {now:%Y-%m-%d}", "set this machine's clock")
    return Finding(
        "clock", "ok", f"{now:%Y-%m-%d %H:%M:%S} UTC; compare it, webhooks may be 5 minutes old"
    )


async def _database(settings: Settings, *, is_served: bool = False) -> AsyncIterator[Finding]:
    from rowcol.adapters.sql import schema
    from rowcol.bootstrap import DATABASE_FILE, need_database, open_store

    path = settings.data_dir / DATABASE_FILE
    url = settings.database_url or f"sqlite:///{path.absolute()}"
    try:
        need_database(settings)
        if not settings.database_url:
            for finding in about_file(path, is_served=is_served):
                yield finding
        state = schema.check(url, schema=settings.database_schema or None)
        if state is not schema.SchemaState.CURRENT:
            schema.insist(state)
        store = await open_store(settings)
    except Refusal as error:
        yield Finding("database", "wrong", error.message, error.what_to_do)
        return
    try:
        yield Finding("database", "ok", "the tables fit this release")
        yield await about_space(store)
        locked: set[ConnectionId] = set()
        sealed = [finding async for finding in _sealed(store, settings, locked)]
        async for finding in _content(store, locked):
            yield finding
        for finding in sealed:
            yield finding
    except Refusal as error:
        yield Finding("database", "wrong", error.message, error.what_to_do)
    finally:
        await store.close()


async def _sealed(
    store: FullStore, settings: Settings, found: set[ConnectionId]
) -> AsyncIterator[Finding]:
    """Whether the keys open the logins: each one is tried, free. `found` is told those that they do not open."""
    from rowcol.adapters.vault import FernetVault, new_key, sealed_at
    from rowcol.bootstrap import secret_keys
    from rowcol.services.sealing import is_locked, restore_of, sealed

    try:
        vault = FernetVault(secret_keys(settings))
    except Refusal:
        vault = FernetVault([new_key()])  # opens nothing; what is the matter was told
    count, locked = 0, []
    for firm in await store.list_firms():
        async for view in sealed(store, firm.id):
            count += 1
            if is_locked(vault, view):
                locked.append(view)
                found.add(view.connection.id)
    if not locked:
        yield Finding("sealed logins", "ok", f"the secret keys open all {count}")
        return
    at = max(filter(None, (sealed_at(v.token) for v in locked if v.token)), default=None)
    dated = "" if at is None else f"; the newest was sealed on {at:%Y-%m-%d}"
    names = ", ".join(f"{v.connection.label} ({v.connection.id})" for v in locked[:SHOWN_MAX])
    more = f" and {len(locked) - SHOWN_MAX} more" if len(locked) > SHOWN_MAX else ""
    yield Finding(
        "sealed logins",
        "wrong",
        f"the secret keys do not open {len(locked)} of the {count} logins sealed in this database{dated}: {names}{more}",
        restore_of(at),
    )


def _service(settings: Settings) -> Iterator[Finding]:
    """What the running service says of itself, if it listens where the settings say: some of it is in its memory only."""
    from rowcol.services.sealing import NOT_OPENED

    asked = HTTPConnection(settings.host, settings.port, timeout=SERVICE_S)
    try:
        asked.request("GET", "/readyz")
        answer = asked.getresponse()
        reason = str(json.loads(answer.read(BYTES_MAX))["reason"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return
    finally:
        asked.close()
    if answer.status != HTTPStatus.OK:
        yield Finding(
            "service", "wrong", reason, "its log says what to do, as the findings here do"
        )
    elif reason.startswith(NOT_OPENED):
        yield Finding(
            "service", "wrong", reason, "see its log; restart it, once the keys are right"
        )
    elif reason.startswith(
        UNSTORED
    ):  # what else is said with a 200, the clock, has a note of its own
        yield Finding(
            "service",
            "wrong",
            reason,
            "let it run; free its disk if that is full; its log says whose",
        )
    else:
        yield Finding("service", "ok", f"it answers at {settings.host}:{settings.port}")


def _last(firm: str, row: Listed | None) -> Finding:
    about = f"last webhook of {firm}"
    if row is None:
        return Finding(about, "note", "none yet")
    if row.signed_at is not None and abs(row.received_at - row.signed_at) > SKEW_MAX:
        apart = abs(row.received_at - row.signed_at).total_seconds()
        return Finding(
            about, "wrong", f"signed {apart:.0f} s apart from our clock", "set this machine's clock"
        )
    return Finding(about, "ok", f"{row.received_at:%Y-%m-%d %H:%M} UTC")


async def _about_firm(
    store: FullStore, firm: Firm, now: datetime, locked: Collection[ConnectionId]
) -> AsyncIterator[Finding]:
    """Its tokens, what came for it, its logins and their accounts."""
    if not any(t.revoked_at is None for t in await store.list_tokens(firm.id)):
        yield Finding(
            f"tokens of {firm.name}", "note", "no live token", "`rowcol token create LABEL`"
        )
    latest = await store.list_deliveries(firm.id, limit=1)
    yield _last(firm.name, latest[0] if latest else None)
    async for finding in about_logins(store, firm, now, locked):
        yield finding
    async for finding in about_accounts(store, firm):
        yield finding


async def _content(
    store: FullStore, locked: Collection[ConnectionId] = ()
) -> AsyncIterator[Finding]:
    from rowcol.adapters.clock import SystemClock

    newest, now = await store.newest_stamp(), SystemClock().now()
    if newest is not None and is_after(newest, now):
        yield Finding(
            "clock",
            "note",
            f"it went back: the newest stamp here, {newest:%Y-%m-%d %H:%M} UTC, is {(newest - now).total_seconds():.0f} s ahead",
            "compare this machine's clock; nothing is taken for fresh that was stamped after now",
        )
    firms = await store.list_firms()
    if not firms:
        yield Finding("firms", "wrong", "there is none", "run `rowcol init`")
        return
    yield Finding("firms", "ok", ", ".join(f.name for f in firms[:5]))
    for firm in firms:
        async for finding in _about_firm(store, firm, SystemClock().now(), locked):
            yield finding
    async for finding in about_unmatched(store):
        yield finding
    switches = await store.read_switches()
    for name in (n for n in switches if not n.startswith(switch_of_login(""))):  # told with it
        yield Finding(name, "note", f"paused: {switches[name]}", f"`{resume_of(name)}`")
    due_at = await store.next_due_at()
    late = timedelta(0) if due_at is None else SystemClock().now() - due_at
    if late >= OVERDUE:
        minutes = late.total_seconds() / 60
        yield Finding(
            "runner",
            "wrong",
            f"work has been due for {minutes:.0f} min",
            "is `rowcol serve` running?",
        )
    else:
        yield Finding("runner", "ok", "no work is overdue")
