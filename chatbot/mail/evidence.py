"""Evidence: what shows that one posting is an earlier version of another.

Law of the file: a similar title alone is never more than a guess, and none at all where numbers or model names differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from chatbot.mail.traits import Traits

# A repost without a word about it comes soon; a title that comes again much later is another patch's.
_SOON = timedelta(days=180)
# A guess is not worth reading after a year.
_GUESSED = timedelta(days=365)
# Archives are filled up from others, and servers fall ill: a version may come in before the one it follows.
_LATE = timedelta(days=30)
# Of the words of two titles, twice the common ones to all.
_SIMILAR = 0.6
# Others take a series over with most of it, and not with a patch or two.
_TAKEN_OVER = 3


class Evidence(IntEnum):
    """Strongest first."""

    CORRECTION = 0
    CHANGE_ID = 1
    LINK = 2
    TITLE = 3
    PATCHES = 4
    SIMILAR = 5

    @property
    def certain(self) -> bool:
        """Whether it makes two postings one lineage."""
        return self is not Evidence.SIMILAR


@dataclass(frozen=True, slots=True)
class Link:
    """Two postings, by the Message-IDs of their heads, the evidence, and what it is in words (`6 of 7 patches`)."""

    later: str
    earlier: str
    evidence: Evidence
    detail: str


def evidence(later: Traits, earlier: Traits) -> Link | None:
    """The strongest evidence that one posting follows the other; none where the other does not come before it."""
    again = _again(later, earlier)
    if not (again or _precedes(earlier, later)):
        return None
    for kind, detail in _evidence(later, earlier, again=again):
        return Link(later.mail, earlier.mail, kind, detail)
    return None


def _precedes(earlier: Traits, later: Traits) -> bool:
    """Whether the version comes before the other: an RFC comes before what is not one, also where both are v1."""
    if earlier.received > later.received + _LATE or earlier.branch != later.branch:
        return False
    if earlier.rfc and not later.rfc:
        return earlier.version <= later.version or earlier.received < later.received
    return earlier.version < later.version


def _again(later: Traits, earlier: Traits) -> bool:
    """Whether it may be the same version, sent again."""
    same = (later.version, later.rfc, later.branch) == (earlier.version, earlier.rfc, earlier.branch)
    return same and (earlier.received, earlier.mail) < (later.received, later.mail)


def _evidence(later: Traits, earlier: Traits, *, again: bool) -> Iterator[tuple[Evidence, str]]:
    known = bool(later.people & earlier.people) or (later.name == earlier.name and " " in later.name)
    shared, of, most = _shared(later, earlier)
    soon = later.received - earlier.received <= _SOON
    titled = later.title == earlier.title != ""
    alike = titled or _similar(later.title, earlier.title)
    # Of two that touch no file in common (a kernel's and a tool's side of one thing) a like title says nothing.
    common = bool(later.paths & earlier.paths) if later.paths and earlier.paths else alike
    akin = titled or shared > 0 or (known and common)
    if later.change_id and later.change_id == earlier.change_id:
        yield Evidence.CHANGE_ID, later.change_id
    # Of a posting whose patches did not come to this list nobody can say what it has in common.
    linked = akin or not (later.patches and earlier.patches)
    if linked and (titled or not again) and (words := _mentioned(later, earlier, sure=known and akin)):
        yield Evidence.LINK, words
    if known and akin and later.answers & earlier.mails:
        yield Evidence.LINK, "sent in answer to it"
    if known and titled:
        if not again or later.again or later.contents & earlier.contents:
            yield Evidence.TITLE, "same author and title"
        elif soon and (later.paths & earlier.paths or shared > 1):
            yield Evidence.TITLE, "same author and title, sent again"
    if 2 * shared > of and _enough(later, earlier, shared, of, most, known=known) and (soon or not again):
        yield Evidence.PATCHES, f"{shared} of {of} patches"
    same_files = later.paths == earlier.paths != frozenset()
    if again or _numbers(later.title) != _numbers(earlier.title):
        return
    if known and alike and soon and same_files:
        yield Evidence.PATCHES, "similar title, same files"
    if (known or titled) and later.received - earlier.received <= _GUESSED:
        if shared or alike:
            yield Evidence.SIMILAR, "similar title" if alike else f"{shared} of {of} patches"
        elif words := _mentioned(later, earlier, sure=False):
            yield Evidence.SIMILAR, f"{words}, and has nothing else in common"
        elif same_files and soon and later.version[0] == earlier.version[0] + 1:
            yield Evidence.SIMILAR, "same author and files"


def _mentioned(later: Traits, earlier: Traits, *, sure: bool) -> str:
    """How a posting links the other: as that version, as an earlier one, or, where both are much alike, at all."""
    for mention in later.mentions:
        if mention.message_id in earlier.mails:
            if mention.version == earlier.version[0] or (mention.version is None and (mention.earlier or sure)):
                return f"links to v{earlier.version[0]}"
            if mention.version is not None and earlier.rfc and sure:
                return "links to the RFC"
    return ""


def _shared(later: Traits, earlier: Traits) -> tuple[int, int, int]:
    """How many patches two postings share, by title or content, and how many the smaller and the larger has."""
    shared = max(len(later.patches & earlier.patches), len(later.contents & earlier.contents))
    smaller, larger = sorted((len(later.patches), len(earlier.patches)))
    return shared, smaller, larger


def _enough(later: Traits, earlier: Traits, shared: int, of: int, most: int, *, known: bool) -> bool:
    """Whether most of the smaller one's patches being shared means that it is the same series."""
    if not known:
        return shared >= _TAKEN_OVER and 3 * shared > 2 * of
    if shared > 1 or later.contents & earlier.contents:
        return True
    # One patch in common: enough if it is half of the other, or all that came to this list of either series.
    return 2 * shared >= most or min(later.total, earlier.total) > 1


def _similar(one: str, other: str) -> bool:
    """Whether two titles have most of their words in common."""
    words, others = set(one.split()), set(other.split())
    return 2 * len(words & others) >= _SIMILAR * (len(words) + len(others)) and len(words & others) > 2  # noqa: PLR2004


def _numbers(title: str) -> set[str]:
    """The numbers and model names in a title: V4H and V4M are two chips."""
    return {word for word in title.split() if any(letter.isdigit() for letter in word)}
