"""Memory of what repeats: few people, tags and content types make up most of an archive.

Law of the file: memory is bounded in number and in length, for anybody can send a mail.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Text = TypeVar("Text", str, bytes)
Meaning = TypeVar("Meaning")

# A list has several hundred senders and one posting at a time. At the worst, in characters of four bytes that come
# three times in what they mean, a memory takes 8 MB.
TEXTS = 2048
LONGEST = 250


def remembered(read: Callable[[Text], Meaning]) -> Callable[[Text], Meaning]:
    """A pure function of a text that remembers its last answers; what is long is read each time."""
    recall = lru_cache(TEXTS)(read)

    @wraps(read)
    def read_once(text: Text) -> Meaning:
        return recall(text) if len(text) <= LONGEST else read(text)

    return read_once
