"""How text is searched: as words, whatever their case, hyphens and punctuation."""

import re

_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> tuple[str, ...]:
    """`TDX-Connect:` is `tdx`, `connect`."""
    return tuple(_WORD.findall(text.casefold()))


def searchable(text: str) -> str:
    """The words with blanks around each, so that a word's beginning can be looked for as ` tdx`."""
    return f" {' '.join(words(text))} "
