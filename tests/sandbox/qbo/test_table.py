"""The table: its index agrees with a naive scan, for any history."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rowcol.sandbox.qbo.table import Table

STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 300)), max_size=300)


@given(STEPS, st.integers(0, 300), st.booleans())
def test_changes_are_those_since(
    steps: list[tuple[bool, int, int]], since: int, is_inclusive: bool
) -> None:
    table = Table()
    live: dict[str, int] = {}
    dead: list[tuple[str, int]] = []
    for n, (is_put, number, stamp) in enumerate(steps):
        row_id = str(number)
        if is_put:
            table.put(row_id, {"n": n}, stamp)
            live[row_id] = stamp
        elif row_id in live:
            table.bury(row_id, stamp)
            del live[row_id]
            dead.append((row_id, stamp))
    least = since if is_inclusive else since + 1
    found = [row.stamp for row in table.changed(since, is_inclusive=is_inclusive)]
    assert found == sorted(stamp for stamp in live.values() if stamp >= least)
    buried = table.buried(since, is_inclusive=is_inclusive)
    assert sorted(buried) == sorted(one for one in dead if one[1] >= least)


def test_a_derived_change_keeps_the_edit() -> None:
    table = Table()
    table.put("1", {}, 5)
    table.put("1", {}, 9, is_edit=False)
    assert (table.live["1"].stamp, table.live["1"].edited) == (9, 5)


def test_a_grave_may_be_secret() -> None:
    table = Table()
    for row_id in ("1", "2"):
        table.put(row_id, {}, 10)
        table.bury(row_id, 20, is_told=row_id == "1")
    assert table.buried(0, is_inclusive=True) == [("1", 20)]
    assert table.dead == {"1": 20, "2": 20}
