"""Business: added once, listed; names with markup stay as they are."""

from tests.cli.rig import Shell


def test_added_once(shell: Shell) -> None:
    first = shell.json("business", "add", "Harbor [red]Dental[/]", "--external-id", "h")
    assert shell.json("business", "add", "Other", "--external-id", "h") == first
    assert [b["name"] for b in shell.lines("business", "list") if b["external_id"] == "h"] == [
        "Harbor [red]Dental[/]"
    ]
    assert "Harbor [red]Dental[/]" in shell("business", "list").stdout
    shell("business", "add", " ", rc=2)
