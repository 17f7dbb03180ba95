"""Roles: who may what. A principal is a firm and a role; each operation has its least role in `operations`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rowcol.core.ids import FirmId


class Role(StrEnum):
    """What a token may do; each may do all that the one before may."""

    VIEWER = "viewer"
    ADVISOR = "advisor"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, least: Role) -> bool:
        """Whether this role is `least` or more."""
        return _RANKS[self] >= _RANKS[least]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `name` is the token's label or the host's word for the person."""

    firm: FirmId
    role: Role
    name: str = ""
