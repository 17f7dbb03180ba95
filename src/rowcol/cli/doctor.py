"""Doctor: what is missing or wrong, all at once, each with what to do. Free: it never spends and calls no rail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from rowcol.cli import face
from rowcol.cli.face import Json

if TYPE_CHECKING:
    from rowcol.cli.findings import Finding

EXAMPLES = "Example: rowcol doctor --json"
MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


def doctor(*, json: Json = False) -> None:
    """Examine settings, keys, database, apps, logins, webhooks and the clock. Exit code 1 when something is wrong."""
    from rowcol.cli.examination import examine

    findings = face.running(examine())
    is_well = all(f.verdict != "wrong" for f in findings)
    if json:
        face.emit({"is_well": is_well, "findings": findings})
    else:
        _show(findings)
    if not is_well:
        raise typer.Exit(face.Exit.NO)


def _show(findings: list[Finding]) -> None:
    for finding in findings:
        face.say(f"{MARKS[finding.verdict]} {finding.about}: {finding.text}")
        if finding.what_to_do:
            face.say(f"        -> {finding.what_to_do}")
