"""Aside: a policy played in an interpreter of its own, so that comparing two takes two cores.

The child reads options from its standard input and writes the result as the last line of its output.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from rowcol.simulation.driver import play
from rowcol.simulation.options import DemoOptions, workload_of
from rowcol.simulation.report import PolicyResult
from rowcol.simulation.stages import in_process

_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)


class AsideFailed(RuntimeError):
    """The child ended without a result; what it had to say is on standard error."""


async def play_aside(options: DemoOptions, policy: str) -> PolicyResult:
    """Play a policy in a child process. Cancelling ends the child. Raise `AsideFailed`."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "rowcol.simulation.aside",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        output, _ = await child.communicate(_ENCODER.encode((options, policy)))
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    lines = output.splitlines()
    if child.returncode or not lines:
        raise AsideFailed(f"the run of the policy {policy!r} ended with {child.returncode}")
    return msgspec.json.decode(lines[-1], type=PolicyResult)


async def play_here(options: DemoOptions, policy: str) -> PolicyResult:
    """Play a policy in this process, without sockets."""
    workload = workload_of(options)
    async with in_process(workload, policy) as stage:
        return (await play(stage.rig, workload, policy)).result


def main() -> None:
    """What the child does."""
    asked = sys.stdin.buffer.read()
    options, policy = msgspec.json.decode(asked, type=tuple[DemoOptions, str], dec_hook=_revived)
    result = asyncio.run(play_here(options, policy))
    sys.stdout.buffer.write(b"\n" + _ENCODER.encode(result) + b"\n")


def _revived(kind: type[Any], value: Any) -> Any:
    if kind is not Path:
        raise NotImplementedError(kind)
    return Path(value)


if __name__ == "__main__":
    main()
