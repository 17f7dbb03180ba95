"""The open plane: everything that runs, joined. `bootstrap.Plane.open` makes one; the services below take it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from rowcol.core.app import App
from rowcol.core.ids import AppId, FirmId
from rowcol.core.rail import Rail
from rowcol.core.records import Firm
from rowcol.core.refusal import Misconfigured, NotFound
from rowcol.engine.answer import Answerer
from rowcol.engine.books import Bookkeeper
from rowcol.engine.decisions import DecisionLog
from rowcol.engine.gateway import Gateway
from rowcol.engine.inbox import Inbox
from rowcol.engine.preferences import Preferences
from rowcol.engine.renewal import Renewer
from rowcol.engine.runner import Runner
from rowcol.ports import Clock, Doorbell, FullStore, Rng, Vault
from rowcol.services.hot import HotAnswers


@dataclass(slots=True)
class OpenPlane:
    """A running integration plane. Parts are public for those who embed; nobody else reaches around them."""

    rails: Mapping[str, Rail]
    apps: Mapping[AppId, App]
    store: FullStore
    clock: Clock
    rng: Rng
    vault: Vault
    doorbell: Doorbell
    preferences: Preferences
    gateway: Gateway
    renewer: Renewer
    inbox: Inbox
    answerer: Answerer
    bookkeeper: Bookkeeper
    runner: Runner
    decisions: DecisionLog
    hot: HotAnswers
    default_firm: FirmId | None = None
    locked: int = 0
    """Logins that none of the keys opened at the start."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def firm(self, firm: FirmId | None = None) -> FirmId:
        """The firm named, or the only one there is. Raise `Misconfigured` when that is not clear."""
        if firm is not None:
            return firm
        if self.default_firm is None:
            firms = await self.store.list_firms()
            self.default_firm = _only(firms)
        return self.default_firm

    def app_of(self, rail: str, app: AppId | None = None) -> App:
        """The app named, or the only one of a rail. Raise `Misconfigured` when there is none."""
        found = [
            a for a in self.apps.values() if a.rail == rail and app in (None, a.id, a.name or a.id)
        ]
        if len(found) != 1:
            known = sorted(a.name or a.id for a in self.apps.values() if a.rail == rail)
            if app is not None and known:
                raise NotFound(
                    f"there is no app {app!r} for {rail}", f"there is: {', '.join(known)}"
                )
            what = "no app is" if not found else f"{len(found)} apps are"
            raise Misconfigured(
                f"{what} configured for {rail}",
                f"set ROWCOL_{rail.upper()}__MAIN__CLIENT_ID and __SECRET, or [{rail}.main] in rowcol.toml"
                if not found
                else f"name one: {', '.join(sorted(a.id for a in found))}",
            )
        return found[0]


def _only(firms: tuple[Firm, ...]) -> FirmId:
    if len(firms) != 1:
        raise Misconfigured(
            "there is no firm yet" if not firms else f"there are {len(firms)} firms: say which",
            "run `rowcol init`" if not firms else "pass firm=, or --firm on the command line",
        )
    return firms[0].id
