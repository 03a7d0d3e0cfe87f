"""One line as a picture for a README. Flows in: what was last proven. Flows out: SVG that needs nothing
else.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from drill.history.proven import LastProven

CHARACTER_WIDTH = 6.6
PADDING = 8
HEIGHT = 20
LABEL = "runbook"
COLOURS = {"all": "#1a7f4b", "some": "#8a6d00", "failing": "#b04300", "none": "#5c666f"}


def badge(pieces: Sequence[LastProven]) -> str:
    """How many procedures are proven as they are now; red where one fails. Alerts and checklists are in the
    table."""
    procedures = [piece for piece in pieces if piece.kind == "procedure"]
    proven = [piece for piece in procedures if piece.state == "proven"]
    failing = [piece for piece in procedures if piece.state == "failing"]
    text = f"{len(proven)} of {len(procedures)} procedures proven"
    if failing:
        text += f", {len(failing)} failing"
    elif proven:
        text += f", the oldest {max(piece.days or 0 for piece in proven):.0f} d ago"
    colour = (
        "failing" if failing else "none" if not proven else "some" if len(proven) < len(procedures) else "all"
    )
    left, right = (len(each) * CHARACTER_WIDTH + 2 * PADDING for each in (LABEL, text))
    width = left + right
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{HEIGHT}" role="img" \
aria-label="{LABEL}: {escape(text)}">
<title>{LABEL}: {escape(text)}</title>
<clipPath id="r"><rect width="{width:.1f}" height="{HEIGHT}" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{left:.1f}" height="{HEIGHT}" fill="#33393e"/>\
<rect x="{left:.1f}" width="{right:.1f}" height="{HEIGHT}" fill="{COLOURS[colour]}"/></g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{left / 2:.1f}" y="14" textLength="{left - 2 * PADDING:.1f}">{LABEL}</text>
<text x="{left + right / 2:.1f}" y="14" textLength="{right - 2 * PADDING:.1f}">{escape(text)}</text>
</g>
</svg>
"""
