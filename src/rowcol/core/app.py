"""App: one set of credentials at one rail and environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rowcol.core.ids import AppId

PRICED_ENVIRONMENTS = frozenset({"production", "emulated"})
"""Where calls cost something. `emulated` is our own emulator, billed as production would be and badged as emulated."""


@dataclass(frozen=True, slots=True)
class App:
    """Keys, prices and month pools hang on it. `webhook_url` is what the rail is told to deliver to, "" for none.

    `hosts`: addresses of the rail's other hosts by the names its endpoints use; one that is not
    named is at `base_url`. `callback_url`: where the rail sends a person back to after consent.
    `pool_limit`: metered calls a month, None: the rail's own default. `metering`: how the rail
    meters what it does not tell (see the rail's spec). `omits`: entities of which its lists of changes were
    found not to tell everything: they are read beside each. `name`: what settings and addresses call it,
    "" where that is its id. `urls`: whole addresses by endpoint as the rail told them today, over `hosts`.
    """

    id: AppId
    rail: str
    environment: str
    base_url: str
    keys: Mapping[str, str] = field(repr=False)
    webhook_url: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    callback_url: str = ""
    pool_limit: int | None = None
    metering: Mapping[str, str] = field(default_factory=dict)
    omits: tuple[str, ...] = ()
    name: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_priced(self) -> bool:
        """Whether its calls cost money."""
        return self.environment in PRICED_ENVIRONMENTS

    def address(self, host: str) -> str:
        """Where the host of that name is."""
        return self.hosts.get(host, self.base_url)

    def url(self, name: str, host: str, path: str) -> str:
        """The whole address of what is called `name`: where the rail told it is, else this path of that host."""
        return self.urls.get(name) or self.address(host).rstrip("/") + path
