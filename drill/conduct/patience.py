"""How long a service that is out is watched: the pure part of watching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["watch on", "time is up", "nothing will come"]


@dataclass(frozen=True)
class Patience:
    """Monotonic seconds. `since`: when the last one acted, or the fault was in where nobody does; `seconds`:
    how long nothing need happen after that; `limit`: the severity's response time has passed at this moment;
    `latest`: watching ends here, whatever is on its way."""

    since: float
    seconds: float
    limit: float
    latest: float

    def at(self, moment: float, on_its_way: Sequence[str] | None) -> Verdict:
        """What to do about a service that is still out. `on_its_way`: what in the cluster has not settled;
        None where nobody looked, which is no reason to end early."""
        if moment >= min(self.limit, self.latest):
            return "time is up"
        if moment < self.since + self.seconds:
            return "watch on"
        return "watch on" if on_its_way is None or on_its_way else "nothing will come"
