"""Dice by name: equal seeds and labels give equal draws, whatever was drawn before."""

from __future__ import annotations

from statistics import mean, median

from rowcol.sandbox.dice import Dice
from tests.sandbox.rig import SeedBits


def test_draws_depend_on_seed_and_labels_only() -> None:
    one, same, other = Dice(SeedBits(1)), Dice(SeedBits(1)), Dice(SeedBits(2))
    one.unit("something else")
    assert one.ident("a", 1) == same.ident("a", 1)
    assert one.ident("a", 1) != one.ident("a", 2)
    assert one.unit("a") != other.unit("a")
    assert one.guid("a") == same.guid("a")


def test_shares_and_tails() -> None:
    dice = Dice(SeedBits(3))
    units = [dice.unit(n) for n in range(4_000)]
    assert min(units) >= 0
    assert max(units) < 1
    assert abs(mean(units) - 0.5) < 0.02
    assert abs(mean(dice.chance(0.1, n) for n in range(4_000)) - 0.1) < 0.02
    assert not dice.chance(0, "never")
    assert abs(median(dice.exponential_s(120, n) for n in range(4_000)) - 120) < 10
    latencies_s = sorted(dice.lognormal_s(3, 11, n) for n in range(4_000))
    assert abs(latencies_s[2_000] - 3) < 0.3
    assert abs(latencies_s[3_800] - 11) < 1.5


def test_looks() -> None:
    dice = Dice(SeedBits(4))
    assert len(dice.ident("x")) == 37
    assert dice.ident("x").isalnum()
    assert [len(part) for part in dice.guid("x").split("-")] == [8, 4, 4, 4, 12]
