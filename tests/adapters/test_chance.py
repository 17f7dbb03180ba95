"""Dice: ids are unique and sort by time of making; a seed replays."""

from rowcol.adapters.chance import SeededRng, SystemRng

LENGTH = len("con_") + 32


def test_ids_are_unique_and_of_one_length() -> None:
    rng = SystemRng()
    ids = {rng.new_id("con") for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(i) for i in ids} == {LENGTH}


def test_seeded_ids_sort_by_order_of_making() -> None:
    rng = SeededRng(1)
    ids = [rng.new_id("con") for _ in range(1000)]
    assert ids == sorted(ids)


def test_equal_seeds_give_equal_dice() -> None:
    one, two, other = SeededRng(7), SeededRng(7), SeededRng(8)
    drawn = [(r.new_id("a"), r.secret()) for r in (one, two, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_secrets_carry_256_bits() -> None:
    rng = SystemRng()
    assert len(rng.secret()) == 43
    assert rng.secret() != rng.secret()
