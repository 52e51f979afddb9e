"""Globs: `*`, `?`, `[a-z]` and `[!a-z]`, as in a shell. A star takes slashes, too, as git's own pathspecs do.

Law of the file: strangers write both the glob and the paths, so no way is tried twice. All places in the glob that a
path's beginning may have led to are held at once, as the bits of one number, and a sign of the path moves them all.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

# What a place in the glob takes: the signs in these ranges, or (where it is turned around) all but those.
_Place = tuple[bool, tuple[tuple[str, str], ...]]
_ANY: _Place = (True, ())
# Paths are made of few signs; a path of many must not fill the memory.
_SIGNS = 256


def is_glob(text: str) -> bool:
    """Whether it has one of the signs that make it more than a name."""
    return any(sign in text for sign in "*?[")


def glob(text: str) -> Callable[[str], bool]:
    """Says of a path whether the glob takes all of it. Raises ValueError where a `[` is never closed."""
    places: list[_Place] = []
    stay = 0  # the places before which there is a star
    for place in _places(text):
        if place is None:
            stay |= 1 << len(places)
        else:
            places.append(place)

    @lru_cache(_SIGNS)
    def taking(sign: str) -> int:
        return sum(1 << number for number, place in enumerate(places) if _takes(place, sign))

    def takes(path: str) -> bool:
        reached = 1
        for sign in path:
            reached = (reached & taking(sign)) << 1 | reached & stay
        return bool(reached >> len(places))

    return takes


def _places(text: str) -> Iterator[_Place | None]:
    """What each place takes; None for a star."""
    at = 0
    while at < len(text):
        sign = text[at]
        if sign == "[":
            # A bracket that stands first, or behind the `!`, is one of the signs.
            first = at + 2 if text[at + 1 : at + 2] == "!" else at + 1
            end = text.index("]", first + 1)
            yield first > at + 1, tuple(_ranges(text[first:end]))
            at = end
        else:
            yield None if sign == "*" else _ANY if sign == "?" else (False, ((sign, sign),))
        at += 1


def _ranges(signs: str) -> Iterable[tuple[str, str]]:
    """Of `a-z_`: from a to z, and from _ to _."""
    at = 0
    while at < len(signs):
        last = at + 2 if signs[at + 1 : at + 2] == "-" and at + 2 < len(signs) else at
        yield signs[at], signs[last]
        at = last + 1


def _takes(place: _Place, sign: str) -> bool:
    turned, ranges = place
    return turned is not any(first <= sign <= last for first, last in ranges)
