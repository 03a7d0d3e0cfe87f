"""What is asked of the page of a run, in a browser. Each check looks at an open page and gives what is wrong
with it, in words; nothing where all is well. What is asked within the page is in page_checks.js.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.browser.chromium import Page

MOST_BYTES = 3_000_000
"""Of a page of fifty drills."""
SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def too_large(page: Path) -> list[str]:
    """The file can be sent by mail."""
    size = page.stat().st_size
    return [f"{size} bytes, more than {MOST_BYTES}"] if size > MOST_BYTES else []


def unfold(page: Page) -> None:
    """Open all that can be opened."""
    _look(page, "unfold")


def unfold_once(page: Page) -> None:
    """The same, but of drills that are there under several names only the first."""
    _look(page, "unfoldOnce")


def barriers(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds in all that is open, by all of its rules, best practices among them, or by these."""
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8") + "; undefined")
    only = {"runOnly": list(rules)} if rules else {}
    found = page.evaluate(f"axe.run(document, {json.dumps({'resultTypes': ['violations'], **only})})")
    return [
        f"{rule['id']} ({rule['help']}): {node['html'][:160]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def wider_than_the_window(page: Page) -> list[str]:
    """Nothing makes the page scroll sideways; what is wide scrolls within itself."""
    return list(_look(page, "wider"))


def cut_at_the_beginning(page: Page) -> list[str]:
    """The first character of each label and command is there: not cut by what holds it, and not left out."""
    return list(_look(page, "cut"))


def out_of_reach(page: Page, *, key: str = "Tab") -> list[str]:
    """By this key alone each control that is shown gets the focus, in view, not covered, with a frame that
    shows it."""
    count = _look(page, "begin")
    reached: list[int] = []
    wrong = []
    while len(reached) < count:
        page.press(key)
        number, said = _look(page, "focused")
        if number in reached:
            break
        if number >= 0:
            reached.append(number)
        if said:
            wrong.append(said)
    return wrong + [f"{control}: {key} does not lead to it" for control in _look(page, "missed", reached)]


def shown_rows(page: Page) -> list[str]:
    """The scenarios of the rows that a reader sees, in order."""
    return list(_look(page, "rows"))


def choose(page: Page, name: str, value: str) -> None:
    """Pick an entry of a list. Raises BrowserError where it has none of this name."""
    _look(page, "choose", name, value)


def search(page: Page, words: str) -> None:
    """Type into the field, in place of what is there."""
    page.evaluate("document.querySelector('#filters [name=q]').select()")
    page.type(words)


def wrongly_chosen(page: Page, wanted: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    """Each entry of each list leaves exactly its rows. `wanted`: list -> entry -> scenarios."""
    wrong = []
    for name, entries in wanted.items():
        offered = _look(page, "entries", name)
        if sorted(offered) != sorted(["", *entries]):
            wrong.append(f"{name} offers {offered}, not {sorted(entries)}")
        for entry, scenarios in entries.items():
            choose(page, name, entry)
            shown = shown_rows(page)
            if sorted(shown) != sorted(scenarios):
                wrong.append(f"{name}={entry}: shows {len(shown)} rows, not {len(scenarios)}")
        choose(page, name, "")
    return wrong


def linked_places(page: Page) -> list[str]:
    """All places of the page that it leads to."""
    return list(_look(page, "places"))


def dead_links(page: Page) -> list[str]:
    """Each of those is there."""
    return list(_look(page, "dead"))


def not_opened(page: Page, places: Sequence[str]) -> list[str]:
    """A link to each of these places shows it in the window, though all is folded and nothing is chosen."""
    return list(_look(page, "closed", list(places)))


def missing_on_paper(page: Page) -> list[str]:
    """On paper each row that was chosen has its details, though it is folded, and nothing of use on a screen
    alone is there."""
    page.media(printed=True)
    found = list(_look(page, "paper"))
    page.media()
    return found


def loading(page: Page) -> dict[str, float]:
    """Milliseconds from the beginning until the page was read (`ready`), first drawn (`drawn`) and complete
    (`loaded`)."""
    return dict(_look(page, "loading"))


def _look(page: Page, what: str, *arguments: Any) -> Any:
    """Call a function of page_checks.js."""
    given = ", ".join(json.dumps(each) for each in arguments)
    return page.evaluate(f"{SCRIPT}; look.{what}({given})")
