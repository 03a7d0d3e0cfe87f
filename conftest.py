"""Where pytest finds the step definitions; the fixtures are drill's own plugin's."""

pytest_plugins = ["steps"]
