"""How fast a homeserver lets us send. It tells when that was too fast: from then on there is one in so many seconds,
and after a pause some at once, as it is with Synapse. Where all goes well for a while, a little faster is tried.

Law of the file: those who send at once are told the same thing at once; of each moment one word counts.
"""

import asyncio

# What Synapse takes at once, where nobody changed it.
_BURST = 10.0
# Seconds from one to the next: whatever a homeserver says, nobody waits longer.
_SLOWEST = 60.0
# After so many that were taken, so much faster.
_PROVEN, _FASTER = 20, 0.8
# Seconds: less is no time, and would be waited for without end.
_TICK = 0.001


class Pace:
    """Of one account."""

    def __init__(self) -> None:
        """Nothing was too fast yet."""
        self._every, self._burst, self._left = 0.0, _BURST, 0.0
        self._at = self._slowed = 0.0
        self._taken = 0
        self._line = asyncio.Lock()

    async def turn(self) -> float:
        """Wait until one may be sent, in the order of asking; when that was."""
        async with self._line:
            while self._refilled() < 1 and self._every:  # noqa: ASYNC110  # for a time, not for an event
                await asyncio.sleep(max(_TICK, (1 - self._left) * self._every))
            self._left -= 1
        return self._at

    def went(self) -> None:
        """One was taken."""
        self._taken += 1
        if self._taken % _PROVEN == 0:
            self._every, self._burst = self._every * _FASTER, min(_BURST, self._burst / _FASTER)

    def slow_down(self, began: float, after: float) -> None:
        """One that had its turn then was too many; the next may come after so many seconds."""
        if began < self._slowed:
            return
        if self._every and self._left > 0:
            self._burst = max(1.0, self._burst / 2)
        self._every = min(_SLOWEST, self._every + after)  # it came so much too early
        self._refilled()
        self._left, self._slowed, self._taken = 1 - after / self._every, self._at, 0

    def _refilled(self) -> float:
        now = asyncio.get_running_loop().time()
        if self._every:
            self._left = min(self._burst, self._left + (now - self._at) / self._every)
        self._at = now
        return self._left
