"""Checks: what `make test` runs, in order, each with its seconds; pytest last.

A failing step does not hide the next one; the exit code is 1 if any failed. `--static` leaves pytest
out, `--docs` rewrites the generated parts of the documents, `--long` runs only the tests that take
minutes, all other arguments go to pytest.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "src/**/*.md")
    for path in ROOT.glob(pattern)
)
PYTEST = [BIN / "pytest", "-n", "2", "--dist", "loadgroup"]
STEPS = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy", "--no-error-summary"],
    "imports": ["lint-imports"],
    "documents": ["cog", "--check", "--diff", *DOCUMENTS],
}


def main(arguments: list[str]) -> int:
    """Run the steps; the number of steps that failed, at most 1."""
    if arguments == ["--docs"]:
        return subprocess.call([BIN / "cog", "-r", *DOCUMENTS], cwd=ROOT)
    if arguments[:1] == ["--long"]:
        return subprocess.call([*PYTEST, "-m", "long", *arguments[1:]], cwd=ROOT)
    failed = [name for name, command in STEPS.items() if not passes(name, command)]
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    if arguments == ["--static"]:
        return min(len(failed), 1)
    tests = subprocess.call([*PYTEST, *arguments], cwd=ROOT)
    return 1 if failed or tests else 0


def passes(name: str, command: list[str]) -> bool:
    """Whether the step went well; what it said is shown only if not."""
    start = time.monotonic()
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    verdict = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name:<10} {verdict:<7} {time.monotonic() - start:5.1f} s", flush=True)
    if done.returncode:
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.flush()
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
