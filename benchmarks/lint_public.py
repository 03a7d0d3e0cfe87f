"""What drill lint says of other projects' runbooks. Flows in: a folder with one folder per project. Flows
out: for each project its files, shell blocks, the share that was read, the findings and the seconds; with
--list, every finding.

    python -m benchmarks.lint_public FOLDER [--list]

The projects, their commits and what was found true and false by hand are in docs/lint.md. Their texts are not
kept here.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from drill.lint.run import Options, lint_files


def main() -> None:
    """Look at each project."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--list", action="store_true")
    given = arguments.parse_args()
    total: Counter[str] = Counter()
    for project in sorted(path for path in given.folder.iterdir() if path.is_dir()):
        files = sorted(project.rglob("*.md"))
        start = time.monotonic()
        outcome = lint_files(files, Options())
        seconds = time.monotonic() - start
        read = 100 * (1 - outcome.unread_blocks / max(1, outcome.blocks))
        print(
            f"{project.name}: {len(files)} files, {outcome.blocks} blocks, {read:.1f} % read, "
            f"{len(outcome.findings)} findings, {seconds:.1f} s"
        )
        total += Counter(finding.rule for finding in outcome.findings)
        if given.list:
            for finding in outcome.findings:
                place = f"{finding.path.relative_to(project)}:{finding.span.line}"
                print(f"  {place} {finding.rule} {finding.message} [{finding.excerpt[:100]}]")
    print(f"{total.total()} findings:", ", ".join(f"{rule} {count}" for rule, count in total.most_common()))


if __name__ == "__main__":
    main()
