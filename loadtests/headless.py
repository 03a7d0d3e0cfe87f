"""Locust without its web page, for drills: the same command line, half a second sooner.

Locust imports Flask for its page even where none is shown (--headless), which is a third of the time that it
takes to start. Here the page's module is an empty one. For the page, start Locust itself: `locust -f
loadtests/locustfile.py`.
"""

from __future__ import annotations

import sys
from types import ModuleType


class WebUI:
    """Stands for Locust's own; nothing makes one where no page is shown."""


page = ModuleType("locust.web")
page.WebUI = WebUI  # type: ignore[attr-defined]
sys.modules["locust.web"] = page

from locust.main import main  # noqa: E402

if __name__ == "__main__":
    main()
