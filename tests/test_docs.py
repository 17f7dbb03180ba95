"""Documents: their links resolve, what they must mention they mention, and what they show is real."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from docs import cogs
from rowcol import Settings
from rowcol.keys import KEYS
from rowcol.settings import PREFIX

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~)(\w*)\n(.*?)^\1", re.MULTILINE | re.DOTALL)
OUTSIDE = ("http://", "https://", "mailto:")
VARIABLE = re.compile(rf"\b{PREFIX}[A-Z_]+\b")
COMMAND = re.compile(r"\browcol ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)")
NOT_SETTINGS = {"ROWCOL_CONFIG", "ROWCOL_TEST_POSTGRES_URL", "ROWCOL_TEST_KILLS"}
"""Variables that documents name and that are no settings: where the file is, and what tests read."""


@cache
def documents() -> dict[Path, str]:
    """Every Markdown file that belongs to the project."""
    found = [
        *ROOT.glob("*.md"),
        *(p for d in ("docs", "src", "tests") for p in (ROOT / d).rglob("*.md")),
    ]
    return {path: path.read_text() for path in sorted(found)}


def prose(text: str) -> str:
    """Without code blocks."""
    return FENCE.sub("", text)


def check(offenders: list[str], rule: str) -> None:
    if offenders:
        pytest.fail("\n  ".join([rule, *offenders]), pytrace=False)


def anchors(text: str) -> set[str]:
    """As the forge makes them from headings."""
    heads = re.findall(r"^#+ +(.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


def test_links_resolve() -> None:
    broken = []
    for path, text in documents().items():
        for target in LINK.findall(prose(text)):
            if target.startswith(OUTSIDE):
                continue
            name, _, anchor = target.partition("#")
            there = (path.parent / name).resolve() if name else path
            is_good = there.exists() and ROOT in (there, *there.parents)
            if is_good and anchor:
                is_good = anchor in anchors(there.read_text())
            if not is_good:
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    check(broken, "A relative link leads to a file of the project, and to a heading in it.")


def test_every_setting_has_a_row() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    wanted = [name for name in Settings.model_fields if name.upper() not in KEYS]
    variables = [f"{PREFIX}{name.upper()}" for name in wanted]
    variables += [
        f"{PREFIX}{rail}__<NAME>__{name.upper()}"
        for rail, keys in KEYS.items()
        for name in keys.model_fields
    ]
    check(
        [variable for variable in variables if f"| `{variable}` |" not in text],
        "docs/settings.md has a row for each setting.",
    )


def test_every_setting_is_described() -> None:
    fields = [*Settings.model_fields.items()]
    fields += [field for keys in KEYS.values() for field in keys.model_fields.items()]
    check([name for name, field in fields if not field.description], "A setting says what it does.")


def test_variables_in_the_documents_exist() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | NOT_SETTINGS
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, text in documents().items()
        for name in VARIABLE.findall(text)
        if name not in known and not name.startswith(tuple(f"{PREFIX}{rail}__" for rail in KEYS))
    }
    check(sorted(found), "A variable in the documents is a setting.")


def test_every_command_is_mentioned() -> None:
    text = (ROOT / "docs" / "reference.md").read_text()
    check(
        [name for name, _ in cogs.cli_commands() if f"| `rowcol {name}` |" not in text],
        "docs/reference.md mentions each command.",
    )


def test_every_command_has_help() -> None:
    check([name for name, text in cogs.cli_commands() if not text], "A command says what it does.")


def test_commands_in_the_documents_exist() -> None:
    """In code blocks, where `rowcol` begins a command and is not the package."""
    known = {name for name, _ in cogs.cli_commands()}
    groups = {name.split()[0] for name in known if " " in name}
    wrong = []
    for path, text in documents().items():
        for _, language, block in FENCE.findall(text):
            for line in block.splitlines() if language == "" else ():
                found = re.match(r"(?:\$ )?" + COMMAND.pattern, line)
                words = found[1].split() if found else []
                name = " ".join(words if words and words[0] in groups else words[:1])
                if found and name not in known:
                    wrong.append(f"{path.relative_to(ROOT)}: rowcol {name}")
    check(wrong, "A command in the documents exists.")


def test_every_rail_has_its_section() -> None:
    """`rowcol call --help` sends people there: what may be called stands in it, and each switch of the emulator."""
    text = (ROOT / "docs" / "rails.md").read_text()
    cells = re.findall(r"^\| ([^|]+?) +\|", text, re.MULTILINE)
    told = {name.strip("`") for cell in cells for name in cell.split(", ")}
    wanted = {name for spec in cogs.rails() for name in spec.endpoints}
    for spec in cogs.rails():
        switches = import_module(f"rowcol.sandbox.{spec.name}.switches").Switches
        wanted |= {field.name for field in fields(switches)}
    check(
        sorted(wanted - told),
        "docs/rails.md has a section for each rail and for its emulator.",
    )


def test_python_blocks_compile() -> None:
    blocks = [
        (path, block)
        for path, text in documents().items()
        for _, language, block in FENCE.findall(text)
        if language == "python"
    ]
    assert any(path.name == "README.md" for path, _ in blocks)
    for path, block in blocks:
        compile(block, str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_toml_blocks_are_settings() -> None:
    """What a reader may paste into `rowcol.toml` is taken."""
    for text in documents().values():
        for _, language, block in FENCE.findall(text):
            if language == "toml":
                Settings.model_validate(tomllib.loads(block))


def test_the_public_names_are_shown() -> None:
    """README's example imports what the package exports."""
    text = (ROOT / "README.md").read_text()
    block = next(b for _, language, b in FENCE.findall(text) if language == "python")
    namespace: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), namespace)  # ours
    assert {"Plane", "CacheService", "IntegrationService", "Purpose"} <= set(namespace)


def test_each_decision_has_its_headings_and_its_row() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    pages = sorted(folder.glob("[0-9]*.md"))
    heads = ["Context", "Decision", "Consequences", "Alternatives", "References"]
    offenders = [
        page.name
        for number, page in enumerate(pages, start=1)
        if not page.name.startswith(f"{number:04d}-")
        or f"]({page.name})" not in index
        or re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE) != heads
    ]
    check(
        offenders,
        "A decision has its number, its row in the index, and the headings of the others.",
    )


def test_no_document_has_an_open_end() -> None:
    """Tokens of a template are not allowed to stay."""
    left = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path, text in documents().items()
        if (found := re.search(r"\{\{\w+\}\}|\bTODO\b|\bTBD\b|\bLorem\b", prose(text)))
    ]
    check(left, "A document has no placeholder.")
