"""Names of severities, as runbooks and tags write them."""

from __future__ import annotations

import re

_SEVERITY = re.compile(
    r"(?:(?P<priority>P|Priority)|(?P<severity>SEV|Severity))[ -]?(?P<number>\d)", re.IGNORECASE
)


def severity_of(text: str) -> str | None:
    """The severity that a name means, as "P1" or "SEV1": `P1`, `P-1`, `Priority 1` are one, `SEV1`, `SEV-1`,
    `Sev 1`, `Severity 1` another, since one kind begins at 0 and the other at 1. None for what is no
    severity."""
    match = _SEVERITY.fullmatch(text.strip())
    if match is None:
        return None
    return f"{'P' if match['priority'] else 'SEV'}{match['number']}"
