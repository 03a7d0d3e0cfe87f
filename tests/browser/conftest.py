"""Chromium, and the page of a run of fifty real drills, for all tests of this folder. They need no cluster,
and are run by `make browser`: a machine need not have a Chromium, and without one they fail.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.chromium import BrowserError, Chromium, Page, find_chromium
from tests.browser.stored_drills import ManyDrills, make_fifty

TOLD = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One process for all pages. Fails where there is no Chromium."""
    try:
        find_chromium()
    except BrowserError as error:
        pytest.fail(str(error), pytrace=False)
    browser = Chromium(tmp_path_factory.mktemp("chromium") / "profile")
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> ManyDrills:
    """A run of fifty drills with its page."""
    return make_fifty(tmp_path_factory.mktemp("fifty"))


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    """A window of its own."""
    opened = chromium.new_page()
    yield opened
    opened.close()


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> list[str]:
    """Lines for the end of the run: what was measured, and is nobody's limit."""
    return pytestconfig.stash.setdefault(TOLD, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was measured."""
    for line in config.stash.get(TOLD, []):
        terminalreporter.write_line(line)
