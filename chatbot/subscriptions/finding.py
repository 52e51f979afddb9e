"""Subsystems by what people call them."""

from collections.abc import Iterable

from chatbot.subscriptions.subsystem import Subsystem, Subsystems, words_of

# So many words are looked for; nobody remembers more of a title.
WORDS = 12
# Where a word is found, the best place first.
_WORD, _BEGINNING, _TITLE, _PEOPLE, _LISTS, _PATHS = range(6)


def named(subsystems: Subsystems, text: str) -> Subsystem | None:
    """The one that is meant, if only one can be: by its title in any case; by the same words as its title or its other
    name; by the first letters of its title, or by words that its title alone has.
    """
    written, words = text.strip().casefold(), words_of(text)
    if not words:
        return None
    different = set(words)
    for found in (
        [one for one in subsystems if one.title.casefold() == written],
        [one for one in subsystems if words in one.called],
        [one for one in subsystems if one.title.casefold().startswith(written)],
        [one for one in subsystems if all(_begins_one_of(word, one.called[:1]) for word in different)],
    ):
        if found:
            return found[0] if len(found) == 1 else None
    return None


def find(subsystems: Subsystems, text: str) -> tuple[Subsystem, ...]:
    """Those that have each word somewhere: in the title, else in names and addresses of people, in lists, or in paths;
    a path finds those that have the file, too. The likeliest first, and that which `named` finds before all.
    """
    words = tuple(dict.fromkeys(text.split()))[:WORDS]
    if not words_of(text):
        return ()
    meant = named(subsystems, text)
    having = {word: set(map(id, subsystems.having(word))) for word in words if "/" in word}
    found: list[tuple[tuple[int, ...], Subsystem]] = []
    for number, one in enumerate(subsystems):
        places = [_PATHS if id(one) in having.get(word, ()) else _place(word.casefold(), one) for word in words]
        reached = [place for place in places if place is not None]
        if one is meant or len(reached) == len(places):
            rank = (one is not meant, max(reached, default=0), sum(reached), len(one.title), number)
            found.append((rank, one))
    return tuple(one for _, one in sorted(found, key=lambda ranked: ranked[0]))


def _place(word: str, one: Subsystem) -> int | None:
    title = one.called[0] if one.called else ()
    if word in title:
        return _WORD
    if _begins_one_of(word, [title]):
        return _BEGINNING
    if word in one.title.casefold():
        return _TITLE
    if any(word in person.written.casefold() for person in one.people):
        return _PEOPLE
    if any(word in name.casefold() for name in one.lists):
        return _LISTS
    return _PATHS if any(word in path.casefold() for path in one.patterns) else None


def _begins_one_of(word: str, titles: Iterable[tuple[str, ...]]) -> bool:
    return any(has.startswith(word) for title in titles for has in title)
