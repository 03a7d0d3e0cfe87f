"""What lint finds in a mutant is what it does not find in the corrected text."""

from __future__ import annotations

from pathlib import Path

from drill.lint.document import parse_document
from drill.lint.run import Options
from drill.mutate.operators import mutants
from drill.mutate.reading import rules_that_find

SHELL = (
    "kubectl get pods --watch\nkubectl rollout restart deployment/web\nkubectl rollout status deployment/web"
)
OPTIONS = Options(without=("shellcheck", "bash"))


def test_only_what_is_new_counts() -> None:
    document = parse_document(Path("runbook.md"), f"# Repair\n\n```bash\n{SHELL}\nkubectl top pods\n```\n")
    found = dict(rules_that_find(document, mutants(document, range(1, 99)), OPTIONS))
    dropped = {each.before: rules for each, rules in found.items() if each.operator in {"drop", "wait"}}
    # what watches is found in the corrected text too
    assert dropped["kubectl top pods"] == ()
    assert "D501" in dropped["kubectl rollout status deployment/web"]
    assert set(found) == set(mutants(document, range(1, 99)))
