"""Demo: glue only; one object on stdout, progress on stderr. What it finds is tested in tests/simulation."""

from datetime import date

import pytest

from rowcol.cli.demo import day_of
from rowcol.core.refusal import BadInput
from tests.cli.rig import Shell


@pytest.mark.slow
def test_one_object(shell: Shell) -> None:
    out = shell.json("demo", "--businesses", "1", "--weeks", "1")
    assert set(out["policies"]) == {"ttl", "evidence"}
    assert len(out["board"]) == 1


def test_wrong_use(shell: Shell) -> None:
    shell("demo", "--weeks", "0", rc=2)
    shell("demo", "--transactions", "none.csv", rc=2)
    shell("demo", "--from", "someday", rc=2)


def test_days() -> None:
    assert day_of("") is None
    assert day_of("2016-03-07") == date(2016, 3, 7)
    with pytest.raises(BadInput):
        day_of("7.3.2016")
