"""What a post that did not arrive asks for: the kind of the error decides, and nothing else.

Pure: the time and the chance are handed in.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chatbot.errors import Closed, DeliveryError, Refused, Unauthorized, Unavailable, Unknown

# The longest first wait; each further one may be twice as long, up to the last.
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
# A platform that failed so often in a row is left alone for a while: one failure may be a room's, five are its own.
PATIENCE = 5
# For no longer than this, so that nobody misses a platform that is back.
LONGEST_BREAK = timedelta(minutes=5)
# Without styles, cut short, the first line alone.
PLAINER = 3

# A number from 0 up to, and without, 1.
Chance = Callable[[], float]


class Step(StrEnum):
    """What to do next with a post."""

    AGAIN = "again"  # it is not there
    ASK = "ask"  # nobody knows, and the platform is asked
    PARK = "park"  # with its room, until a person says otherwise
    STOP = "stop"  # with its platform, until there is a new token
    PLAINER = "plainer"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class Reaction:
    """A step, and where it has to wait, not before when."""

    step: Step
    at: datetime | None = None


def reaction(
    error: DeliveryError, *, attempts: int, plainer: int, now: datetime, settles: timedelta, chance: Chance
) -> Reaction:
    """What to do after so many attempts before this one, `plainer` being how often the post was made plainer.

    Who asks before the platform has settled hears that nothing is there of a post that is still on its way.
    """
    match error:
        case Refused():
            return Reaction(Step.PLAINER if plainer < PLAINER else Step.GIVE_UP)
        case Closed():
            return Reaction(Step.PARK)
        case Unauthorized():
            return Reaction(Step.STOP)
        case Unknown():
            return Reaction(Step.ASK, now + max(settles, backoff(attempts, LONGEST_WAIT, chance)))
        case Unavailable():
            after = timedelta(seconds=error.after)
            return Reaction(Step.AGAIN, now + max(after, backoff(attempts, LONGEST_WAIT, chance)))
    raise AssertionError(error)


def backoff(attempts: int, longest: timedelta, chance: Chance) -> timedelta:
    """Any time up to the longest wait: what failed together does not come back together."""
    return min(FIRST_WAIT * (1 << min(attempts, 20)), longest) * chance()


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether a platform is called at all: not until it had a rest, and not with a token that it does not take.

    After the rest comes one post; if that fails, too, the next rest.
    """

    failures: int = 0
    until: datetime | None = None
    refused: str | None = None

    def lets(self, login: str, now: datetime) -> bool:
        """Whether a post may go out with this login."""
        return login != self.refused and (self.until is None or now >= self.until)

    def arrived(self) -> "Breaker":
        """After the platform took a post, or told what it has, or what it does not take."""
        return Breaker()

    def failed(self, error: DeliveryError, login: str, now: datetime, chance: Chance) -> "Breaker":
        """After an error; of a room or a post it says that the platform is there."""
        if isinstance(error, Unauthorized):
            return replace(self, refused=login)
        if isinstance(error, (Refused, Closed)):
            return self.arrived()
        failures = self.failures + 1
        if failures < PATIENCE:
            return Breaker(failures)
        # Half of it is certain, or chance could leave a platform without any rest.
        rest = LONGEST_BREAK / 2 + backoff(failures - PATIENCE, LONGEST_BREAK / 2, chance)
        return Breaker(failures, now + rest)
