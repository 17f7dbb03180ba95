"""Account: listed with their roles, and given one."""

from tests.cli.rig import Shell


def test_a_role_is_given(connected: Shell) -> None:
    connected("read", "h-1")
    account = connected.lines("account", "list", "h-1")[0]
    assert (account["role"], account["is_role_suggested"]) == ("OPERATING", True)
    place = (account["connection"], account["remote_id"])
    assert connected.json("account", "role", *place, "operating")["state"] == "OPERATING"
    (again,) = [a for a in connected.lines("account", "list", "h-1") if a["remote_id"] == place[1]]
    assert again["is_role_suggested"] is False
    assert "'slush'" in connected("account", "role", *place, "slush", rc=2).stderr, "had SLUSH"
    connected("account", "role", place[0], "none", "debt", rc=2)
