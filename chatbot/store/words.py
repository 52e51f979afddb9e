"""How text is searched: as words, whatever their case, hyphens and punctuation; and what stands for it in an index."""

import re
from hashlib import blake2b

_WORD = re.compile(r"[^\W_]+")


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
