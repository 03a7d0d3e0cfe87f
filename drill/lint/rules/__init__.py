"""The rules, one module per kind. Importing this enters them all into drill.lint.rule.RULES."""

from drill.lint.rules import (
    alerts,
    elsewhere,
    lasting,
    names,
    never_return,
    order,
    shellcheck,
    sight,
    status,
    text,
    too_much,
    tools,
)

__all__ = [
    "alerts",
    "elsewhere",
    "lasting",
    "names",
    "never_return",
    "order",
    "shellcheck",
    "sight",
    "status",
    "text",
    "too_much",
    "tools",
]
