"""Inbox: lists are empty before a webhook came; what is not there cannot be replayed."""

from tests.cli.rig import Shell


def test_empty(shell: Shell) -> None:
    assert shell.lines("inbox", "list") == []
    assert shell.lines("inbox", "unmatched") == []
    assert "no deliveries" in shell("inbox", "list", "--state", "parked").stderr


def test_wrong_use(shell: Shell) -> None:
    assert "RECEIVED" in shell("inbox", "list", "--state", "lost", rc=2).stderr
    assert "inbox list" in shell("inbox", "replay", "del-none", rc=2).stderr
