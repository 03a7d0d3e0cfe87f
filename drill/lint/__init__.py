"""What is wrong with a runbook, without a cluster. Flows in: Markdown files, and what is known beside them:
manifests, the programs of images, the metrics of the service. Flows out: findings with file, line and column.

document.py     a Markdown text: fences, headings, items, links (place.py: where something stands in it)
shell.py        bash by tree-sitter: commands, and what reads their status and output
kubectl.py      kubectl's arguments by its own grammar (kubectl_flags.json, which read_kubectl.py makes)
programs.py     what operations texts run, beside what they show as printed
manifests.py    what the manifests say exists
subject.py      one document with all of that
rule.py         what a rule is; rules/ has them, one module per kind (listing.py: as a page)
finding.py      what a rule says, and its correction
suppression.py  findings that somebody has looked at and left
run.py          files in, an outcome out (alone.py: of a text that was read elsewhere)
proven.py       which findings a stored run has proven
formats.py      text, JSON, SARIF, GitHub's annotations
fixing.py       certain corrections, written into the text
command.py      `drill lint`
"""

from drill.lint.finding import Edit, Finding
from drill.lint.run import Options, Outcome, lint_files, lint_text

__all__ = ["Edit", "Finding", "Options", "Outcome", "lint_files", "lint_text"]
