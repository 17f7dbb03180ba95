"""Tidy: the house rules that a machine can check. Each test names the offenders; CONTRIBUTING.md has the rules."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "rowcol"
LINES_MAX = 500
FUNCTION_LINES_MAX = 60

BANNED_NAME = re.compile(
    r"^(Abstract|Base|Smart)[A-Z]"
    r"|(Data|Helper|Info|Manager|Utils?)$"
)
RAIL_NAME = re.compile(r"(?<![a-z])(plaid|qbo|quickbooks|ramp|stripe)(?![a-z])")

LIVE_KEYS = re.compile(
    r"[sr]k_live_\w{8}|AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|xox[abp]-\w{8}"
    r"|access-production-[0-9a-f]{8}-|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
MACHINE_TRACES = re.compile(
    r"py(?:pi)\.org|python(?:hosted)\.org|--(?:extra-)?index-url[ =]"
    r"|(?<![\w.])/(?:root|work(?:space)?|home/\w+|Users/\w+)/"
)


@cache
def sources() -> dict[Path, ast.Module]:
    """Every module of the package, parsed."""
    return {path: ast.parse(path.read_text()) for path in sorted(SRC.rglob("*.py"))}


@cache
def texts() -> dict[Path, str]:
    """Every text file of the project: what git tracks or would track."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    found = {}
    for name in sorted(set(listed.split("\0")) - {""}):
        try:
            found[ROOT / name] = (ROOT / name).read_text()
        except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
            continue  # deleted but still tracked; a nested checkout; not text
    return found


def place(path: Path, node: ast.AST | None = None) -> str:
    line = getattr(node, "lineno", None)
    return f"{path.relative_to(ROOT)}" + (f":{line}" if line else "")


def check(offenders: list[str], rule: str) -> None:
    if offenders:
        pytest.fail("\n  ".join([rule, *offenders]), pytrace=False)


def test_files_are_short() -> None:
    counts = {path: len(path.read_text().splitlines()) for path in sources()}
    check(
        [f"{place(path)}: {count} lines" for path, count in counts.items() if count > LINES_MAX],
        f"A file has at most {LINES_MAX} lines: look for the value or the table that makes it smaller.",
    )


def test_functions_are_short() -> None:
    check(
        [
            f"{place(path, node)}: {node.name} has {lines} lines"
            for path, tree in sources().items()
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
        ],
        f"A function has at most {FUNCTION_LINES_MAX} lines.",
    )


def test_modules_say_what_they_are() -> None:
    modules = sources() | {
        path: ast.parse(path.read_text()) for path in sorted((ROOT / "tests").rglob("*.py"))
    }
    check(
        [place(path) for path, tree in modules.items() if not ast.get_docstring(tree)],
        "A module begins with a docstring whose first line is a definition.",
    )


def test_class_names_say_something() -> None:
    check(
        [
            f"{place(path, node)}: {node.name}"
            for path, tree in sources().items()
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and BANNED_NAME.search(node.name)
        ],
        "A class is named for what it is: no Manager, Helper, Util, Data or Info at its end, "
        "no Base, Abstract or Smart before it.",
    )


def names_and_strings(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Identifiers and string values of a module; not its docstrings and comments."""
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str | bytes) and id(node) not in prose:
                yield node, str(node.value)
            continue
        for field in ("id", "attr", "name", "asname", "arg", "module"):
            if isinstance(name := getattr(node, field, None), str):
                yield node, name


def test_the_engine_names_no_rail() -> None:
    check(
        sorted(
            f"{place(path, node)}: {text!r:.60}"
            for path, tree in sources().items()
            if path.relative_to(SRC).parts[0] in {"core", "engine"}
            for node, text in names_and_strings(tree)
            if RAIL_NAME.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower())
        ),
        "core/ and engine/ know no rail by name: what differs belongs to the rail's spec.",
    )


def test_no_live_keys() -> None:
    check(
        [place(path) for path, text in texts().items() if LIVE_KEYS.search(text)],
        "Fixtures carry values that a scanner knows to be fake.",
    )


def test_no_trace_of_a_machine() -> None:
    check(
        [
            f"{place(path)}: {found.group()}"
            for path, text in texts().items()
            if (found := MACHINE_TRACES.search(text))
        ],
        "No index address, package host or path of one machine belongs into the project.",
    )


def test_nothing_is_patched() -> None:
    python = {path: ast.parse(text) for path, text in texts().items() if path.suffix == ".py"}
    check(
        [
            place(path, node)
            for path, tree in python.items()
            for node in ast.walk(tree)
            if (isinstance(node, ast.Import) and any(a.name == "unittest.mock" for a in node.names))
            or (isinstance(node, ast.ImportFrom) and node.module == "unittest.mock")
            or (
                isinstance(node, ast.ImportFrom)
                and node.module == "unittest"
                and any(a.name == "mock" for a in node.names)
            )
        ],
        "Write a fake that implements the port.",
    )


def test_no_exception_is_handed_to_the_logging() -> None:
    """A host's formatter prints local variables beside a traceback: `origin_of(error)` has none."""
    told = re.compile(r"log(ger)?\.exception\(|exc_info\s*=")
    ours = {path: text for path, text in texts().items() if path.is_relative_to(SRC)}
    assert [place(path) for path, text in ours.items() if told.search(text)] == []


def test_glossary_terms_exist() -> None:
    """Every identifier in code font in GLOSSARY.md occurs in the source."""
    glossary = ROOT / "GLOSSARY.md"
    terms = re.findall(
        r"`([A-Za-z_][\w.]*)(?:\(\))?`", glossary.read_text() if glossary.exists() else ""
    )
    words = {word for path in sources() for word in re.findall(r"\w+", path.read_text())}
    check(
        [term for term in sorted(set(terms)) if not set(term.split(".")) <= words | {"py", "md"}],
        "GLOSSARY.md: a term in code font exists in src/.",
    )


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = [
        *project["project"]["dependencies"],
        *(d for extra in project["project"]["optional-dependencies"].values() for d in extra),
        *(d for group in project["dependency-groups"].values() for d in group),
    ]
    names = {re.split(r"[\[<>=~! ]", dependency)[0] for dependency in listed}
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    check(
        [name for name in sorted(names) if f"| `{name}` |" not in contributing],
        "CONTRIBUTING.md has a row for each dependency, with the reason that it beats code of ours.",
    )


def test_every_event_has_a_delivery() -> None:
    """What a rail declares and what tests/deliveries holds is the same, both ways."""
    offenders = []
    for name, events in rail_events().items():
        folder = ROOT / "tests" / "deliveries" / name
        declared = {f"{kind}.{code}.json" for kind, code in events}
        present = {path.name for path in folder.glob("*.json")}
        offenders += [
            f"missing: tests/deliveries/{name}/{file}" for file in sorted(declared - present)
        ]
        offenders += [
            f"undeclared: tests/deliveries/{name}/{file}" for file in sorted(present - declared)
        ]
    check(offenders, "A rail's spec declares exactly the events that have a file.")


def test_every_rail_is_complete() -> None:
    check(
        [
            f"{name}: {path.relative_to(ROOT)} is missing"
            for name in rail_events()
            for path in (SRC / "rails" / name / "RAIL.md", SRC / "sandbox" / name)
            if not path.exists()
        ],
        "A rail has its RAIL.md and its emulator.",
    )


def rail_events() -> dict[str, list[tuple[str, str]]]:
    """Events each registered rail declares; nothing before there is a registry."""
    if importlib.util.find_spec("rowcol.rails.registry") is None:
        return {}
    rails = importlib.import_module("rowcol.rails.registry").RAILS
    return {name: list(rail.spec.events) for name, rail in rails.items()}


def test_the_tenant_comes_first() -> None:
    tree = sources()[SRC / "ports.py"]
    store = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Store")
    check(
        [
            f"{place(SRC / 'ports.py', method)}: {method.name}"
            for method in store.body
            if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
            and [arg.arg for arg in method.args.args[:2]] != ["self", "firm"]
        ],
        "Each method of Store takes `firm` first; what cannot know it belongs to PlaneStore.",
    )
