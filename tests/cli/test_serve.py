"""Serve: says where it listens, answers, ends with 0 on SIGTERM; a taken port is refused in words."""

import urllib.error
import urllib.request

import pytest

from rowcol.settings import Settings
from tests.cli.rig import Shell


def status_of(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def test_it_serves_until_it_is_told_to_stop(shell: Shell) -> None:
    token = shell.json("token", "create", "served")["token"]
    with shell.running("serve", "--port", "0") as service:
        url = service["address"]
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/readyz") as answer:
            assert answer.status == 200
        request = urllib.request.Request(
            f"{url}/v1/businesses", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
        shell("token", "revoke", "served")
        # It is known for a second: far fewer requests are made in it, on any host.
        assert 401 in (status_of(request) for _ in range(100_000))
        port = url.rpartition(":")[2]
        assert "--port" in shell("serve", "--port", port, rc=2).stderr


def test_the_help_names_the_defaults_of_the_settings(shell: Shell) -> None:
    said = " ".join(shell("serve", "--help").stdout.split())
    fields = Settings.model_fields
    assert f"default: ROWCOL_PORT, else {fields['port'].default}." in said
    assert f"default: ROWCOL_HOST, else {fields['host'].default}." in said
    assert "-1" not in said


@pytest.mark.parametrize("command", ["serve", "sandbox", "demo"])
@pytest.mark.parametrize("port", ["-5", "65536"])
def test_a_port_that_is_none_is_wrong_use(shell: Shell, command: str, port: str) -> None:
    assert "--port" in shell(command, "--port", port, rc=2).stderr
