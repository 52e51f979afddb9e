"""Story 3: outbox → platform; ask, retry, make plainer, or give up, as `reaction` says."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from typing import TypeVar

import structlog

from chatbot.chat.platform import Divided, Platform, Receipt, still_ours
from chatbot.chat.post import plainer
from chatbot.errors import DeliveryError, Unavailable, Unknown
from chatbot.reaction import Breaker, Chance, Step, reaction
from chatbot.store.delivery import Delivery
from chatbot.store.outbox import Outbox

log = structlog.get_logger(__name__)

# So long before now a post may have been sent of which our database, out of a backup, knows nothing: over a weekend.
LOOK_BACK = timedelta(days=3)

_T = TypeVar("_T")
# Told of each attempt: the platform, and how it ended: "arrived", or by the error's name, "refused".
Told = Callable[[str, str], None]
# Told of a post whose room was parked, and why.
Parked = Callable[[Delivery, str], Awaitable[None]]


async def _nobody(_: Delivery, __: str) -> None:
    """Nobody is told."""


async def deliver(
    outbox: Outbox,
    platforms: Mapping[str, Platform],
    breakers: MutableMapping[str, Breaker],
    now: Callable[[], datetime],
    chance: Chance = random,
    *,
    stopped: Callable[[], bool] = lambda: False,
    told: Told = lambda _, __: None,
    parked: Parked = _nobody,
) -> int:
    """Send what is waiting, each room's posts in order; how many arrived. A room whose post failed waits, the others go
    on; no platform waits for another. What is known of each platform, or of each of its services, is kept in
    `breakers` from call to call.
    `stopped` is asked before each post, and `told` hears how each attempt ended, and
    `parked` once of each room that takes no more.
    """
    couriers = [
        _Courier(outbox, platform, breakers, now, chance, stopped, told, parked) for platform in platforms.values()
    ]
    outcomes = await asyncio.gather(*(courier.deliver() for courier in couriers), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return sum(courier.arrived for courier in couriers)


@dataclass
class _Courier:
    """Takes one platform its posts, one at a time."""

    outbox: Outbox
    platform: Platform
    breakers: MutableMapping[str, Breaker]
    now: Callable[[], datetime]
    chance: Chance
    stopped: Callable[[], bool]
    told: Told
    parked: Parked
    arrived: int = 0

    async def deliver(self) -> None:
        """Until nothing waits but for rooms that have failed, or whose service is to be left alone."""
        failed: set[str] = set()
        while True:
            waiting = await asyncio.to_thread(self.outbox.waiting, self.now())
            ready = [
                one
                for one in waiting
                if one.platform == self.platform.name
                and one.room not in failed
                and self.outbox.ours(one.platform, one.room)
            ]
            if not ready:
                return
            for delivery in ready:
                if self.stopped():
                    return
                lets = self._breaker(delivery.room).lets(self.platform.login, self.now())
                if not lets or not await self._deliver(delivery):
                    failed.add(delivery.room)

    def _breaker(self, room: str) -> Breaker:
        return self.breakers.get(self._service(room), Breaker())

    def _service(self, room: str) -> str:
        return self.platform.service(room) if isinstance(self.platform, Divided) else self.platform.name

    async def _deliver(self, delivery: Delivery) -> bool:
        """Whether the room may have its next post now."""
        still = self.outbox.term(delivery)
        try:
            receipt = await self._look_for(delivery)
            if receipt is None and delivery.withdrawn:
                again = await asyncio.to_thread(self.outbox.taken_back, delivery)
                log.warning("post taken back", room=delivery.room, planned_anew=again)
                return not again
            if receipt is None:
                # The attempt is written down before the platform is called, and its outcome after.
                if not await asyncio.to_thread(self.outbox.sending, delivery, self.now(), self.platform.settles):
                    return False
                receipt = await self._send(delivery, still)
        except DeliveryError as error:
            return await self._react(delivery, error)
        self.told(self.platform.name, "arrived")
        self.breakers[self._service(delivery.room)] = self._breaker(delivery.room).arrived()
        await asyncio.to_thread(self.outbox.sent, delivery, receipt.remote_id)
        self.arrived += 1
        return True

    async def _look_for(self, delivery: Delivery) -> Receipt | None:
        """The post, where it may be there already."""
        uncertain = self.outbox.uncertain(delivery)
        since = delivery.doubt or (self.now() - LOOK_BACK if uncertain else None)
        if since is None:
            return None
        receipt = await self._call(self.platform.find(delivery.room, delivery.key, since, delivery.under))
        if receipt is None:
            self.outbox.be_certain(delivery)
        elif delivery.doubt is None:
            log.error("post was there", room=delivery.room, remedy="was a backup restored? see docs/scaling.md")
            await asyncio.to_thread(self.outbox.adopt, delivery)
        return receipt

    async def _send(self, delivery: Delivery, still: Callable[[], bool]) -> Receipt:
        """By who has had the room from before it was written down that the post is being sent."""

        def ours() -> None:
            if not still():
                raise Unavailable("another replica may have the room")

        ours()
        still_ours.set(ours)
        post = plainer(delivery.post, self.platform.dialect, delivery.plainer)
        return await self._call(self.platform.send(delivery.room, post, delivery.key, delivery.under))

    async def _call(self, calling: Awaitable[_T]) -> _T:
        """Raises DeliveryError: of what the platform did not foresee nobody knows how far it came."""
        try:
            return await calling
        except DeliveryError:
            raise
        except Exception as error:
            log.exception("platform failed", platform=self.platform.name)
            raise Unknown(f"{type(error).__name__}: {error}") from error

    async def _react(self, delivery: Delivery, error: DeliveryError) -> bool:
        """Write down what follows; whether the room may have its next post now."""
        self.told(self.platform.name, type(error).__name__.lower())
        breaker, login, now = self._breaker(delivery.room), self.platform.login, self.now()
        self.breakers[self._service(delivery.room)] = breaker.failed(error, login, now, self.chance)
        found = reaction(
            error,
            attempts=delivery.attempts,
            plainer=delivery.plainer,
            now=now,
            settles=self.platform.settles,
            chance=self.chance,
        )
        facts = {"platform": delivery.platform, "room": delivery.room, "key": delivery.key[:12], "error": str(error)}
        at, reason = found.at or now.replace(microsecond=0), str(error)
        match found.step:
            case Step.AGAIN:
                log.warning("post not taken", **facts, again=at.isoformat())
                await asyncio.to_thread(self.outbox.again, delivery, at, reason)
            case Step.ASK:
                log.warning("post in doubt", **facts, asked=at.isoformat())
                await asyncio.to_thread(self.outbox.ask, delivery, at, reason)
            case Step.PARK:
                log.error("room parked", **facts, remedy=f"mend it, then: chatbot outbox retry {delivery.key[:12]}")
                await asyncio.to_thread(self.outbox.park, delivery, reason)
                await self.parked(delivery, reason)
            case Step.STOP:
                log.error("platform stopped", **facts, remedy="give it a new token; what waits is kept")
                await asyncio.to_thread(self.outbox.again, delivery, at, reason)
            case Step.PLAINER:
                log.warning("post made plainer", **facts)
                await asyncio.to_thread(self.outbox.again, delivery, at, reason, plainer=True)
            case Step.GIVE_UP:
                log.error("post given up", **facts, remedy=f"look at it: chatbot outbox show {delivery.key[:12]}")
                await asyncio.to_thread(self.outbox.dead, delivery, reason)
        return found.step in (Step.PLAINER, Step.GIVE_UP)
