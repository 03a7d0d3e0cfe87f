"""What the plugin's parts keep for each other in pytest's stash."""

from __future__ import annotations

import pytest

from drill import settings as settings_module
from drill.conduct.drill import Drill
from drill.conduct.kept_drill import KeptDrill
from drill.conduct.run import Run
from drill.conduct.scenario import Facts
from drill.errors import DrillError
from drill.settings import Settings

RUN = pytest.StashKey[Run]()
FACTS = pytest.StashKey[Facts]()
NOT_SELECTED = pytest.StashKey[list[str]]()
DRILL = pytest.StashKey[Drill | KeptDrill]()


def load_settings(config: pytest.Config) -> Settings:
    """The target's file that the command line names. Raises pytest.UsageError in drill's words."""
    try:
        return settings_module.load(config.getoption("--target"))
    except DrillError as error:
        raise pytest.UsageError(str(error)) from error
