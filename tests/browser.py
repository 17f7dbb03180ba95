"""Browser: a real one for the tests that click pages, or a loud word that there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Nothing of its own is asked for over the network; as root it runs without its sandbox."""


def found() -> str:
    """Where the browser is; "" where there is none. ROWCOL_TEST_BROWSER names another."""
    named = os.environ.get("ROWCOL_TEST_BROWSER", "")
    return named or next((path for name in NAMES if (path := shutil.which(name))), "")


@contextmanager
def page() -> Iterator[Page]:
    """A page in a browser of its own. Skips the test, with the reason, where no browser is installed."""
    path = found()
    if not path:
        pytest.skip("NO BROWSER, so the pages were NOT tested: run `make browser`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            opened = browser.new_page()
            opened.set_default_timeout(30_000)
            yield opened
        finally:
            browser.close()
