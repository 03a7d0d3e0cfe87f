"""The sentences of the features are drill's own."""

pytest_plugins = ["steps"]
