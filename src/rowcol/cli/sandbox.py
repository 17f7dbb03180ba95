"""Sandbox: the emulated Plaid and QuickBooks Online on two ports, for the service and for tests by hand."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rowcol.cli import face
from rowcol.cli.demo import day_of
from rowcol.cli.face import Json
from rowcol.core.refusal import BadInput, Refusal

if TYPE_CHECKING:
    from datetime import date
    from socket import socket

    from rowcol.ports import Clock
    from rowcol.sandbox.delivery import WebhookSender
    from rowcol.sandbox.plaid.emulator import PlaidEmulator
    from rowcol.sandbox.qbo import QboEmulator
    from rowcol.sandbox.world import World
    from rowcol.simulation.workload import Client

EXAMPLES = "Examples: rowcol sandbox  |  rowcol sandbox --virtual --seed 7  |  rowcol sandbox --transactions bank.csv"

Speed = Annotated[
    float,
    typer.Option(
        "--speed", min=0.001, max=100_000, help="Emulated seconds in a real one, in webhooks too."
    ),
]
BooksPort = Annotated[
    int | None,
    typer.Option(
        "--books-port", min=0, max=face.PORT_MAX, help="Port of QuickBooks; default: --port + 1."
    ),
]
BooksWebhook = Annotated[
    str,
    typer.Option(
        "--books-webhook-url",
        help="Where QuickBooks delivers, such as http://127.0.0.1:8700/webhooks/qbo/main.",
    ),
]
Companies = Annotated[
    int, typer.Option("--companies", min=1, max=99, help="QuickBooks companies to connect.")
]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The options."""

    host: str
    port: int
    speed: float
    is_virtual: bool
    seed: int
    transactions: Path | None
    starts_on: date | None
    webhook_url: str
    books_port: int
    books_webhook_url: str
    companies: int


def sandbox(
    *,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=face.PORT_MAX, help="Port; 0 takes a free one.")
    ] = 8701,
    speed: Speed = 1.0,
    virtual: Annotated[
        bool,
        typer.Option("--virtual", help="Time stands still until POST /_control/clock/advance."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Equal seeds give equal histories.")] = 1,
    transactions: Annotated[
        Path | None,
        typer.Option(
            "--transactions",
            help="CSV: account, date, amount, [balance]; the truth of these accounts.",
        ),
    ] = None,
    starts_on: Annotated[
        str, typer.Option("--from", help="Day of the file that is now; default: its busiest weeks.")
    ] = "",
    webhook_url: Annotated[
        str, typer.Option("--webhook-url", help="Where logins of --transactions send webhooks.")
    ] = "",
    books_port: BooksPort = None,
    books_webhook_url: BooksWebhook = "",
    companies: Companies = 3,
    json: Json = False,
) -> None:
    """Run the emulators: Plaid (truth, cached balances, pulls, webhooks, limits, a bill) and QuickBooks Online with a company.

    Prints what to put into the environment of `rowcol serve`. With --transactions, also a public
    token per account. Knobs and faults: GET /_control/state on either address.
    """
    from rowcol.cli import listening
    from rowcol.cli.logs import to_stderr

    if virtual and speed != 1.0:
        raise BadInput("--virtual time does not run by itself", "leave --speed out")
    to_stderr("warning")
    chosen = _Chosen(
        host,
        port,
        speed,
        virtual,
        seed,
        transactions,
        day_of(starts_on),
        webhook_url,
        (port + 1 if port else 0) if books_port is None else books_port,
        books_webhook_url,
        companies,
    )
    listening.on_fast_loop(_sandbox(chosen, is_json=json))


async def _sandbox(chosen: _Chosen, *, is_json: bool) -> None:
    import asyncio

    from rowcol.adapters.clock import SystemClock
    from rowcol.cli import listening
    from rowcol.sandbox.clock import ManualClock
    from rowcol.sandbox.delivery import HttpWebhookSender
    from rowcol.sandbox.plaid.app import plaid_app
    from rowcol.sandbox.plaid.emulator import PlaidEmulator
    from rowcol.sandbox.plaid.switches import Switches
    from rowcol.sandbox.qbo import qbo_app
    from rowcol.sandbox.running import run_forever
    from rowcol.sandbox.world import World
    from rowcol.simulation.chance import stream

    real = SystemClock()
    world, sender = World(), HttpWebhookSender()
    clients, starts_at = _traced(chosen, real.now())
    clock: Clock = ManualClock(starts_at) if chosen.is_virtual else ScaledClock(real, chosen.speed)
    dice = stream(chosen.seed, "emulator")
    emulator = PlaidEmulator(world, clock, dice, Switches(), sender, wire_clock=real)
    names = _open(world, clients)
    made, books_made = _bound(chosen)
    addresses = listening.address_of(made), listening.address_of(books_made)
    tokens = _offers(emulator, names, chosen.webhook_url)
    books = _books(chosen, clock, sender)
    running = [asyncio.create_task(run_forever(books, clock))]
    if not chosen.is_virtual:
        running.append(asyncio.create_task(run_forever(emulator, clock)))
    try:
        async with listening.beside(qbo_app(books), books_made):
            await listening.serve(
                plaid_app(emulator),
                made,
                lambda: _announce(addresses, emulator, books, tokens, is_json=is_json),
            )
    finally:
        for task in running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await sender.aclose()


def _bound(chosen: _Chosen) -> tuple[socket, socket]:
    """Both or none."""
    from rowcol.cli import listening

    made = listening.bound(chosen.host, chosen.port)
    try:
        return made, listening.bound(chosen.host, chosen.books_port)
    except Refusal:
        made.close()
        raise


def _books(chosen: _Chosen, clock: Clock, sender: WebhookSender) -> QboEmulator:
    """Companies with some open bills and invoices."""
    from rowcol.sandbox.qbo import QboClient, QboEmulator, Switches
    from rowcol.simulation.chance import stream
    from rowcol.simulation.ledger.clerk import Clerk

    clients = {"qbo-client": QboClient(webhook_url=chosen.books_webhook_url or None)}
    dice = stream(chosen.seed, "books")
    books = QboEmulator(clock, dice, Switches(), sender, clients=clients, kept_max=10_000)
    for n in range(1, chosen.companies + 1):
        labels = ("clerk",) if n == 1 else ("clerk", n)
        company = books.add_company("Sample Company" if n == 1 else f"Sample Company {n}")
        Clerk(company.books, stream(chosen.seed, *labels)).open_the_books()
    return books


def _traced(chosen: _Chosen, now: datetime) -> tuple[tuple[Client, ...], datetime]:
    """Accounts of the file and where time begins. Real time: the file is moved by whole weeks, so that its weeks are now."""
    if chosen.transactions is None:
        return (), now
    from rowcol.simulation.traced import traced

    workload = traced(chosen.transactions, seed=chosen.seed, first=chosen.starts_on)
    if chosen.is_virtual:
        return tuple(workload.clients), workload.starts_at
    shift = timedelta(weeks=(now - workload.starts_at) // timedelta(weeks=1))
    return tuple(_moved(client, shift) for client in workload.clients), now


def _moved(client: Client, shift: timedelta) -> Client:
    postings = tuple(
        replace(
            posting,
            posted_at=posting.posted_at + shift,
            pending_since=None if posting.pending_since is None else posting.pending_since + shift,
        )
        for posting in client.postings
    )
    return replace(client, postings=postings)


def _open(world: World, clients: Sequence[Client]) -> list[str]:
    from rowcol.sandbox.world import AccountFacts

    for client in clients:
        facts = AccountFacts(client.name)
        world.open_account(client.name, facts, client.opening_minor, client.postings)
    return [client.name for client in clients]


def _offers(emulator: PlaidEmulator, names: Sequence[str], webhook_url: str) -> dict[str, str]:
    from rowcol.sandbox.plaid.catalog import REAL_INSTITUTIONS
    from rowcol.sandbox.plaid.items import LinkWish

    client_id = next(iter(emulator.clients))
    return {
        name: emulator.offer(
            LinkWish(client_id, REAL_INSTITUTIONS[0], webhook=webhook_url or None), [name]
        )
        for name in names
    }


def _announce(
    addresses: tuple[str, str],
    emulator: PlaidEmulator,
    books: QboEmulator,
    tokens: dict[str, str],
    *,
    is_json: bool,
) -> None:
    companies = {company.name: realm_id for realm_id, company in books.companies.items()}
    client_id, secret = next(iter(emulator.clients.items()))
    books_client_id, client = next(iter(books.clients.items()))
    environment = {
        "ROWCOL_PLAID__MAIN__CLIENT_ID": client_id,
        "ROWCOL_PLAID__MAIN__SECRET": secret,
        "ROWCOL_PLAID__MAIN__ENVIRONMENT": "emulated",
        "ROWCOL_PLAID__MAIN__BASE_URL": addresses[0],
        "ROWCOL_QBO__MAIN__CLIENT_ID": books_client_id,
        "ROWCOL_QBO__MAIN__SECRET": client.secret,
        "ROWCOL_QBO__MAIN__VERIFIER_TOKEN": client.verifier_token,
        "ROWCOL_QBO__MAIN__ENVIRONMENT": "emulated",
        "ROWCOL_QBO__MAIN__BASE_URL": addresses[1],
        "ROWCOL_QBO__MAIN__CDC_METERING": books.switches.cdc_metering,
    }
    if is_json:
        out = {"address": addresses[0], "books_address": addresses[1], "companies": companies}
        face.emit({**out, "environment": environment, "public_tokens": tokens})
        return
    face.say(f"The emulated Plaid listens on {addresses[0]}, QuickBooks on {addresses[1]}.")
    face.say(f"Companies to connect: {', '.join(companies)}.")
    if not client.webhook_url:
        face.say("QuickBooks sends no webhooks: --books-webhook-url says where they go.")
    face.say(
        "Plaid's Link pages: sign in at any bank as user_good with pass_good, or register people:"
    )
    face.say(f"  POST {addresses[0]}/_control/people")
    face.say("For the service:")
    for name, value in environment.items():
        face.say(f"  export {name}={value}")
    for name, token in tokens.items():
        face.say(f"  {name}: --public-token {token}  (for 30 minutes)")


class ScaledClock:
    """Real time that runs `speed` times as fast from now on."""

    def __init__(self, real: Clock, speed: float) -> None:
        self._real = real
        self._speed = speed
        self._began_at = real.now()

    def now(self) -> datetime:
        """Aware UTC."""
        return self._began_at + (self._real.now() - self._began_at) * self._speed

    async def sleep_until(self, when: datetime) -> None:
        """Return no earlier than `when`, in this clock's time."""
        await self._real.sleep_until(self._began_at + (when - self._began_at) / self._speed)
