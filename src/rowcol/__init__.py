"""RowCol's integration plane: what an accounting firm knows of its clients' money, with proof of its age.

The public names are here; each is imported when it is first used, so that importing `rowcol` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Plane": "rowcol.bootstrap",
    "Settings": "rowcol.settings",
    "IntegrationService": "rowcol.services.integration",
    "CacheService": "rowcol.services.cache",
    "Purpose": "rowcol.core.need",
}
__all__ = ["CacheService", "IntegrationService", "Plane", "Purpose", "Settings", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'rowcol' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
