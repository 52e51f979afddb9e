"""The activity of a list as a picture: mails above, postings below, on one axis of time.

Law of the file: nothing but rectangles and text, in pixels of a picture that chats show at half its size.
"""

from collections.abc import Sequence
from io import BytesIO
from itertools import count
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from chatbot.chat.post import File, printable
from chatbot.report.activity import Activity

SIZE = (1280, 760)
_LEFT, _RIGHT = 96, 1240
# Each panel from its top to its axis.
_MAILS, _POSTINGS = (150, 400), (500, 670)
_PAPER, _INK, _QUIET, _GRID = "#ffffff", "#1d1c1d", "#61656d", "#e4e6ea"
_BLUE, _GREEN, _PALE = "#3b6fb6", "#2f8f6b", "#a9d5c3"
# At most so many lines of a grid, and so many dates below the bars: more are not read.
_LINES, _DATES = 4, 7
# What a bar leaves free of its place.
_GAP = 0.28


class _Layer(NamedTuple):
    """Numbers that stand above those of the layer before."""

    name: str
    color: str
    numbers: Sequence[int]


def draw(activity: Activity) -> File:
    """A PNG."""
    picture = Image.new("RGB", SIZE, _PAPER)
    on = ImageDraw.Draw(picture)
    on.text((40, 34), printable(activity.heading), _INK, _font(34))
    mails = _Layer(f"mails a {activity.unit}", _BLUE, activity.mails)
    postings = [
        _Layer(f"new series a {activity.unit}", _GREEN, activity.series),
        _Layer("new versions", _PALE, activity.versions),
    ]
    _panel(on, _MAILS, [mails])
    _panel(on, _POSTINGS, postings, activity.remark)
    _dates(on, activity)
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return File.of_png(f"{activity.mailing_list.name}-activity.png", file.getvalue())


def ticks(top: int) -> tuple[int, ...]:
    """Where the lines of a grid stand that reaches up to a number: round ones, from 0 to what is not below it."""
    top = max(top, 1)
    round_ones = (digit * 10**zeros for zeros in count() for digit in (1, 2, 5))
    step = next(one for one in round_ones if one * _LINES >= top)
    return tuple(range(0, -(-top // step) * step + 1, step))


def _panel(on: ImageDraw.ImageDraw, ends: tuple[int, int], layers: Sequence[_Layer], remark: str = "") -> None:
    top, axis = ends
    totals = [sum(each) for each in zip(*(layer.numbers for layer in layers), strict=True)]
    lines = ticks(max(totals))
    high = (axis - top) / lines[-1]
    for line in lines:
        y = round(axis - line * high)
        on.line((_LEFT, y, _RIGHT, y), _QUIET if line == 0 else _GRID, 2)
        on.text((_LEFT - 14, y), f"{line:,}", _QUIET, _font(22), anchor="rm")
    wide = (_RIGHT - _LEFT) / len(totals)
    for place in range(len(totals)):
        left, below = _LEFT + (place + _GAP / 2) * wide, float(axis)
        for layer in layers:
            if number := layer.numbers[place]:
                above = below - number * high
                on.rectangle((left, above, left + wide * (1 - _GAP), max(above, below - 1)), layer.color)
                below = above
    _legend(on, top - 46, layers)
    on.text((_RIGHT, top - 32), remark, _QUIET, _font(22), anchor="rm")


def _legend(on: ImageDraw.ImageDraw, y: int, layers: Sequence[_Layer]) -> None:
    x = float(_LEFT)
    for layer in layers:
        on.rectangle((x, y + 5, x + 17, y + 22), layer.color)
        on.text((x + 28, y + 14), layer.name, _INK, _font(24), anchor="lm")
        x += 28 + on.textlength(layer.name, _font(24)) + 40


def _dates(on: ImageDraw.ImageDraw, activity: Activity) -> None:
    begins = activity.begins
    wide, every = (_RIGHT - _LEFT) / len(begins), -(-len(begins) // _DATES)
    for place in range(len(begins) - 1, -1, -every):
        x = _LEFT + (place + 0.5) * wide
        on.text((x, _POSTINGS[1] + 30), f"{begins[place]:%-d %b}", _QUIET, _font(22), anchor="mm")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
