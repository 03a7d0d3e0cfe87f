"""The report of fifty drills: how large, and how soon it is open. Flows in: a run made for it. Flows out:
rows.

The run has fifty drills and twenty-five controls over the reference runbook (tests/unit/report/fifty.py).
Opened: from the navigation to the end of the load event in headless Chromium, from the disk, the median of
five windows; the script has then run, and the first screen is laid out.
"""

from __future__ import annotations

import os
import shutil
from statistics import median

from playwright.sync_api import sync_playwright

from benchmarks.row import Options, Row, evidence, reached
from drill.report import write_report
from tests.unit.report.fifty import make_fifty

MOST_BYTES = 3_000_000
MOST_SECONDS = 1.0
WINDOWS = 5
OPENED = "performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"


def report_page(options: Options) -> list[Row]:
    """Its size, and the time to open it."""
    with evidence() as reports:
        folder, verdicts = make_fifty(reports)
        write_report(folder, verdicts)
        page = folder / "index.html"
        size = page.stat().st_size
        with sync_playwright() as playwright:
            program = os.environ.get("DRILL_CHROMIUM") or shutil.which("chromium")
            chromium = playwright.chromium.launch(executable_path=program)
            seconds = []
            for _ in range(WINDOWS):
                window = chromium.new_page()
                window.goto(page.as_uri(), wait_until="load")
                window.wait_for_function(f"{OPENED} > 0")
                seconds.append(float(window.evaluate(OPENED)))
                window.close()
            chromium.close()
    took = median(seconds)
    all_of_them = ", ".join(f"{each:.2f}" for each in seconds)
    return [
        Row("report of fifty drills, size", "≤ 3 MB", f"{size / 1e6:.2f} MB", reached(size <= MOST_BYTES)),
        Row(
            "report of fifty drills, opened",
            "≤ 1 s",
            f"{took:.2f} s",
            reached(took <= MOST_SECONDS),
            (f"five windows: {all_of_them} s",),
        ),
    ]
