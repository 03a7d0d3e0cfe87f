"""The machine that drills run on: engine, node image, cluster, target; and what is missing on it."""
