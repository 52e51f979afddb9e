from datetime import timedelta

import pytest

from chatbot.errors import Closed, DeliveryError, Refused, Unauthorized, Unavailable, Unknown
from chatbot.reaction import (
    FIRST_WAIT,
    LONGEST_BREAK,
    LONGEST_WAIT,
    PATIENCE,
    PLAINER,
    Breaker,
    Reaction,
    Step,
    reaction,
)
from tests.conftest import NOON

SETTLES = timedelta(minutes=2)
BUSY = Unavailable("busy")


@pytest.mark.parametrize(
    ("error", "attempts", "plainer", "chance", "found"),
    [
        (BUSY, 0, 0, 1, Reaction(Step.AGAIN, NOON + FIRST_WAIT)),
        (BUSY, 3, 0, 1, Reaction(Step.AGAIN, NOON + 8 * FIRST_WAIT)),
        (BUSY, 3, 0, 0.25, Reaction(Step.AGAIN, NOON + 2 * FIRST_WAIT)),
        (BUSY, 99, 0, 1, Reaction(Step.AGAIN, NOON + LONGEST_WAIT)),
        (Unavailable("slow down", after=90.0), 0, 0, 1, Reaction(Step.AGAIN, NOON + timedelta(seconds=90))),
        (Unknown("no answer"), 0, 0, 1, Reaction(Step.ASK, NOON + SETTLES)),
        (Unknown("no answer"), 99, 0, 0.5, Reaction(Step.ASK, NOON + LONGEST_WAIT / 2)),
        (Closed("we are not in the room"), 0, 0, 1, Reaction(Step.PARK)),
        (Unauthorized("the token is revoked"), 0, 0, 1, Reaction(Step.STOP)),
        (Refused("too long"), 0, 0, 1, Reaction(Step.PLAINER)),
        (Refused("too long"), 2, PLAINER - 1, 1, Reaction(Step.PLAINER)),
        (Refused("too long"), 3, PLAINER, 1, Reaction(Step.GIVE_UP)),
    ],
)
def test_each_kind_of_error_has_its_reaction(
    error: DeliveryError, attempts: int, plainer: int, chance: float, found: Reaction
) -> None:
    assert found == reaction(
        error, attempts=attempts, plainer=plainer, now=NOON, settles=SETTLES, chance=lambda: chance
    )


def test_a_platform_that_fails_again_and_again_has_a_rest_and_then_one_post_tries_it() -> None:
    breaker, now = Breaker(), NOON
    for _ in range(PATIENCE):
        assert breaker.lets("token", now)
        breaker = breaker.failed(BUSY, "token", now, lambda: 0.0)
    assert not breaker.lets("token", now + LONGEST_BREAK / 2 - timedelta(seconds=1))
    now += LONGEST_BREAK / 2
    assert breaker.lets("token", now)
    assert not breaker.failed(BUSY, "token", now, lambda: 0.0).lets("token", now + timedelta(seconds=1))
    assert breaker.failed(Refused("too long"), "token", now, lambda: 0.0) == breaker.arrived() == Breaker()


def test_no_rest_is_longer_than_the_longest() -> None:
    breaker = Breaker(failures=99).failed(BUSY, "token", NOON, lambda: 1.0)
    assert breaker.lets("token", NOON + LONGEST_BREAK)


def test_a_platform_that_does_not_take_the_token_waits_for_another_however_long() -> None:
    breaker = Breaker().failed(Unauthorized("revoked"), "old", NOON, lambda: 0.0)
    assert not breaker.lets("old", NOON + timedelta(days=365))
    assert breaker.lets("new", NOON)
