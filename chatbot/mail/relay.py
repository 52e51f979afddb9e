"""Senders that stand for others: B4 Relay, GitGitGadget, lists that rewrite From to please DMARC.

Such a From field says `NAME via SERVICE <address of the service>`. Law of the file: whoever is found behind it is
vouched for by the mail, in one of the ways of `Found`, and fits what the field says: the address that it hides, where
it hides one, else the name. An address is never a guess by the name alone: then the human has none, for two humans
who share a list's address would be one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from chatbot.mail.person import LONGEST, Person

# The first "via" counts: a relay may write to a list that rewrites, too.
_VIA = re.compile(r"(?P<name>.*?\S)\s+via(?:\s.*)?", re.DOTALL)
# B4 Relay hides user@domain in devnull+user.domain@, groups.io in user=domain@.
_DOTTED = re.compile(r"devnull\+([^@]+\.[^@.]+\.[^@.]+)@[^@]+")
_EQUATED = re.compile(r"([^=@]+)=([^=@]+\.[^=@]+)@[^@]+")
_ENDPOINT = "devnull+"
# Below these, in a country, domains are handed out: a.co.uk.
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"})
_COUNTRY = 2  # letters of a country's top level
_FIELD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^",])+')


class Found(StrEnum):
    """How the human was found, the surest first; the last two are what the From field itself says."""

    IN_BODY = "in-body From"
    ORIGINAL = "X-Original-From"
    REPLY_TO = "Reply-To"
    SIGNED = "Signed-off-by"
    ARCHIVED = "archive"
    ADDRESS = "address"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Behind:
    """The human for whom a relay speaks; `person.written` is what the evidence says."""

    person: Person
    found: Found


def is_relay(sender: Person) -> bool:
    """Whether a sender stands for somebody else."""
    return sender.address.startswith(_ENDPOINT) or (" via" in sender.name and _VIA.fullmatch(sender.name) is not None)


def see_through(sender: Person, witnesses: Iterable[tuple[Found, Person]]) -> Behind:
    """Who stands behind a relay: the first of the witnesses who fits; without any, as much as the relay says itself."""
    name, hidden = _said(sender)
    for found, person in witnesses:
        if _fits(person, sender, name, hidden):
            return Behind(person if person.name else Person.named(name, person.address), found)
    if hidden:
        return Behind(Person.named(name, _decoded(hidden)), Found.ADDRESS)
    return Behind(Person(sender.written, name, ""), Found.NAME)


def each_person(field: str) -> Iterator[Person]:
    """The persons in a field that may name several, such as Reply-To."""
    for written in _FIELD.findall(field[:LONGEST]):
        person = Person.parse(written)
        if person.address:
            yield person


def _said(sender: Person) -> tuple[str, str]:
    """What a relay says of the human: the name, and the address in lower case, which may have a dot for its at sign.

    Either may be empty.
    """
    via = _VIA.fullmatch(sender.name)
    name = via["name"] if via else sender.name
    if len(name) > 1 and name[0] == name[-1] == "'":  # Google Groups quote it
        name = name[1:-1]
    if "@" in name[1:-1] and " " not in name:  # who has no name is called by the address
        return "", name.lower()
    if equated := _EQUATED.fullmatch(sender.address):
        return name, f"{equated[1]}@{equated[2]}".lower()
    dotted = _DOTTED.fullmatch(sender.address)
    return name, dotted[1].lower() if dotted else ""


def _fits(person: Person, sender: Person, name: str, hidden: str) -> bool:
    address = person.address.lower()
    if not address or address == sender.address.lower() or is_relay(person):
        return False
    if hidden:
        return hidden in (address, address.replace("@", "."))
    return bool(name) and person.name.casefold() == name.casefold()


def _decoded(hidden: str) -> str:
    """The address with its at sign; which dot stands for it is likeliest before the last two parts of the name."""
    if "@" in hidden:
        return hidden
    *user, name, top = hidden.split(".")
    domain = [name, top]
    if len(user) > 1 and len(top) == _COUNTRY and name in _SECOND_LEVEL:
        domain.insert(0, user.pop())
    return f"{'.'.join(user)}@{'.'.join(domain)}"
