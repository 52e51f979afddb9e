"""The chart of a list's activity, looked at as its pixels."""

from collections import Counter
from datetime import UTC, datetime
from io import BytesIO

import pytest
from PIL import Image

from chatbot.report.activity import WEEK, Activity
from chatbot.report.chart import SIZE, draw, ticks
from chatbot.report.digest import MailingList
from tests.hostile import HOSTILE

NOW = datetime(2026, 11, 23, tzinfo=UTC)
BLUE, GREEN, PALE = (59, 111, 182), (47, 143, 107), (169, 213, 195)


def colors(title: str, mails: list[int], series: list[int], versions: list[int]) -> Counter[object]:
    """How many pixels have each color."""
    drawn = draw(Activity(MailingList("kvm", title, ""), NOW, WEEK, mails, series, versions, NOW))
    picture = Image.open(BytesIO(drawn.data))
    assert picture.size == drawn.size == SIZE
    return Counter(picture.get_flattened_data())


def test_bars_are_as_large_as_their_numbers() -> None:
    empty, one, two = (colors("KVM", [n * 100] * 5, [n] * 5, [0] * 5) for n in (0, 10, 20))
    bars = [seen[BLUE] - empty[BLUE] for seen in (one, two)]
    # Both fill their grid.
    assert bars[0] == bars[1] > 50_000
    half = colors("KVM", [1000, 500, 500, 500, 500], [20, 10, 10, 10, 10], [0, 10, 10, 10, 10])
    assert (half[BLUE] - empty[BLUE]) / bars[0] == pytest.approx(0.6, abs=0.01)
    assert (half[PALE] - empty[PALE]) / (half[GREEN] - empty[GREEN]) == pytest.approx(4 / 6, abs=0.03)


def test_nothing_leaves_the_picture_whatever_the_numbers_and_the_title_are() -> None:
    for count in (1, 7, 28, 60):
        assert colors("KVM", [10**7] * count, [10**5] * count, [1] * count)[BLUE] > 10_000
    for title in HOSTILE[::20]:
        assert colors(title, [1], [0], [0])


@pytest.mark.parametrize(
    ("top", "lines"),
    [
        (0, (0, 1)),
        (1, (0, 1)),
        (5, (0, 2, 4, 6)),
        (8, (0, 2, 4, 6, 8)),
        (41, (0, 20, 40, 60)),
        (1234, (0, 500, 1000, 1500)),
    ],
)
def test_the_lines_of_a_grid_are_few_and_round(top: int, lines: tuple[int, ...]) -> None:
    assert ticks(top) == lines
