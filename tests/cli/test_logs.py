"""Logs: one JSON object a line on stderr, also from libraries; exceptions without local variables."""

import json
import subprocess
import sys

CODE = """
import logging, structlog
from rowcol.cli.logs import to_stderr
to_stderr("info")
secret = "hunter2"
structlog.get_logger().info("event", firm="firm-1")
structlog.get_logger().debug("hidden")
logging.getLogger("uvicorn.error").warning("library")
try:
    raise ValueError("boom")
except ValueError:
    structlog.get_logger().exception("failed")
"""


def test_lines() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    first, library, failed = (json.loads(line) for line in done.stderr.splitlines())
    assert (first["event"], first["firm"], first["level"]) == ("event", "firm-1", "info")
    assert (library["event"], library["level"]) == ("library", "warning")
    assert "boom" in failed["exception"]
    assert "hunter2" not in done.stderr
    assert done.stdout == ""
