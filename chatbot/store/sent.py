"""What rankings look at: mails of a list by who sent and who wrote them. Thousands of mails are a few hundred of these,
and a database takes them together in a tenth of the time that it takes to hand them over.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, select

from chatbot.mail.patch import Tag
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import REVIEWS, Sent
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.rows import persons_of
from chatbot.store.tables import moment

_UNTOLD = Subject("", "")


def sent(connection: Connection, which: Sequence[ColumnElement[bool]], people: People) -> tuple[Sent, ...]:
    """Of the mails on a list that these conditions on `seen` choose, the newest last."""
    mail = tables.mail.c
    lead = func.lower(func.substr(mail.subject, 1, mail.lead))
    # As `Subject.counted` has it, for no reply is a patch.
    kind = (mail.sender_id, mail.author_id, and_(mail.is_patch, lead.like("%patch%")).label("counted"))
    numbers = (func.count().label("mails"), func.max(mail.received).label("received"))
    groups = connection.execute(_mails(which, *kind, *numbers).group_by(*kind)).all()
    persons = persons_of(connection, {one for row in groups for one in (row.sender_id, row.author_id)})

    def made(row: Any, mails: int = 1, subject: Subject = _UNTOLD, reviews: tuple[Person, ...] = ()) -> Sent:
        sender, author = persons[row.sender_id], persons[row.author_id]
        humans = people.behind(sender), people.behind(author)
        return Sent(sender, author, *humans, subject, bool(row.counted), moment(row.received), reviews, mails)

    # The subjects of these people's mails say which of them a bot has sent: each is told by itself, as all reviews are.
    telling = {row_id for row_id, person in persons.items() if _telling(person, people)}
    query = _mails(which, mail.id, mail.received, mail.subject, mail.lead, *kind)
    told = connection.execute(query.where(mail.sender_id.in_(sorted(telling)))).all() if telling else []
    reviewing, reviews = _reviews(connection, which)
    found = [made(row, 1, Subject.split(row.subject, row.lead), reviews.get(row.id, ())) for row in told]
    left = {tuple(row[:3]): row.mails for row in groups if row.sender_id not in telling}
    for mail_id, row in reviewing.items():
        if row.sender_id not in telling:
            found.append(made(row, reviews=reviews[mail_id]))
            left[tuple(row[:3])] -= 1
    found += [made(row, mails) for row in groups if (mails := left.get(tuple(row[:3])))]
    return tuple(sorted(found, key=lambda one: one.received))


def _telling(person: Person, people: People) -> bool:
    return people.bots.reads_subjects(person) or people.bots.reads_subjects(people.behind(person))


def _reviews(
    connection: Connection, which: Sequence[ColumnElement[bool]]
) -> tuple[dict[int, Any], dict[int, tuple[Person, ...]]]:
    """The mails that bring REVIEWS and no patch, by their rows, and whom these name."""
    tag, seen, mail = tables.tag.c, tables.seen.c, tables.mail.c
    query = _mails(
        which, mail.sender_id, mail.author_id, false().label("counted"), mail.received, tag.mail_id, tag.kind
    )
    given = query.add_columns(tag.value).join(tables.tag, tag.mail_id == mail.id)
    mails, named = dict[int, Any](), dict[int, tuple[Person, ...]]()
    for row in connection.execute(given.where(~seen.is_patch, tag.kind.in_(sorted(REVIEWS)))):
        mails[row.mail_id] = row
        named[row.mail_id] = (*named.get(row.mail_id, ()), Tag(row.kind, row.value).person)
    return mails, named


def _mails(which: Sequence[ColumnElement[bool]], *columns: ColumnElement[Any]) -> Select[Any]:
    """Those that are to be read again left out."""
    seen, mail = tables.seen.c, tables.mail.c
    return select(*columns).join_from(tables.seen, tables.mail, mail.id == seen.mail_id).where(mail.blob != "", *which)
