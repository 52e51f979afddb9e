"""Mails by their Message-IDs, and what hangs below them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, select

from chatbot.mail.mail import Mail
from chatbot.store import tables
from chatbot.store.rows import CHUNK, SELECT_MAILS, chunks, load_mails, load_mails_as
from chatbot.store.words import key_of


def mails_named(connection: Connection, message_ids: Iterable[str]) -> list[Mail]:
    """The mails with these Message-IDs that the index has."""
    ids, found = sorted(set(message_ids)), list[Mail]()
    for few in chunks(ids, 2):
        found += load_mails(connection, SELECT_MAILS.where(*named(few)))
    return found


def thread_above(connection: Connection, message_ids: Sequence[str]) -> Iterator[Mail]:
    """The first of these mails that the index has, then what it answers, and so on up to the mail that began it all, or
    to where the thread is broken.
    """
    told: set[str] = set()
    asked: set[str] = set()
    known: dict[str, Mail] = {}
    ids = tuple(message_ids)
    while ids:
        fresh = [one for one in ids[:CHUNK] if one not in asked]
        asked.update(fresh)
        known.update((mail.message_id, mail) for mail in mails_named(connection, fresh))
        mail = next((known[one] for one in ids if one in known), None)
        if mail is None:
            return
        yield mail
        told.add(mail.message_id)
        ids = tuple(one for one in mail.parents if one not in told)


def rows_named(connection: Connection, message_ids: Iterable[str]) -> dict[str, int]:
    """The rows of the mails with these Message-IDs that the index has."""
    ids, mail = sorted(set(message_ids)), tables.mail.c
    found: dict[str, int] = {}
    for few in chunks(ids, 2):
        query = select(mail.message_id, mail.id).where(*named(few))
        found.update((message_id, row) for message_id, row in connection.execute(query))
    return found


def replies_below(connection: Connection, message_ids: Iterable[str]) -> list[Mail]:
    """What answers these mails, then what answers that; series that hang there are left out, with all below them."""
    return load_mails_as(connection, list(talk_below(connection, message_ids)))


def patches_answering(connection: Connection, message_ids: Iterable[str]) -> list[Mail]:
    """The patches that were sent in answer to these mails."""
    ids, found = sorted(set(message_ids)), list[Mail]()
    for few in chunks(ids, 2):
        found += load_mails(connection, SELECT_MAILS.where(*_answering(few), tables.mail.c.is_patch))
    return found


def talk_below(connection: Connection, message_ids: Iterable[str]) -> dict[int, str]:
    """The rows of what answers these mails, then of what answers that, as far as it is no patch, and can be read; each
    with which of them it is below.
    """
    top = {message_id: message_id for message_id in message_ids}
    found: dict[int, str] = {}
    mail, ids = tables.mail.c, sorted(top)
    while ids:
        below: list[str] = []
        for few in chunks(ids, 2):
            answers = select(mail.id, mail.message_id, mail.in_reply_to)
            asked = answers.where(*_answering(few), ~mail.is_patch, mail.blob != "")
            for row, message_id, above in connection.execute(asked):
                if message_id not in top:
                    top[message_id] = found[row] = top[above]
                    below.append(message_id)
        ids = sorted(below)
    return found


def in_order(connection: Connection, mails: Mapping[str, Mail]) -> list[Mail]:
    """These mails, which are known by their Message-IDs, as they came."""
    places = rows_named(connection, mails)
    return [mails[one] for one in sorted(places, key=places.__getitem__)]


def named(ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """The mails with these Message-IDs, as conditions."""
    mail = tables.mail.c
    return mail.key.in_([key_of(one) for one in ids]), mail.message_id.in_(ids)


def _answering(ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    mail = tables.mail.c
    return mail.reply_key.in_([key_of(one) for one in ids]), mail.in_reply_to.in_(ids)
