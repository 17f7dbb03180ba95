"""Token: made, listed without itself, revoked."""

from tests.cli.rig import Shell


def test_life_of_a_token(shell: Shell) -> None:
    made = shell.json("token", "create", "Dana", "--role", "advisor")
    shell("token", "create", "Dana", rc=4)
    assert made["token"] not in shell("token", "list").stdout
    assert shell.json("token", "revoke", "Dana") == {"id": made["id"], "state": "revoked"}
    shell("token", "revoke", "Dana", rc=2)
    shell("token", "create", "Eve", "--role", "root", rc=2)
    plain = shell("token", "create", "Eve")
    assert len(plain.stdout.strip()) == 43
    assert "not shown again" in plain.stderr
