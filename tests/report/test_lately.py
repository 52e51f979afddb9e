from datetime import timedelta

from chatbot.report.lately import WEEKS, weekly
from chatbot.report.sparkline import sparkline
from tests.conftest import NOON, compose, read_one


def test_a_week_ends_with_the_moment_of_the_question() -> None:
    ago = (timedelta(), timedelta(days=7), timedelta(days=7, seconds=-1), timedelta(days=90, seconds=-1))
    weeks = weekly([read_one(compose("[PATCH] a"), NOON - one) for one in ago], NOON)
    assert weeks == (1, *(0 for _ in range(WEEKS - 3)), 1, 2)


def test_the_largest_number_has_the_highest_bar_and_what_is_something_has_one() -> None:
    assert sparkline((0, 1, 50, 100, 800)) == "·▁▁▁█"
    assert sparkline(range(9)) == "·▁▂▃▄▅▆▇█"
    assert sparkline((0, 1, 1)) == "·██"
    assert sparkline((0, 0)) == "··"
