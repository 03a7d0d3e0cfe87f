"""Mutants under drill lint. Flows in: the corrected text and its mutants. Flows out: the rules that find
something in a mutant that they do not find in the corrected text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from drill.lint.document import Document
from drill.lint.finding import Finding
from drill.lint.run import Options, lint_text
from drill.mutate.mutant import Mutant


def rules_that_find(
    document: Document, mutants: Iterable[Mutant], options: Options
) -> Iterator[tuple[Mutant, tuple[str, ...]]]:
    """Each mutant with the rules that find it, in their order; none where lint alone does not."""
    before = _counted(lint_text(document.text, options, document.path))
    for mutant in mutants:
        found = _counted(lint_text(mutant.applied(document.text), options, document.path))
        yield mutant, tuple(sorted({rule for rule, _, _ in found - before}))


def _counted(findings: Iterable[Finding]) -> Counter[tuple[str, str, str]]:
    """Findings without their lines, which a line less moves."""
    return Counter((finding.rule, finding.message, finding.excerpt) for finding in findings)
