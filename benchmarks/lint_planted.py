"""How many planted defects drill lint finds. Flows in: each rule's bad example and sound texts. Flows out:
for each rule, at how many of 20 random places it was found, and how often anything else was said.

    python -m benchmarks.lint_planted [--places 20] [--seed 1]

A place is a section boundary of a sound text (the corrected runbook, or all good examples in a row), or, for
shell that is no script of its own, a paragraph boundary inside one of its blocks.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from drill.lint.document import parse_document
from drill.lint.manifests import load_manifests
from drill.lint.rule import RULES, Rule
from drill.lint.run import Options, lint_text

ROOT = Path(__file__).parents[1]
RUNBOOK = ROOT / "runbook" / "operations-runbook.md"
CHANGES = ("<<", "kubectl scale", "kubectl rollout restart", "kubectl patch", "kubectl set", "kubectl apply")
SCRIPTS = ("D007", "D010", "D306", "D309")
"""Rules whose example is a file of its own: it cannot stand in the middle of another block."""


def options() -> Options:
    """What the examples of all rules need."""
    return Options(
        load_manifests(ROOT / "novel_engine" / "manifests"),
        {"redis:drill": frozenset({"redis-cli", "sh", "xargs", "rm", "cat", "free", "date", "grep"})},
        frozenset((ROOT / "novel_engine" / "metrics.txt").read_text(encoding="utf-8").split()),
        today=date(2026, 11, 24),
    )


def as_section(rule: Rule, example: str) -> str:
    """An example as a section of its own."""
    if rule.language == "markdown":
        return f"{example}\n".replace("\n## ", "\n##### ").replace("# Example", "#### Example", 1)
    return f"#### Example\n\n```{rule.language}\n{example}\n```\n"


def boundaries(text: str) -> list[int]:
    """Lines, from 0, before which a section can be put."""
    return [heading.line - 1 for heading in parse_document(RUNBOOK, text).headings]


def gaps(text: str) -> list[int]:
    """Lines, from 0, before which a paragraph of shell can be put: blank ones in bash blocks that are no
    scripts, and change nothing that what is put there would have to wait for."""
    found = []
    for fence in parse_document(RUNBOOK, text).fences:
        changes = any(word in fence.text for word in CHANGES)
        if fence.language == "bash" and not changes and not fence.is_script:
            rows = fence.text.split("\n")
            found += [fence.line - 1 + row for row, line in enumerate(rows[:-1]) if not line.strip() and row]
    return found


def planted(text: str, rule: Rule, chance: random.Random) -> tuple[str, int, int]:
    """The text with the rule's defect at a random place, and the first and last line, from 1, of what was put
    there."""
    changes = any(word in rule.bad for word in CHANGES)
    own = rule.language != "bash" or rule.id in SCRIPTS or changes or not gaps(text)
    inside = not own and chance.random() < 0.5
    section = f"\n{rule.bad}\n" if inside else f"{as_section(rule, rule.bad)}\n"
    line = chance.choice(gaps(text) if inside else boundaries(text))
    lines = text.split("\n")
    added = section.split("\n")
    return "\n".join([*lines[:line], *added, *lines[line:]]), line + 1, line + len(added)


def sound_texts() -> list[str]:
    """Texts in which nothing is found."""
    together = "\n".join(
        as_section(rule, rule.good).replace("#### Example", f"## {rule.id}") for rule in sound_rules()
    )
    return [RUNBOOK.read_text(encoding="utf-8"), f"# All good examples\n\n{together}"]


def sound_rules() -> Iterator[Rule]:
    """The rules whose good examples can stand in one text: shell, without a suppression."""
    for rule in RULES.values():
        if rule.language == "bash" and rule.id not in {"D090", "D091"} and "8000" not in rule.good:
            yield rule


def main() -> int:
    """Plant, look, count."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--places", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--rules", default="")
    given = arguments.parse_args()
    chance = random.Random(given.seed)
    beside = options()
    texts = sound_texts()
    for text in texts:
        said = lint_text(text, beside, RUNBOOK)
        if said:
            print(
                "not sound:",
                *(f"{finding.span.line} {finding.rule} {finding.message}" for finding in said),
                sep="\n  ",
            )
            return 1
    total = hits = others = 0
    for rule in RULES.values():
        if given.rules and rule.id not in given.rules.split(","):
            continue
        found = 0
        for _ in range(given.places):
            text, first, last = planted(chance.choice(texts), rule, chance)
            # shellcheck starts a process each time: it looks at its own defect only
            chosen = beside if rule.id == "D310" else Options(**{**vars(beside), "ignore": ("D310",)})
            findings = lint_text(text, chosen, RUNBOOK)
            found += any(
                finding.rule == rule.id and first <= finding.span.line <= last for finding in findings
            )
            for finding in findings:
                if finding.rule != rule.id:
                    others += 1
                    print(
                        f"  beside {rule.id}: line {finding.span.line} {finding.rule} {finding.message} "
                        f"[{finding.excerpt[:60]}]"
                    )
        total, hits = total + given.places, hits + found
        if found < given.places:
            print(f"{rule.id}: found at {found} of {given.places} places")
    print(
        f"{len(RULES)} rules, {total} planted defects, {hits} found ({100 * hits / total:.2f} %), {others} "
        "other findings"
    )
    return 0 if hits >= 0.99 * total else 1


if __name__ == "__main__":
    sys.exit(main())
