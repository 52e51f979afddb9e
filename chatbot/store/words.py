"""How text is searched: as words, whatever their case, hyphens and punctuation; and what stands for it in an index."""

import re
from collections.abc import Sequence
from hashlib import blake2b

_WORD = re.compile(r"[^\W_]+")
# How far a text is from words that it has not got.
FARTHEST = 3


def words(text: str) -> tuple[str, ...]:
    """`TDX-Connect:` is `tdx`, `connect`."""
    return tuple(_WORD.findall(text.casefold()))


def searchable(text: str) -> str:
    """The words with blanks around each, so that a word's beginning can be looked for as ` tdx`."""
    return f" {' '.join(words(text))} "


def key_of(text: str) -> int:
    """64 bits that stand for a text. A number takes a fraction of a Message-ID's place in an index, so that the index
    of a million mails fits into memory; who looks a text up by its key compares the text, too.
    """
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)


def distance(text: str, wanted: Sequence[str]) -> int:
    """How far a text is from the words: 0 has just these, 1 all as words, 2 all as beginnings of words."""
    own = words(text)
    if own == tuple(wanted):
        return 0
    if set(wanted) <= set(own):
        return 1
    return 2 if all(any(word.startswith(part) for word in own) for part in wanted) else FARTHEST
