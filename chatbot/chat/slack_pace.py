"""How fast Slack lets us call it: in each channel, and in the whole workspace by its methods' tiers."""

import asyncio
from collections import defaultdict, deque

# One message a second in a channel, by every way of posting: https://docs.slack.dev/apis/web-api/rate-limits
PACE = 1.1
# Seconds in which a tier counts. What has left us may come in closer together, so that we stay below what it lets.
MINUTE = 60.0
# Of each method, so many in which part of a minute, in a workspace: of tier 3 Slack takes 50 a minute, of tier 4 100,
# and of messages "several hundred", of which it may lose some that come all at once.
TIERS = {
    "chat.postEphemeral": (90, 1.0),
    "chat.postMessage": (1, 1 / 240),
    "chat.unfurl": (45, 1.0),
    "conversations.history": (45, 1.0),
    "conversations.info": (45, 1.0),
    "conversations.replies": (45, 1.0),
    "users.info": (90, 1.0),
    "views.publish": (90, 1.0),
    "views.update": (90, 1.0),
}


class Pace:
    """Of one workspace."""

    def __init__(self, room: float = PACE, minute: float = MINUTE) -> None:
        """In seconds: between messages in a room, and in which the tiers count."""
        self._room, self._minute = room, minute
        self._next: dict[str, float] = defaultdict(float)
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._last = {method: deque[float](maxlen=most) for method, (most, _) in TIERS.items()}

    async def message(self, room: str) -> None:
        """Wait until the room may have its next message."""
        async with self._turns[room]:
            await asyncio.sleep(self._next[room] - asyncio.get_running_loop().time())
            await self.call("chat.postMessage")
            self._next[room] = asyncio.get_running_loop().time() + self._room

    async def call(self, method: str) -> None:
        """Wait until the method may be called; places are given in the order of asking."""
        loop, last, (most, part) = asyncio.get_running_loop(), self._last[method], TIERS[method]
        free = last[0] + part * self._minute if len(last) == most else 0.0
        at = max(loop.time(), free)
        last.append(at)
        await asyncio.sleep(at - loop.time())
