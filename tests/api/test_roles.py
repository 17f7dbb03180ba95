"""Roles: each may all that the one before may."""

from itertools import combinations

from rowcol.api.roles import Role
from rowcol.services.tokens import ROLES


def test_roles_are_in_order() -> None:
    for lesser, greater in combinations(Role, 2):
        assert greater.covers(lesser)
        assert not lesser.covers(greater)
        assert lesser.covers(lesser)


def test_tokens_know_the_same_roles() -> None:
    assert tuple(role.value for role in Role) == ROLES
