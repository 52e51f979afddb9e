from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import Misunderstood
from chatbot.mail.mail import EARLIEST
from chatbot.report.window import (
    NOTHING,
    SKEW,
    STRAGGLERS,
    Choice,
    Placed,
    Window,
    between,
    candidates,
    last,
    parse_moment,
)
from chatbot.sources.source import Commit, RawMail, Span
from tests.conftest import NOON, compose

DAY = timedelta(days=1)


def raw(number: int, received: datetime, parent: int | None = None, epoch: int = 0) -> RawMail:
    stamp = f"by x; {received:%d %b %Y %H:%M:%S} +0000"
    data = compose(f"mail {number}", number, received=stamp)
    before = None if parent is None else f"c{parent}"
    return RawMail(Commit(epoch, f"c{number}", received, "A", before), data)


def names(found: list[Placed]) -> list[str]:
    return [commit.id for commit, _ in found]


@given(st.lists(st.integers(0, 20), max_size=60), st.integers(0, 20), st.integers(0, 20))
def test_mails_are_found_by_their_arrival_whatever_their_order(days: list[int], since: int, length: int) -> None:
    mails = [raw(number, NOON + day * DAY, parent=number + 1) for number, day in enumerate(days)]
    start, end = NOON + since * DAY, NOON + (since + length) * DAY
    found, window = between(iter(mails), start, end)
    assert names(found) == [f"c{number}" for number, day in enumerate(days) if since <= day < since + length]
    if found:
        assert window.end == found[0][0].id
        assert window.begin == found[-1][0].parent


def dated(*times: datetime) -> list[Commit]:
    return [Commit(0, f"c{number}", time, "A <a@a.example>") for number, time in enumerate(times)]


def chosen(history: Iterable[Commit], since: datetime | None) -> list[str]:
    return [one.id for one in candidates(history, since)]


def test_a_mail_that_was_committed_before_the_window_is_not_read() -> None:
    history = dated(NOON + DAY, NOON, NOON - SKEW, NOON - SKEW - timedelta(seconds=1), NOON - DAY / 2, NOON - 9 * DAY)
    assert chosen(history, NOON) == ["c0", "c1", "c2", "c4"]
    assert chosen(history, None) == ["c0", "c1", "c2", "c3", "c4", "c5"]
    assert len(chosen(history, datetime.min.replace(tzinfo=UTC))) == 6


def test_a_commit_older_than_any_mail_and_one_from_the_future_say_nothing_of_their_mails() -> None:
    history = dated(datetime.fromtimestamp(0, UTC), EARLIEST - DAY, NOON + 9999 * DAY)
    assert chosen(history, NOON) == ["c0", "c1", "c2"]


def test_the_walk_ends_behind_a_row_of_commits_that_are_too_old() -> None:
    walked: list[int] = []

    def history(old: int) -> Iterator[Commit]:
        for number in range(5 * STRAGGLERS):
            walked.append(number)
            yield from dated(NOON - 9 * DAY if number % old else NOON)

    assert len(chosen(history(STRAGGLERS), NOON)) == 5
    walked.clear()
    assert len(chosen(history(STRAGGLERS + 1), NOON)) == 1
    assert len(walked) == STRAGGLERS + 1


def test_the_last_mails_are_counted_over_epochs() -> None:
    mails = [raw(3, NOON, 2, epoch=1), raw(2, NOON, epoch=1), raw(1, NOON, 0), raw(0, NOON)]
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
