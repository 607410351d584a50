"""Where the browser of the tests is: THREADBOOK_CHROMIUM, the system's Chromium, or Playwright's own.

`python -m tests.browser` ends with 0 when one is there (`make browser` asks it).
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Return the path of a Chromium, or None where there is none."""
    if named := os.environ.get("THREADBOOK_CHROMIUM"):
        return named if Path(named).is_file() else None
    for name in NAMES:
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        bundled = playwright.chromium.executable_path
    return bundled if Path(bundled).is_file() else None


def launch_options() -> dict[str, Any]:
    """Return what `playwright.chromium.launch(**launch_options())` needs on this machine."""
    chromium = find_chromium()
    if chromium is None:
        raise FileNotFoundError("no Chromium for the browser tests: run `make browser`")
    # Chromium refuses its sandbox to root; these pages are our own.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": chromium, "args": [*arguments, "--disable-dev-shm-usage"]}


if __name__ == "__main__":
    found = find_chromium()
    sys.stdout.write(f"{found or 'none'}\n")
    sys.exit(0 if found else 1)
