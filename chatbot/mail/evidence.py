"""Evidence: what shows that one posting is an earlier version of another.

Law of the file: a similar title alone is never more than a guess, and none at all where numbers or model names differ.
"""

from collections.abc import Callable
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
    if again or _precedes(earlier, later):
        pair = _Pair(later, earlier, again)
        for kind, rule in _RULES:
            if detail := rule(pair):
                return Link(later.mail, earlier.mail, kind, detail)
    return None


def _precedes(earlier: Traits, later: Traits) -> bool:
    """Whether the version comes before the other: an RFC comes before what is not one, also where both are v1."""
    if earlier.received > later.received + _LATE or earlier.branch != later.branch:
        return False
    if earlier.rfc and not later.rfc:
        return earlier.version <= later.version or earlier.received < later.received
    return earlier.version < later.version and (earlier.received < later.received or later.rfc <= earlier.rfc)


def _again(later: Traits, earlier: Traits) -> bool:
    """Whether it may be the same version, sent again."""
    same = (later.version, later.rfc, later.branch) == (earlier.version, earlier.rfc, earlier.branch)
    return same and (earlier.received, earlier.mail) < (later.received, later.mail)


class _Pair:
    """What two postings have in common. `again` is for those of one version: one may be the other once more."""

    def __init__(self, later: Traits, earlier: Traits, again: bool) -> None:  # noqa: FBT001
        self.later, self.earlier, self.again = later, earlier, again
        self.apart = later.received - earlier.received
        same_name = later.name == earlier.name and " " in later.name
        self.same_author = same_name or bool(later.people & earlier.people)
        self.same_title = later.title == earlier.title != ""
        self.similar = self.same_title or _similar(later.title, earlier.title)
        # Patches in common, by title or content; how many the smaller and the larger of the two has.
        self.shared = max(len(later.patches & earlier.patches), len(later.contents & earlier.contents))
        self.fewer, self.more = sorted((len(later.patches), len(earlier.patches)))
        self.same_files = later.paths == earlier.paths != frozenset()
        # Of two that touch no file in common (a kernel's and a tool's side of one thing) a like title says nothing.
        common = bool(later.paths & earlier.paths) if later.paths and earlier.paths else self.similar
        self.akin = self.same_title or self.shared > 0 or (self.same_author and common)


def _same_change_id(pair: _Pair) -> str:
    return pair.later.change_id if pair.later.change_id == pair.earlier.change_id else ""


def _linked(pair: _Pair) -> str:
    # Of a posting whose patches did not come to this list nobody can say what it has in common.
    known = pair.akin or not (pair.later.patches and pair.earlier.patches)
    if known and (pair.same_title or not pair.again):
        return _mentioned(pair, sure=pair.same_author and (pair.similar or pair.shared > 0))
    return ""


def _mentioned(pair: _Pair, *, sure: bool = False) -> str:
    """How a posting links the other: as that version, as an earlier one, or, where both are much alike, at all."""
    version = pair.earlier.version[0]
    for mention in pair.later.mentions:
        if mention.message_id in pair.earlier.mails:
            if mention.version == version or (mention.version is None and (mention.earlier or sure)):
                return f"links to v{version}"
            if mention.version is not None and pair.earlier.rfc and sure:
                return "links to the RFC"
    return ""


def _answering(pair: _Pair) -> str:
    answers = pair.later.answers & pair.earlier.mails
    return "sent in answer to it" if answers and pair.same_author and pair.akin else ""


def _titled(pair: _Pair) -> str:
    if not (pair.same_author and pair.same_title):
        return ""
    if not pair.again or pair.later.again or pair.later.contents & pair.earlier.contents:
        return "same author and title"
    common = pair.later.paths & pair.earlier.paths or pair.shared > 1
    return "same author and title, sent again" if common and pair.apart <= _SOON else ""


def _most_patches(pair: _Pair) -> str:
    if 2 * pair.shared <= pair.fewer or (pair.again and pair.apart > _SOON):
        return ""
    if not pair.same_author:
        enough = pair.shared >= _TAKEN_OVER and 3 * pair.shared > 2 * pair.fewer
    elif pair.shared > 1 or pair.later.contents & pair.earlier.contents:
        enough = True
    else:
        # One patch in common: enough if it is half of the other, or all that came to this list of either series.
        enough = 2 * pair.shared >= pair.more or min(pair.later.total, pair.earlier.total) > 1
    return f"{pair.shared} of {pair.fewer} patches" if enough else ""


def _same_files(pair: _Pair) -> str:
    same = pair.same_author and pair.same_files and pair.apart <= _SOON and _alike(pair)
    return "similar title, same files" if same else ""


def _alike(pair: _Pair) -> bool:
    """Whether the titles are, and all numbers in them: V4H and V4M are two chips."""
    return (
        pair.similar
        and not pair.again
        and (pair.same_author or pair.same_title)
        and _numbers(pair.later.title) == _numbers(pair.earlier.title)
    )


def _resembling(pair: _Pair) -> str:
    if pair.again or pair.apart > _GUESSED:
        return ""
    if _alike(pair):
        return "similar title"
    if not pair.same_author or (pair.similar and not pair.shared):
        return ""
    if pair.shared:
        return f"{pair.shared} of {pair.fewer} patches"
    next_one = pair.later.version[0] == pair.earlier.version[0] + 1
    return _mentioned(pair) or ("same author and files" if pair.same_files and next_one and pair.apart <= _SOON else "")


_RULES: tuple[tuple[Evidence, Callable[[_Pair], str]], ...] = (
    (Evidence.CHANGE_ID, _same_change_id),
    (Evidence.LINK, _linked),
    (Evidence.LINK, _answering),
    (Evidence.TITLE, _titled),
    (Evidence.PATCHES, _most_patches),
    (Evidence.PATCHES, _same_files),
    (Evidence.SIMILAR, _resembling),
)


def _similar(one: str, other: str) -> bool:
    """Whether two titles have most of their words in common."""
    words, others = set(one.split()), set(other.split())
    return 2 * len(words & others) >= _SIMILAR * (len(words) + len(others)) and len(words & others) > 2  # noqa: PLR2004


def _numbers(title: str) -> set[str]:
    """The numbers and model names in a title."""
    return {word for word in title.split() if any(letter.isdigit() for letter in word)}
