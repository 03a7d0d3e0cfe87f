"""Watching the target while a drill runs. Flows in: settings and the drill's recording. Flows out: samples
and the cluster's events.
"""

from drill.observe.sampler import Sampler

__all__ = ["Sampler"]
