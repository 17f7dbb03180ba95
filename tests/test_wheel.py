"""Wheel: what `pip install rowcol[server,sandbox]` gives in an empty environment, run from another folder.

No index is asked: the environment holds a copy of exactly what requirements.lock lists, and pip finds
the wheel's own requirements met by it, or fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMANDS = [
    ["--help"],
    ["demo", "--once", "--json", "--businesses", "3", "--weeks", "1"],
]

pytestmark = [pytest.mark.slow, pytest.mark.serial, pytest.mark.timeout(300)]


def run(*command: str | Path, cwd: Path) -> str:
    """What the command printed; fails with it unless the exit code is 0."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=bare, capture_output=True, text=True)
    assert done.returncode == 0, (
        f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    )
    return done.stdout


def locked() -> list[Distribution]:
    """The installed packages that requirements.lock lists; those for other platforms are not installed."""
    found = []
    for name in re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE):
        try:
            found.append(distribution(name))
        except PackageNotFoundError:
            continue
    return found


def copy(package: Distribution, site: Path) -> None:
    """The files of an installed package, as its own record lists them; not its scripts."""
    for file in package.files or []:
        source, target = Path(file.locate()), site / file
        if ".." not in file.parts and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--quiet"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("rowcol-*.whl")
    venv.create(folder / "empty", symlinks=True)
    programs = folder / "empty" / "bin"
    (site,) = (folder / "empty" / "lib").glob("python*/site-packages")
    for package in locked():
        copy(package, site)
    extras = f"rowcol[server,sandbox,cluster] @ {wheel.as_uri()}"
    run(*pip, "--python", programs / "python", "install", "--no-index", extras, cwd=folder)
    return programs


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_wheel_runs_elsewhere(installed: Path, tmp_path: Path, command: list[str]) -> None:
    assert run(installed / "rowcol", *command, cwd=tmp_path)


def test_the_wheel_is_typed_and_whole(installed: Path, tmp_path: Path) -> None:
    """It is the wheel that is imported, and each module and data file of the tree is in it."""
    found = run(installed / "python", "-c", "import rowcol; print(rowcol.__file__)", cwd=tmp_path)
    package = Path(found.strip()).parent
    assert installed.parent in package.parents
    tree = ROOT / "src" / "rowcol"
    wanted = {
        p.relative_to(tree) for p in tree.rglob("*") if p.is_file() and "__pycache__" not in p.parts
    }
    assert Path("py.typed") in wanted
    assert not sorted(str(p) for p in wanted if not (package / p).exists())
