import operator
import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from chatbot.errors import Misunderstood
from chatbot.rhythm import parse_duration, parse_rhythm, slots

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("words", "cron"),
    [
        ("daily at 9:00", "0 9 * * *"),
        ("Daily 09:30", "30 9 * * *"),
        ("every day at 7", "0 7 * * *"),
        ("weekdays 08:30", "30 8 * * 1-5"),
        ("on weekends at 10:00", "0 10 * * 0,6"),
        ("every monday", "0 9 * * 1"),
        ("sundays at 18:15", "15 18 * * 0"),
        ("hourly", "0 * * * *"),
        ("every hour", "0 * * * *"),
        ("every 2 hours", "0 */2 * * *"),
        ("every 24 hours", "0 */24 * * *"),
        ("every 15 minutes", "*/15 * * * *"),
        ("every minute", "* * * * *"),
        ("5 4 * * mon-fri", "5 4 * * mon-fri"),
        ("0 0 29 2 *", "0 0 29 2 *"),
    ],
)
def test_words_and_cron_say_the_same(words: str, cron: str) -> None:
    assert parse_rhythm(words).cron == cron


@pytest.mark.parametrize(
    "words",
    [
        "",
        "sometimes",
        "daily at 25:00",
        "daily at 9:75",
        "0 0 30 2 *",
        "* * *",
        "every monday and",
        "at 9",
    ],
)
def test_a_schedule_that_says_nothing_is_refused_with_examples(words: str) -> None:
    with pytest.raises(Misunderstood, match=r"says nothing that ever comes.*daily at 09:00"):
        parse_rhythm(words)


@pytest.mark.parametrize(
    ("words", "instead"),
    [("every 45 minutes", 30), ("every 5 hours", 4), ("every 0 minutes", 1), ("every 99 hours", 24)],
)
def test_what_does_not_come_at_equal_distances_is_refused(words: str, instead: int) -> None:
    with pytest.raises(
        Misunderstood, match=f"{words}: this does not divide .*; write every {instead} (minutes|hours)$"
    ):
        parse_rhythm(words)


def local(rhythm: str, after: datetime, until: datetime, zone: ZoneInfo = BERLIN) -> list[str]:
    return [f"{slot.astimezone(zone):%d %H:%M}" for slot in slots(parse_rhythm(rhythm), zone, after, until)]


def test_a_time_that_the_clocks_leave_out_moves_by_the_gap_and_one_that_comes_twice_counts_once() -> None:
    march = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert local("daily at 02:30", march, march + 3 * DAY) == ["28 02:30", "29 03:30", "30 02:30"]
    october = datetime(2026, 10, 23, 12, tzinfo=UTC)
    assert local("daily at 02:30", october, october + 3 * DAY) == ["24 02:30", "25 02:30", "26 02:30"]
    hours = list(
        slots(parse_rhythm("hourly"), BERLIN, datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 29, 3, tzinfo=UTC))
    )
    assert [slot.hour for slot in hours] == [1, 2, 3]


def zones_of_different_rules(begin: datetime, end: datetime) -> list[ZoneInfo]:
    """Of zones whose clocks show the same at every hour between, one: the others cannot differ."""
    hours = [begin + number * timedelta(hours=1) for number in range((end - begin) // timedelta(hours=1))]
    names = sorted(available_timezones() - {"Factory", "localtime"})
    return list(
        {
            tuple(hour.astimezone(ZoneInfo(name)).utcoffset() for hour in hours): ZoneInfo(name) for name in names
        }.values()
    )


# `make soak` tries all 48; else those around which clocks are changed.
HALF_HOURS = range(48) if "SEEDS" in os.environ else (0, 5, 47)


def test_a_daily_digest_comes_once_a_day_in_every_zone_whatever_its_clocks_do() -> None:
    begin, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    for zone in zones_of_different_rules(begin, end):
        for half in HALF_HOURS:
            found = list(slots(parse_rhythm(f"daily at {half // 2}:{half % 2 * 30:02}"), zone, begin, end))
            assert all(map(operator.lt, found, found[1:]))
            assert begin < found[0]
            assert found[-1] <= end
            assert len(found) in (729, 730, 731)
            meant = [(found[0].astimezone(zone) + number * DAY).replace(tzinfo=None) for number in range(len(found))]
            for wall, slot in zip(meant, found, strict=True):
                moved = slot.astimezone(zone).replace(tzinfo=None) - wall
                if moved:  # only by what the clocks leave out, which may be a day's last hour, as in Scoresbysund
                    assert moved == slot.astimezone(zone).utcoffset() - (slot - moved).astimezone(zone).utcoffset()


@pytest.mark.parametrize("words", ["", "0d", "7", "d", "-1d", "1 fortnight"])
def test_a_span_of_no_time_is_refused(words: str) -> None:
    with pytest.raises(Misunderstood):
        parse_duration(words)


def test_spans_of_time_in_words() -> None:
    spans = [parse_duration(words) for words in ("90m", "1 minute", "12h", "7 d", "2 weeks")]
    assert spans == [timedelta(minutes=90), timedelta(minutes=1), timedelta(hours=12), 7 * DAY, 14 * DAY]
