"""Chance: streams are independent of each other and of the order in which they are made."""

from __future__ import annotations

from statistics import mean

import pytest

from rowcol.simulation.chance import normal, poisson, stream


def test_equal_labels_roll_the_same() -> None:
    one = [stream(1, "a", 2).random() for _ in range(2)]
    assert one[0] == one[1]
    assert stream(1, "a", 2).random() != stream(1, "a", 3).random() != stream(2, "a", 3).random()


@pytest.mark.parametrize("expected", [0.0, 0.3, 4.0])
def test_poisson_has_its_mean(expected: float) -> None:
    dice = stream(1, expected)
    assert mean(poisson(dice, expected) for _ in range(20_000)) == pytest.approx(expected, rel=0.05)


def test_normal_is_centred() -> None:
    dice = stream(1)
    assert mean(normal(dice) for _ in range(20_000)) == pytest.approx(0, abs=0.03)
