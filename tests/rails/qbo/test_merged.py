"""Merged: after two names became one, whatever may have changed along is listed anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rowcol.core.connection import ConnectionState
from rowcol.core.rail import Look, Reading
from rowcol.rails.qbo.merged import NAMED_BY, touched
from rowcol.rails.qbo.spec import ENTITIES, NAME_LISTS
from tests.rails.qbo import kit

RAIL = kit.RAIL
LOOK = Look("cdc", {"entities": ",".join(ENTITIES), "changed_since": "2026-11-25T09:00:00+00:00"})


def read(state: ConnectionState, *groups: dict[str, Any]) -> Reading:
    return kit.reading(RAIL.read(LOOK, kit.response(kit.changes(*groups)), state))


def test_every_name_list_says_which_documents_name_it() -> None:
    assert set(NAMED_BY) == set(NAME_LISTS)
    assert all(set(entities) < set(ENTITIES) for entities in NAMED_BY.values())


def test_a_name_that_is_gone_was_merged() -> None:
    found = read(kit.state(), {"Vendor": [kit.gone(7)]})
    assert found.coverages == ()
    look = RAIL.free_look(found.state, kit.wanted(None))
    assert look is not None
    assert (look.endpoint, look.arguments["entity"]) == ("query", "Bill")
    assert '"Vendor"' not in found.state.page, "the tombstone itself told that"


@pytest.mark.parametrize("mark", ["Vendor.merged", "reading.Vendor.merged"])
def test_a_merge_that_only_a_delivery_told_lists_the_names_too(mark: str) -> None:
    assert touched((), kit.state(dirty={mark: "said"}), is_first=True)[0] == "Vendor"
    assert touched((), kit.state(dirty={mark: "said"}), is_first=False) == ()
    found = read(kit.state(dirty={mark: "said"}), {})
    look = RAIL.free_look(found.state, kit.wanted(None))
    assert look is not None
    assert look.arguments["entity"] == "Vendor"


def test_a_name_that_only_changed_lists_nothing() -> None:
    assert read(kit.state(dirty={"Vendor": "said"}), {"Vendor": [kit.row(1)]}).state.page == ""
    assert touched((), kit.state(), is_first=True) == ()


def test_a_tombstone_that_is_told_again_lists_nothing_again() -> None:
    """Within the overlap, or for weeks where it is dated in the future."""
    later = kit.gone(7, kit.NOW + timedelta(days=35))
    state, looks = kit.state(), []
    for _ in range(3):
        found = read(state, {"Vendor": [later]})
        looks.append(bool(found.state.page))
        state, _ = kit.run(kit.Company({}), found.state, kit.wanted(None))
    assert looks == [True, False, False]
    assert read(state, {"Vendor": [later, kit.gone(8)]}).state.page, "another one"
    assert "gone" not in read(state, {}).state.facts


def test_it_ends() -> None:
    """Books without a row: each listing is one page."""
    books = kit.Company({})
    found = read(kit.state(dirty={"Account.merged": "said"}), {})
    after, readings = kit.run(books, found.state, kit.wanted(None))
    assert (after.page, dict(after.dirty)) == ("", {})
    assert readings[-1].coverages
