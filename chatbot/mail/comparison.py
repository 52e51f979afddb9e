"""From version to version: which patches were added, dropped and changed, and what became of their tags."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from chatbot.mail.mail import Mail
from chatbot.mail.review import Given, identity, tags_on
from chatbot.mail.series import Series
from chatbot.mail.traits import title_key


class Outcome(StrEnum):
    """What became of a patch."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    ADDED = "added"
    DROPPED = "dropped"


class Fate(StrEnum):
    """What became of a tag; carried is kept on a patch that has changed since it was given."""

    KEPT = "kept"
    CARRIED = "carried"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A patch, what it was in the earlier version, and what became of it; one of the two is missing where it was added
    or dropped. It may have another title.
    """

    patch: Mail | None
    before: Mail | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Followed:
    """A review tag of the earlier version, the patch of the later one that it was for, and what became of it."""

    given: Given
    patch: Mail
    fate: Fate


def compare(later: Series[Mail], earlier: Series[Mail]) -> tuple[Counterpart, ...]:
    """The later version's patches by part, each with its counterpart, then the earlier one's that were dropped.

    Counterparts have the same content or title; where neither helps, they are the only ones that touch their files.
    """
    new, old = list(later.patches), list(earlier.patches)
    pairs: dict[str, Mail] = {}
    for key in (_content_and_title, _content, _title, _files):
        known = _by(key, old)
        for value, mails in _by(key, new).items():
            others = known.get(value, [])
            if key is _files and (len(mails), len(others)) != (1, 1):
                continue
            for mail, before in zip(mails, others, strict=False):
                pairs[mail.message_id] = before
                new.remove(mail)
                old.remove(before)
    return (
        *(_counterpart(mail, pairs.get(mail.message_id)) for mail in later.patches),
        *(Counterpart(None, mail, Outcome.DROPPED) for mail in old),
    )


def followed_tags(later: Series[Mail], earlier: Series[Mail], given: Iterable[Given]) -> Iterator[Followed]:
    """What became of the earlier version's reviews on the patches that are still there; `given` are the tags of both.

    One that was not carried over, and was given again, is none of these.
    """
    given = tuple(given)
    for one in compare(later, earlier):
        if one.patch is None or one.before is None:
            continue
        now = {identity(tag.tag): tag for tag in tags_on(one.patch, later, given)}
        for tag in tags_on(one.before, earlier, given):
            again = now.get(identity(tag.tag))
            if not tag.review or tag.foreign:
                continue
            if again is None:
                yield Followed(tag, one.patch, Fate.DROPPED)
            elif again.mail == one.patch.message_id:
                yield Followed(tag, one.patch, Fate.KEPT if one.outcome is Outcome.UNCHANGED else Fate.CARRIED)


def _by(key: Callable[[Mail], object], mails: Iterable[Mail]) -> dict[object, list[Mail]]:
    """The mails by what the key says of them; those of which it says nothing are left out."""
    found: dict[object, list[Mail]] = {}
    for mail in mails:
        if value := key(mail):
            found.setdefault(value, []).append(mail)
    return found


def _counterpart(mail: Mail, before: Mail | None) -> Counterpart:
    if before is None:
        return Counterpart(mail, None, Outcome.ADDED)
    return Counterpart(mail, before, Outcome.UNCHANGED if _content(mail) == _content(before) else Outcome.CHANGED)


def _content(mail: Mail) -> str:
    return mail.patch.content if mail.patch else ""


def _title(mail: Mail) -> str:
    return title_key(mail.subject.title)


def _content_and_title(mail: Mail) -> tuple[str, str] | None:
    return (_content(mail), _title(mail)) if _content(mail) else None


def _files(mail: Mail) -> frozenset[str]:
    """What a patch with another title and content touches: the last resort."""
    return frozenset(mail.diff.paths)
