"""Story 3: outbox → platform; retry or give up."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from chatbot.chat.platform import Platform, Receipt
from chatbot.errors import DeliveryError, Refused, Unavailable, Unknown
from chatbot.store.outbox import Delivery, Outbox

log = structlog.get_logger(__name__)

# The first wait; each further one is twice as long, up to the last.
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)


# Told of each attempt: the platform, and how it ended: "arrived", or by the error's name, "refused".
Told = Callable[[str, str], None]


def next_try(attempts: int, error: DeliveryError, now: datetime) -> datetime | None:
    """When to try again after so many attempts; None: never."""
    if isinstance(error, Refused):
        return None
    wait = min(FIRST_WAIT * (1 << min(attempts, 20)), LONGEST_WAIT)
    if isinstance(error, Unavailable):
        wait = max(wait, timedelta(seconds=error.after))
    return now + wait


async def deliver(
    outbox: Outbox,
    platforms: Mapping[str, Platform],
    now: Callable[[], datetime],
    *,
    stopped: Callable[[], bool] = lambda: False,
    told: Told = lambda _, __: None,
) -> int:
    """Send what is waiting, in order; how many posts arrived. A room whose post failed waits, the others go on.
    `stopped` is asked before each post, and `told` hears how each attempt ended.
    """
    arrived = 0
    failed: set[tuple[str, str]] = set()
    for delivery in await asyncio.to_thread(outbox.waiting, now()):
        if stopped():
            break
        room = (delivery.platform, delivery.room)
        if room in failed or delivery.platform not in platforms:
            continue
        if await _send(outbox, platforms[delivery.platform], delivery, now, told):
            arrived += 1
        else:
            failed.add(room)
    return arrived


async def _send(
    outbox: Outbox, platform: Platform, delivery: Delivery, now: Callable[[], datetime], told: Told
) -> bool:
    """One attempt. It is written down before the platform is called, and its outcome after."""
    if not await asyncio.to_thread(outbox.sending, delivery):
        return False  # it was taken back, to be planned anew
    try:
        receipt = await _try(platform, delivery)
    except DeliveryError as error:
        told(delivery.platform, type(error).__name__.lower())
        at = next_try(delivery.attempts, error, now())
        # What was given up is a digest that should have gone out.
        tell = log.error if at is None else log.warning
        tell("delivery failed", room=delivery.room, error=str(error), again=at and at.isoformat())
        if at is None:
            await asyncio.to_thread(outbox.dead, delivery, str(error))
        else:
            await asyncio.to_thread(outbox.later, delivery, at, str(error), unknown=isinstance(error, Unknown))
        return False
    told(delivery.platform, "arrived")
    await asyncio.to_thread(outbox.sent, delivery, receipt.remote_id)
    return True


async def _try(platform: Platform, delivery: Delivery) -> Receipt:
    """Raises DeliveryError, whatever the platform raises: of what it did not foresee nobody knows how far it came."""
    try:
        return await platform.send(delivery.room, delivery.post, delivery.key)
    except DeliveryError:
        raise
    except Exception as error:
        log.exception("platform failed", platform=platform.name)
        raise Unknown(f"{type(error).__name__}: {error}") from error
