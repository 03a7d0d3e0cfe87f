"""grep -v whose other option undoes it is found, and what only looks like it is not."""

from __future__ import annotations

import pytest

from drill.lint.run import Options, lint_text


@pytest.mark.parametrize(
    ("options", "is_found"),
    [
        ("-v -o", True),
        ("-vo", True),
        ("--invert-match --only-matching", True),
        ("-v -A 5", True),
        ("-ivC1", True),
        ("-v -2", True),
        ("-v --context=3", True),
        ("-v", False),
        ("-o", False),
        ("-A5 -B5", False),
        ("-v -e -o -e", False),
        ("-vf -o", False),
        ("-v -m 1", False),
        ("-vc -A1", False),
        ("-v -o -q", False),
        ("-v --", False),
    ],
)
def test_leaving_out_and_what_undoes_it(options: str, is_found: bool) -> None:
    text = f"# Look\n\n```bash\nkubectl get nodes | grep {options} -o-\n```\n"
    text = text if options.endswith("--") else text.replace(" -o-", " NotReady")
    assert ("D409" in {finding.rule for finding in lint_text(text, Options())}) == is_found
