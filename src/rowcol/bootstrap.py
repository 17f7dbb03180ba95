"""Bootstrap: the one place where strangers meet. `Plane.open` joins settings, adapters, engine and services."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from rowcol.adapters.chance import SystemRng
from rowcol.adapters.clock import SystemClock
from rowcol.adapters.doorbell import LocalDoorbell
from rowcol.adapters.vault import FernetVault
from rowcol.core.app import App
from rowcol.core.ids import FirmId
from rowcol.core.money import MICROS_PER_USD, Cost
from rowcol.core.rail import Rail
from rowcol.core.refusal import Misconfigured
from rowcol.engine.ambient import Ambient
from rowcol.engine.answer import Answerer
from rowcol.engine.books import Bookkeeper
from rowcol.engine.decisions import DecisionLog
from rowcol.engine.gateway import Gateway
from rowcol.engine.inbox import Inbox
from rowcol.engine.preferences import Preferences
from rowcol.engine.reconcile import Reconciler
from rowcol.engine.renewal import Renewer
from rowcol.engine.runner import STOP_MAX, Runner
from rowcol.engine.upkeep import Upkeep
from rowcol.keys import PlaidKeys, QboKeys, app_id_of
from rowcol.rails.registry import RAILS
from rowcol.services import sealing, sessions
from rowcol.services.hot import HotAnswers
from rowcol.services.plane import OpenPlane
from rowcol.settings import Settings, load

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from rowcol.ports import Clock, Doorbell, FullStore, Rng, Transport, Vault

DATABASE_FILE = "rowcol.db"
KEY_FILE = "rowcol.key"
TOKENS_MIN = timedelta(seconds=20)
"""For tokens that the store did not take yet, also where the rest took all of the grace."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Strangers that a caller brings instead of the usual ones: simulations, tests and hosts.

    `clock`: leases go by it too, so it has to be one for all who share the store.
    """

    store: FullStore | None = None
    clock: Clock | None = None
    rng: Rng | None = None
    transport: Transport | None = None
    vault: Vault | None = None
    rails: Mapping[str, Rail] | None = None
    apps: tuple[App, ...] | None = None
    engine: AsyncEngine | None = None


class Plane:
    """The integration plane."""

    @staticmethod
    @asynccontextmanager
    async def open(
        settings: Settings | None = None,
        *,
        engine: AsyncEngine | None = None,
        parts: Parts | None = None,
        firm: FirmId | str | None = None,
        run: bool = True,
        may_be_new: bool = False,
    ) -> AsyncIterator[OpenPlane]:
        """Open a plane on the running event loop and close it gracefully.

        `engine`: the host's own async engine (its schema is checked, not upgraded). `run=False`
        starts no runner: deliveries and reads are still taken in, another process does the work, or
        whoever calls `runner.start(only=business)` that of one business. It is stopped here either way.
        `may_be_new`: make the embedded file where there is none, for a host's first start and nothing else.
        Raises `Misconfigured` with what to do.
        """
        settings = load() if settings is None else settings
        given = parts or Parts()
        if given.store is None and (engine or given.engine) is None:
            need_database(settings, may_be_new=may_be_new)
        closing = contextlib.AsyncExitStack()
        try:
            plane = await _join(settings, given, engine or given.engine, closing)
            if run:
                plane.locked = await sealing.tell_locked(plane.vault, plane.store)
        except BaseException:
            await closing.aclose()
            raise
        plane.default_firm = None if firm is None else FirmId(firm)
        plane.tasks.append(asyncio.create_task(plane.decisions.run(), name="decisions"))
        finishing: asyncio.Task[None] | None = None
        if run:
            plane.runner.start()
            finishing = asyncio.create_task(sessions.run(plane), name="sessions")
        try:
            yield plane
        finally:
            if finishing is not None:
                await _cancelled(finishing)  # what it has begun goes on, and is waited for below
            await _close(plane, closing)


async def _close(plane: OpenPlane, closing: contextlib.AsyncExitStack) -> None:
    """Each step is made whatever the one before it raised: the last one in comes first."""
    begun_at = plane.clock.now()

    async def store_tokens() -> None:
        """In what is left of the grace."""
        left = STOP_MAX - (plane.clock.now() - begun_at)
        await plane.renewer.unstored.finish(max(left, TOKENS_MIN))

    async with closing as steps:
        steps.push_async_callback(plane.decisions.finish)
        for task in plane.tasks:
            steps.push_async_callback(_cancelled, task)
        steps.push_async_callback(plane.inbox.drain)
        steps.push_async_callback(store_tokens)
        steps.push_async_callback(plane.renewer.unbroken.finish, STOP_MAX)
        steps.push_async_callback(plane.runner.stop)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _join(
    settings: Settings,
    given: Parts,
    engine: AsyncEngine | None,
    closing: contextlib.AsyncExitStack,
) -> OpenPlane:
    """Every part in its place; what has to be closed is pushed on `closing`."""
    clock = given.clock or SystemClock()
    rng = given.rng or SystemRng()
    doorbell: Doorbell = LocalDoorbell(clock)
    vault = given.vault or FernetVault(secret_keys(settings))
    apps = {app.id: app for app in (given.apps if given.apps is not None else apps_of(settings))}
    store, transport = await _outside(settings, given, engine, clock, closing)
    rails = given.rails or RAILS
    preferences = Preferences(
        store, clock, settings.policy, Cost(settings.budget_usd_month * MICROS_PER_USD)
    )
    ambient = Ambient(clock, rng, doorbell, preferences)
    gateway = Gateway(rails, apps, store, transport, vault, ambient)
    decisions = DecisionLog(store, clock, rng)
    inbox = Inbox(rails, store, gateway, ambient, settings.inbox_queue)
    renewer = Renewer(rails, store, gateway, vault, ambient)
    reconciler = Reconciler(rails, store, gateway, renewer, ambient)
    answerer = Answerer(rails, store, gateway, decisions, ambient)
    bookkeeper = Bookkeeper(rails, store, gateway, decisions, ambient)
    owner = f"{socket.gethostname()}:{os.getpid()}:{rng.new_id('run')}"
    retention = timedelta(days=settings.retention_days) if settings.retention_days else None
    runner = Runner(
        store,
        reconciler,
        Upkeep(store, clock, retention),
        ambient,
        owner=owner,
        concurrency=settings.concurrency,
    )
    return OpenPlane(
        rails=rails,
        apps=apps,
        store=store,
        clock=clock,
        rng=rng,
        doorbell=doorbell,
        vault=vault,
        preferences=preferences,
        gateway=gateway,
        renewer=renewer,
        inbox=inbox,
        answerer=answerer,
        bookkeeper=bookkeeper,
        runner=runner,
        decisions=decisions,
        hot=HotAnswers(),
    )


async def _outside(
    settings: Settings,
    given: Parts,
    engine: AsyncEngine | None,
    clock: Clock,
    closing: contextlib.AsyncExitStack,
) -> tuple[FullStore, Transport]:
    """Store and wire, the caller's or our own."""
    store, transport = given.store, given.transport
    if store is None:
        store = await open_store(settings, engine, given.clock)
        closing.push_async_callback(store.close)
    if transport is None:
        from rowcol.adapters.http import HttpTransport

        opened = HttpTransport(clock)
        closing.push_async_callback(opened.close)
        transport = opened
    return store, transport


async def open_store(
    settings: Settings, engine: AsyncEngine | None = None, clock: Clock | None = None
) -> FullStore:
    """The store that settings name. The embedded file is upgraded; anything else is only checked.

    `clock`: what leases go by. None: the database's own, which all its hosts share; for a file, this machine's.
    """
    from rowcol.adapters import sql

    schema = settings.database_schema or None
    if engine is not None:
        return await sql.open_engine(engine, schema=schema, clock=clock)
    if settings.database_url:
        return await sql.open_url(settings.database_url, schema=schema, clock=clock)
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"the folder {settings.data_dir} cannot be made: {error.strerror}",
            "set ROWCOL_DATA_DIR to a folder that this user may write",
        ) from error
    need_database(settings, may_be_new=True)
    path = settings.data_dir / DATABASE_FILE
    return await sql.open_sqlite(path, clock=clock or SystemClock())


NO_DATABASE = (
    "is ROWCOL_DATA_DIR the right folder, and its disk mounted? Then restore a backup; a new firm begins with"
    " `rowcol init`, a host's own with `Plane.open(may_be_new=True)`, once"
)


def need_database(settings: Settings, *, may_be_new: bool = False) -> None:
    """Raise `Misconfigured` where the embedded file is missing or empty: one made anew would take a firm's webhooks in as
    nobody's. `may_be_new`: only beside files that show that there was one, the key or SQLite's log."""
    from rowcol.adapters.files import SIDES, size_of

    path = settings.data_dir / DATABASE_FILE
    if settings.database_url:
        return
    if path.is_dir():
        raise Misconfigured(f"{path} is a folder, no database", "move it away and restore a backup")
    if size_of(path):
        return
    names = (KEY_FILE, *(f"{DATABASE_FILE}{end}" for end in SIDES))
    left = [name for name in names if size_of(settings.data_dir / name)]
    what = f"{path} is empty" if path.exists() else f"{path} does not exist"
    if left:
        beside, lie = " and ".join(left), "lies" if len(left) == 1 else "lie"
        log = " and ".join(name for name in left if name != KEY_FILE)
        raise Misconfigured(
            f"{what}; {beside} {lie} beside it, so there was a database",
            f"stop every process, {f'move {log} away, ' if log else ''}put a backup in its place (docs/operations.md, Back up);"
            f" if there never was a database, move {beside} away and run `rowcol init`",
        )
    if not may_be_new:
        raise Misconfigured(what, NO_DATABASE)


def secret_keys(settings: Settings) -> tuple[str, ...]:
    """The Fernet keys, newest first. Raise `Misconfigured` when there is none."""
    if settings.secret_keys:
        return tuple(key.get_secret_value() for key in settings.secret_keys)
    path = settings.data_dir / KEY_FILE
    try:
        keys = tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
    except FileNotFoundError:
        keys = ()
    except UnicodeDecodeError:
        raise Misconfigured(
            f"{path} is no key file: it is not text",
            "restore it from your backup (docs/operations.md)",
        ) from None
    except OSError as error:
        raise Misconfigured(
            f"the key file {path} cannot be read", "make it readable for this user (mode 0600)"
        ) from error
    if not keys:
        raise Misconfigured(
            f"no secret key: {path} is missing, or empty",
            "restore it from your backup, or set ROWCOL_SECRET_KEYS; where nothing was ever set up, run `rowcol init`",
        )
    return keys


def apps_of(settings: Settings) -> tuple[App, ...]:
    """The apps that settings name. Raise `Misconfigured` where two of them would have one id."""
    plaid = [_app(settings, "plaid", name, keys) for name, keys in settings.plaid.items()]
    found = (*plaid, *(_qbo_app(settings, name, keys) for name, keys in settings.qbo.items()))
    by_id: dict[str, App] = {}
    for app in found:
        first = by_id.setdefault(app.id, app)
        if first is not app:
            raise Misconfigured(
                f"[{first.rail}.{first.name}] and [{app.rail}.{app.name}] would both be the app {app.id!r}",
                "give one of the two another name",
            )
    return found


def _qbo_app(settings: Settings, name: str, keys: QboKeys) -> App:
    app = _app(settings, "qbo", name, keys)
    return replace(
        app,
        keys={**app.keys, "verifier_token": keys.verifier_token.get_secret_value()},
        callback_url=f"{reached_at(settings)}/oauth/qbo/callback",
        pool_limit=keys.monthly_calls,
        metering={"cdc": keys.cdc_metering},
        omits=keys.cdc_omits,
    )


def reached_at(settings: Settings) -> str:
    """Where a person's browser reaches this service: the public address, else this machine's own."""
    return settings.public_url.rstrip("/") or f"http://localhost:{settings.port}"


def _app(settings: Settings, rail: str, name: str, keys: PlaidKeys | QboKeys) -> App:
    spec = RAILS[rail].spec
    base_url = keys.base_url or spec.base_urls.get(keys.environment, "")
    if not base_url:
        raise Misconfigured(
            f"ROWCOL_{rail.upper()}__{name.upper()}__BASE_URL is empty",
            "the environment `emulated` needs the emulator's address, such as http://127.0.0.1:8701",
        )
    public_url = settings.public_url.rstrip("/")
    webhook_url = f"{public_url}/webhooks/{rail}/{name}" if public_url else ""
    hosts = {
        host: urls[keys.environment]
        for host, urls in spec.hosts.items()
        if not keys.base_url and keys.environment in urls
    }
    secrets = {"client_id": keys.client_id, "secret": keys.secret.get_secret_value()}
    app_id = app_id_of(rail, name)
    return App(app_id, rail, keys.environment, base_url, secrets, webhook_url, hosts, name=name)
