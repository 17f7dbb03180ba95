"""Prepared: the same object for the same question, values in the order of the text, no statement per length of a list."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Select, bindparam, literal, select

from rowcol.adapters.sql.prepared import filled, listed, prepared
from rowcol.adapters.sql.tables import Tables, tables


@prepared
def named(t: Tables, count: int) -> Select[Any]:
    f = t.firms.c
    return select(f.id, literal("x").label("kind")).where(
        f.name == bindparam("name"), f.id.in_(listed(count))
    )


def test_one_is_kept_for_each_place_and_count() -> None:
    assert named(tables(), 2) is named(tables(), 2)
    assert named(tables(), 2) is not named(tables(), 4)
    assert named(tables(is_postgres=True), 2).text == ""


def test_values_are_put_in_the_order_of_the_text() -> None:
    statement = named(tables(), 2)
    assert statement.text.count("?") == 4
    given = {"name": "n", **filled(["a", "b"])}
    assert statement.arguments(given) == ["x", "n", "a", "b"]
    with pytest.raises(KeyError):
        statement.arguments({"name": "n"})


def test_rows_have_their_columns_names() -> None:
    row = named(tables(), 1).make_row(("f1", "x"))
    assert (row.id, row.kind) == ("f1", "x")


@pytest.mark.parametrize(("count", "places"), [(1, 1), (2, 2), (3, 4), (5, 8), (256, 256)])
def test_a_list_is_filled_to_a_power_of_two(count: int, places: int) -> None:
    values = [f"v{n}" for n in range(count)]
    out = filled(values)
    assert list(out) == [f"k{n}" for n in range(places)]
    assert set(out.values()) == set(values)


def test_a_list_that_would_grow_the_text_is_a_mistake() -> None:
    @prepared
    def growing(t: Tables) -> Select[Any]:
        return select(t.firms.c.id).where(t.firms.c.id.in_(["a", "b"]))

    with pytest.raises(AssertionError, match="listed"):
        growing(tables())
