"""App: one set of credentials at one rail and environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rowcol.core.ids import AppId

PRICED_ENVIRONMENTS = frozenset({"production", "emulated"})
"""Where calls cost something. `emulated` is our own emulator, billed as production would be and badged as emulated."""


@dataclass(frozen=True, slots=True)
class App:
    """Keys, prices and month pools hang on it. `webhook_url` is what the rail is told to deliver to, "" for none."""

    id: AppId
    rail: str
    environment: str
    base_url: str
    keys: Mapping[str, str] = field(repr=False)
    webhook_url: str = ""

    @property
    def is_priced(self) -> bool:
        """Whether its calls cost money."""
        return self.environment in PRICED_ENVIRONMENTS
