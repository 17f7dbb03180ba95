"""Chance: the dice of a simulation, one independent stream for each label. The only place here that makes a generator."""

from __future__ import annotations

from random import Random  # noqa: TID251 - seeded streams of a simulation; nothing else is drawn here

__all__ = ["Random", "normal", "poisson", "stream"]


def stream(seed: int, *labels: object) -> Random:
    """Dice for one purpose: equal seeds and labels roll the same, and no stream disturbs another."""
    return Random("/".join(map(str, (seed, *labels))))  # noqa: S311 - not a secret


def normal(dice: Random) -> float:
    """Standard normal, from as many uniform draws as it takes."""
    return dice.normalvariate(0.0, 1.0)


def poisson(dice: Random, mean: float) -> int:
    """How many events of a Poisson process fall into a span that expects `mean` (small) of them."""
    n, waited = 0, dice.expovariate(1.0)
    while waited < mean:
        n += 1
        waited += dice.expovariate(1.0)
    return n
