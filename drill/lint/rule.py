"""What a rule is. Flows in: the rule modules' functions. Flows out: the list of all rules, by id.

A rule is a function that looks at a Subject and yields findings. Its bad and its good example are its
documentation and its tests: the bad one must be found by it, the good one must be found by none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from drill.lint.finding import Finding
from drill.lint.subject import Subject

Check = Callable[[Subject], Iterator[Finding]]

KINDS: dict[str, str] = {
    "D0": "text",
    "D1": "names",
    "D2": "commands that never return, or not here",
    "D3": "status says nothing",
    "D4": "sight",
    "D5": "order",
    "D6": "does not last",
    "D7": "too much or too little",
    "D8": "tools",
    "D9": "alerts",
}
NEEDS: dict[str, str] = {
    "manifests": "--manifests FOLDER",
    "image": "--image IMAGE=TOOLS",
    "metrics": "--metrics FILE",
    "promtool": "promtool: drill's own, which `drill alerts check` installs, or on the PATH",
    "shellcheck": "shellcheck on the PATH",
    "bash": "bash on the PATH",
    "folder": "the folder that the text lies in",
}


@dataclass(frozen=True)
class Rule:
    """`title`: what will happen, in a few words; `why`: in a few sentences, for --explain; `bad`, `good`:
    examples, in `language` (markdown: a whole text); `needs`: without what it does not apply, names of NEEDS.
    """

    id: str
    title: str
    why: str
    bad: str
    good: str
    check: Check
    language: str = "bash"
    needs: tuple[str, ...] = ()
    fixes: bool = False

    @property
    def kind(self) -> str:
        """The group of rules that it belongs to."""
        return KINDS[self.id[:2]]


RULES: dict[str, Rule] = {}


def rule(
    identifier: str,
    title: str,
    *,
    why: str,
    bad: str,
    good: str,
    language: str = "bash",
    needs: tuple[str, ...] = (),
    fixes: bool = False,
) -> Callable[[Check], Check]:
    """Enter a function into the list of rules. An id that is taken is a programming error."""

    def enter(check: Check) -> Check:
        if identifier in RULES:
            raise ValueError(f"{identifier} is the id of {RULES[identifier].title!r} already")
        RULES[identifier] = Rule(
            identifier,
            title,
            " ".join(why.split()),
            bad.strip("\n"),
            good.strip("\n"),
            check,
            language,
            needs,
            fixes,
        )
        return check

    return enter
