"""From version to version: which patches were added, dropped and changed, and what became of their tags."""

from collections.abc import Iterable, Iterator
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


def compare(later: Series, earlier: Series) -> tuple[Counterpart, ...]:
    """The later version's patches by part, each with its counterpart, then the earlier one's that were dropped."""
    left = {mail.message_id: mail for mail in earlier.patches}
    pairs: dict[str, Mail] = {}
    for key in (_content_and_title, _content, _title, _files):
        known: dict[object, Mail] = {}
        for mail in left.values():
            known.setdefault(key(mail), mail)
        for mail in later.patches:
            before = known.get(key(mail)) if key(mail) and mail.message_id not in pairs else None
            if before and before.message_id in left:
                pairs[mail.message_id] = left.pop(before.message_id)
    return (
        *(_counterpart(mail, pairs.get(mail.message_id)) for mail in later.patches),
        *(Counterpart(None, mail, Outcome.DROPPED) for mail in left.values()),
    )


def followed_tags(
    counterparts: Iterable[Counterpart],
    later: tuple[Series, Iterable[Given]],
    earlier: tuple[Series, Iterable[Given]],
) -> tuple[Followed, ...]:
    """What became of the earlier version's reviews on the patches that are still there. Each version comes with the
    tags that were given to it. A tag that its author did not carry over, and that was given again, is none of these.
    """
    return tuple(_followed(tuple(counterparts), (later[0], tuple(later[1])), (earlier[0], tuple(earlier[1]))))


def _followed(
    counterparts: Iterable[Counterpart],
    later: tuple[Series, tuple[Given, ...]],
    earlier: tuple[Series, tuple[Given, ...]],
) -> Iterator[Followed]:
    for one in counterparts:
        if one.patch is None or one.before is None:
            continue
        now = {identity(given.tag): given for given in tags_on(one.patch, *later)}
        for given in tags_on(one.before, *earlier):
            if not given.review or given.foreign:
                continue
            again = now.get(identity(given.tag))
            if again is None:
                yield Followed(given, one.patch, Fate.DROPPED)
            elif again.mail == one.patch.message_id:
                yield Followed(given, one.patch, Fate.KEPT if one.outcome is Outcome.UNCHANGED else Fate.CARRIED)


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
    return frozenset(change.path for change in mail.patch.changes) if mail.patch else frozenset()
