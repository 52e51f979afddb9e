from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import Misunderstood
from chatbot.report.window import NOTHING, STRAGGLERS, Choice, Placed, Window, between, last, parse_moment
from chatbot.sources.source import Commit, RawMail, Span
from tests.conftest import NOON, compose

DAY = timedelta(days=1)


def raw(number: int, received: datetime, committed: datetime | None = None, epoch: int = 0) -> RawMail:
    stamp = f"by x; {received:%d %b %Y %H:%M:%S} +0000"
    data = compose(f"mail {number}", number, received=stamp)
    return RawMail(Commit(epoch, f"c{number}", committed or received, "A"), data)


def names(found: list[Placed]) -> list[str]:
    return [commit.id for commit, _ in found]


@given(st.lists(st.integers(0, 20), max_size=60), st.integers(0, 20), st.integers(0, 20))
def test_mails_are_found_by_their_arrival_whatever_their_order(days: list[int], since: int, length: int) -> None:
    mails = [raw(number, NOON + day * DAY) for number, day in enumerate(days)]
    start, end = NOON + since * DAY, NOON + (since + length) * DAY
    found, window = between(iter(mails), start, end)
    assert names(found) == [f"c{number}" for number, day in enumerate(days) if since <= day < since + length]
    if found:
        assert window.end == found[0][0].id
        assert window.begin == (NOTHING if found[-1][0] == mails[-1].commit else f"c{int(found[-1][0].id[1:]) + 1}")


def test_the_search_ends_when_both_clocks_say_that_all_is_old() -> None:
    read: list[int] = []

    def archive(committed: Callable[[int], datetime]) -> list[Placed]:
        read.clear()

        def mails() -> object:
            for number in range(5 * STRAGGLERS):
                read.append(number)
                yield raw(number, NOON - number * DAY, committed(number))

        return between(mails(), NOON - 3 * DAY, None)[0]  # type: ignore[arg-type]

    assert len(archive(lambda number: NOON - number * DAY)) == 4
    assert len(read) < 2 * STRAGGLERS
    # An archive imported today: its commits say nothing about the mails' age, so all of them are looked at.
    assert len(archive(lambda _: NOON)) == 4
    assert len(read) == 5 * STRAGGLERS


def test_the_last_mails_are_counted_over_epochs() -> None:
    mails = [raw(3, NOON, epoch=1), raw(2, NOON, epoch=1), raw(1, NOON), raw(0, NOON)]
    assert last(mails, 3)[1] == Window((Span(0, "c0", "c1"), Span(1, None, "c3")))
    assert last(mails, 1)[1] == Window((Span(1, "c2", "c3"),))
    everything, window = last(mails, 9)
    assert (len(everything), window.begin, window.end) == (4, NOTHING, "c3")
    assert last([], 9) == ([], Window())


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOON - 7 * DAY),
        ("2 weeks", NOON - 14 * DAY),
        ("12h", NOON - DAY / 2),
        ("2025-11-01", datetime(2025, 11, 1, tzinfo=UTC)),
        ("2025-11-01T08:00", datetime(2025, 11, 1, 8, tzinfo=UTC)),
        ("2025-11-01T08:00+02:00", datetime(2025, 11, 1, 6, tzinfo=UTC)),
    ],
)
def test_moments_in_words(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOON) == moment


@pytest.mark.parametrize(
    "choice",
    [
        Choice(),
        Choice("A..B", since="7d"),
        Choice("A..B", last=3),
        Choice(since="7d", last=3),
        Choice(last=0),
        Choice(since="soon"),
        Choice(since="2025-11-02", until="2025-11-01"),
        Choice(since="2025-11-02", until="2025-11-02"),
        Choice(since="2026-01-01"),
        Choice(until=""),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(choice: Choice) -> None:
    with pytest.raises(Misunderstood):
        choice.times(NOON)
