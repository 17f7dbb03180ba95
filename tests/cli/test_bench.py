"""Bench: glue only; what it measures is tested in tests/simulation/bench."""

from tests.cli.rig import Shell


def test_wrong_use(shell: Shell) -> None:
    shell("bench", "ingest", "--rounds", "0", rc=2)
    shell("bench", "read", "--count", "1", rc=2)
