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


def test_a_paused_login_is_seen_with_its_reason_wherever_one_looks(connected: Shell) -> None:
    """`pause` said that nothing is paused, doctor nothing, the list a bare `paused`; the reason was shown nowhere."""
    (login,) = connected.lines("connection", "list", "h-1")
    its, reason = login["id"], "the client asked"
    connected("pause", "connection", its, "--reason", reason)
    (switch,) = connected.json("pause")["paused"].items()
    assert (switch[0], switch[1].startswith(f"{reason} (since 20")) == (
        f"pause.connection.{its}",
        True,
    )
    (told,) = [f for f in connected.json("doctor")["findings"] if f["text"].startswith("paused")]
    assert (reason in told["text"], told["what_to_do"]) == (
        True,
        f"`rowcol resume connection {its}`",
    )
    line = next(
        each for each in connected("connection", "list", "h-1").stdout.splitlines() if its in each
    )
    assert "PAUSED" in line
    assert reason in line
    assert reason in connected("disconnect", its, "--yes", rc=4).stderr

    said = [connected("connection", "reset", its).stdout for _ in range(2)]
    assert "is read anew from the start, when it is resumed" in said[0]
    assert "is already being read anew, when it is resumed" in said[1]
    connected("resume", "connection", its)
    assert connected.json("pause") == {"paused": {}}
