"""What rankings look at: mails of a list by who sent and who wrote them. Thousands of mails are a few hundred of these,
and a database takes them together in a tenth of the time that it takes to hand them over.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from chatbot.mail.patch import Tag
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import REVIEWS, Sent
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.rows import by_ids, persons_of
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
    reviews = _reviews(connection, which)
    found = [made(row, 1, Subject.split(row.subject, row.lead), reviews.get(row.id, ())) for row in told]
    left = {tuple(row[:3]): row.mails for row in groups if row.sender_id not in telling}
    for row in by_ids(connection, _mails(which, *kind, mail.id, mail.received), mail.id, sorted(reviews)):
        if row.sender_id not in telling:
            found.append(made(row, reviews=reviews[row.id]))
            left[tuple(row[:3])] -= 1
    found += [made(row, mails) for row in groups if (mails := left.get(tuple(row[:3])))]
    return tuple(sorted(found, key=lambda one: one.received))


def _telling(person: Person, people: People) -> bool:
    return people.bots.reads_subjects(person) or people.bots.reads_subjects(people.behind(person))


def _reviews(connection: Connection, which: Sequence[ColumnElement[bool]]) -> dict[int, tuple[Person, ...]]:
    """Whom the REVIEWS in mails name that bring no patch."""
    tag, seen, found = tables.tag.c, tables.seen.c, dict[int, tuple[Person, ...]]()
    query = select(tag.mail_id, tag.kind, tag.value).join(tables.seen, seen.mail_id == tag.mail_id)
    given = query.where(~seen.is_patch, tag.kind.in_(sorted(REVIEWS)), *which).order_by(tag.mail_id, tag.place)
    for mail_id, kind, value in connection.execute(given):
        found[mail_id] = (*found.get(mail_id, ()), Tag(kind, value).person)
    return found


def _mails(which: Sequence[ColumnElement[bool]], *columns: ColumnElement[Any]) -> Select[Any]:
    """Those that are to be read again left out."""
    seen, mail = tables.seen.c, tables.mail.c
    return select(*columns).join_from(tables.seen, tables.mail, mail.id == seen.mail_id).where(mail.blob != "", *which)
