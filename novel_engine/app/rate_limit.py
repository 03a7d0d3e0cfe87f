"""How often somebody may ask. Flows in: who asks. Flows out: which of this second's requests of theirs this
is.

Each process counts for itself: no request waits for a count.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable


class RequestsOfThisSecond:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._second = 0
        self._counts: Counter[str] = Counter()

    def count(self, who: str) -> int:
        """Counts one more, and returns how many that makes."""
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._counts.clear()
        self._counts[who] += 1
        return self._counts[who]
