"""Pause: set, shown, taken back."""

from tests.cli.rig import Shell


def test_paid_calls_and_a_rail(shell: Shell) -> None:
    shell("pause", "paid", "--reason", "in dispute")
    out = shell.json("pause", "rail", "plaid")
    assert set(out["paused"]) == {"pause.paid", "pause.rail.plaid"}
    assert "in dispute" in shell("pause").stdout
    assert shell("resume", "paid").stdout == "resumed: paid\n"
    assert shell.json("resume", "rail", "plaid") == {"paused": {}}


def test_wrong_use(shell: Shell) -> None:
    for wrong in (["everything"], ["rail", "none"], ["connection", "con-none"], ["paid", "plaid"]):
        shell("pause", *wrong, rc=2)
    assert "which connection?" in shell("resume", "connection", rc=2).stderr, "had: no login ''"
