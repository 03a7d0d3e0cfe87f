"""Whether drill lint says something sensible of any text, and how long it takes. Flows in: the runbooks and
the examples of all rules. Flows out: how many mutated texts were looked at, the tracebacks, and the longest
time.

    python -m benchmarks.lint_fuzz [--texts 100000] [--seed 1]

A text is a stretch of a seed, mutated one to six times: characters and lines are taken out, doubled,
exchanged, and put in from a list of those that parsers trip over. Rules that start a process (bash,
shellcheck, promtool) look at one text of 500.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from benchmarks.lint_planted import ROOT, as_section, options
from drill.lint.document import parse_document
from drill.lint.fixing import fixed
from drill.lint.formats import FORMATS
from drill.lint.rule import RULES
from drill.lint.run import Options, lint_documents

LIMIT_SECONDS = 1.0
NASTY = (
    '`', '```', '```bash\n', '~~~', "'", '"', '$(', ')', '${', '}', '<<EOF\n', 'EOF\n', '|', '||', '&',
    '&&', ';', '>', '<', '\\', '\\\n', '#', '# drill: ignore D401: x', '<!-- drill: ignore D905 -->',
    '\t', '\x00', '\r', '\r\n', '\u2028', '\xe9', '\xe2\u0153', '\U0001f600', '\ufeff', '[[', ']]',
    '((', 'if ', 'fi\n', 'case x in', 'esac', '- [ ] ', '- alert: ', 'expr: ', '  for: 5m\n',
    'kubectl ', ' --', ' -', '=', '/', ':', '{{', '}}', '<pod>', '*', '**', '\n\n', '    ', '> ', '1. ',
    '---\n', '![](', '](#',
)  # fmt: skip


def seeds() -> list[str]:
    """The runbooks, and every example."""
    texts = [
        (ROOT / "runbook" / name).read_text(encoding="utf-8")
        for name in ("as-first-written.md", "operations-runbook.md")
    ]
    return [
        *texts,
        *(as_section(rule, example) for rule in RULES.values() for example in (rule.bad, rule.good)),
    ]


def stretch(text: str, chance: random.Random) -> str:
    """Some lines of a text."""
    lines = text.split("\n")
    count = chance.randint(3, 60)
    start = chance.randrange(max(1, len(lines) - count))
    return "\n".join(lines[start : start + count])


def take_out(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + text[start + chance.randint(1, 40) :]


def put_in(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + chance.choice(NASTY) * chance.choice((1, 1, 1, 2, 50)) + text[start:]


def double(text: str, chance: random.Random) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + text[start : start + chance.randint(1, 200)] + text[start:]


def exchange(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return "\n".join(lines)


MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (take_out, put_in, put_in, double, exchange)


def mutated(texts: list[str], chance: random.Random) -> str:
    """A stretch of a seed, mutated."""
    text = stretch(chance.choice(texts), chance)
    for _ in range(chance.randint(1, 6)):
        text = chance.choice(MUTATIONS)(text, chance)
    return text


def main() -> int:
    """Mutate, look, time."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--texts", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    chance = random.Random(given.seed)
    texts = seeds()
    beside = options()
    quick = Options(**{**vars(beside), "ignore": ("D310", "D901", "D010")})
    longest, slow, broken, findings = 0.0, 0, 0, 0
    began = time.monotonic()
    for number in range(given.texts):
        text = mutated(texts, chance)
        start = time.monotonic()
        try:
            document = parse_document(Path("runbook.md"), text)
            outcome = lint_documents([document], beside if number % 500 == 0 else quick)
            for show in FORMATS.values():
                show(outcome)
            fixed(document.text, outcome.findings)
        except Exception:  # noqa: BLE001 - every error is what is looked for here
            broken += 1
            print(f"--- text {number}:\n{text}\n---", traceback.format_exc(), sep="\n")
            continue
        seconds = time.monotonic() - start
        findings += len(outcome.findings)
        if seconds > LIMIT_SECONDS:
            slow += 1
            print(f"--- text {number} took {seconds:.2f} s:\n{text}\n---")
        longest = max(longest, seconds)
    print(
        f"{given.texts} texts in {time.monotonic() - began:.0f} s: {broken} tracebacks, {slow} over "
        f"{LIMIT_SECONDS:.0f} s, "
        f"the longest {longest:.2f} s, {findings} findings"
    )
    return 1 if broken or slow else 0


if __name__ == "__main__":
    sys.exit(main())
