"""What rankings look at: mails of a list by who sent and who wrote them. Thousands of mails are a few hundred of these,
and a database takes them together in a tenth of the time that it takes to hand them over.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from chatbot.mail.patch import Tag
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import REVIEWS, Sent
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.rows import persons_of
from chatbot.store.tables import moment

_UNTOLD = Subject("", "")
# As `Subject.counted` has it, for no reply is a patch.
_COUNTED = "%patch%"


def sent(connection: Connection, which: Sequence[ColumnElement[bool]], people: People) -> tuple[Sent, ...]:
    """Of the mails on a list that these conditions on `seen` choose, the newest last."""
    groups = [*_patches(connection, which), *_others(connection, which)]
    persons = persons_of(connection, {one for group in groups for one in (group.sender_id, group.author_id)})

    def made(group: _Group, subject: Subject = _UNTOLD, reviews: tuple[Person, ...] = ()) -> Sent:
        sender, author = persons[group.sender_id], persons[group.author_id]
        humans = people.behind(sender), people.behind(author)
        return Sent(sender, author, *humans, subject, group.counted, moment(group.received), reviews, group.mails)

    # The subjects of these people's mails say which of them a bot has sent: each is told by itself, as all reviews are.
    telling = {row_id for row_id, person in persons.items() if _telling(person, people)}
    reviews = _reviews(connection, which)
    found = [
        made(one, subject, reviews.pop(mail_id, _NO_REVIEW)[1])
        for mail_id, subject, one in _each(connection, which, telling)
    ]
    left: Counter[tuple[int, int, bool]] = Counter()
    newest: dict[tuple[int, int, bool], _Group] = {}
    for group in sorted(groups, key=lambda one: one.received):
        if group.sender_id not in telling:
            left[group[:3]] += group.mails
            newest[group[:3]] = group
    for one, named in reviews.values():
        found.append(made(one, reviews=named))
        left[one[:3]] -= 1
    found += [made(newest[kind]._replace(mails=mails)) for kind, mails in left.items() if mails]
    return tuple(sorted(found, key=lambda one: one.received))


class _Group(NamedTuple):
    """Mails of one person that are the same to rankings."""

    sender_id: int
    author_id: int
    counted: bool
    received: int  # when the newest came in
    mails: int = 1


_NO_REVIEW: tuple[None, tuple[Person, ...]] = (None, ())


def _patches(connection: Connection, which: Sequence[ColumnElement[bool]]) -> Iterator[_Group]:
    seen, mail = tables.seen.c, tables.mail.c
    lead = func.lower(func.substr(mail.subject, 1, mail.lead))
    kind = (mail.sender_id, mail.author_id, lead.like(_COUNTED))
    query = select(*kind, func.max(mail.received), func.count()).join_from(
        tables.seen, tables.mail, mail.id == seen.mail_id
    )
    rows = connection.execute(query.where(seen.is_patch, *which).group_by(*kind))
    return (_Group(sender, author, bool(counted), *rest) for sender, author, counted, *rest in rows)


def _others(connection: Connection, which: Sequence[ColumnElement[bool]]) -> Iterator[_Group]:
    """What brings no patch is written by who sent it. What is to be read again is nobody's."""
    seen = tables.seen.c
    query = select(seen.author_id, func.max(seen.received), func.count()).where(
        ~seen.is_patch, seen.author_id != 0, *which
    )
    rows = connection.execute(query.group_by(seen.author_id))
    return (_Group(author, author, False, received, mails) for author, received, mails in rows)  # noqa: FBT003


def _each(
    connection: Connection, which: Sequence[ColumnElement[bool]], telling: set[int]
) -> Iterator[tuple[int, Subject, _Group]]:
    """The mails of these people, each by itself, with its subject."""
    seen, mail = tables.seen.c, tables.mail.c
    query = select(mail.id, mail.subject, mail.lead, mail.sender_id, mail.author_id, mail.received)
    rows = query.join_from(tables.seen, tables.mail, mail.id == seen.mail_id).where(
        mail.sender_id.in_(sorted(telling)), *which
    )
    for mail_id, written, lead, sender, author, received in connection.execute(rows) if telling else ():
        subject = Subject.split(written, lead)
        yield mail_id, subject, _Group(sender, author, subject.counted, received)


def _telling(person: Person, people: People) -> bool:
    return people.bots.reads_subjects(person) or people.bots.reads_subjects(people.behind(person))


def _reviews(
    connection: Connection, which: Sequence[ColumnElement[bool]]
) -> dict[int, tuple[_Group, tuple[Person, ...]]]:
    """The mails that bring REVIEWS and no patch, by their rows, and whom these name."""
    tag, seen, found = tables.tag.c, tables.seen.c, dict[int, tuple[_Group, tuple[Person, ...]]]()
    query = select(tag.mail_id, tag.kind, tag.value, seen.author_id, seen.received)
    given = query.join(tables.seen, seen.mail_id == tag.mail_id).where(
        ~seen.is_patch, tag.kind.in_(sorted(REVIEWS)), *which
    )
    for mail_id, kind, value, author, received in connection.execute(given.order_by(tag.mail_id, tag.place)):
        one = _Group(author, author, False, received)  # noqa: FBT003
        found[mail_id] = one, (*found.get(mail_id, _NO_REVIEW)[1], Tag(kind, value).person)
    return found
