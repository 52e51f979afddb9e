"""Who reviewed what: the tags of a series, each on its patch, and with the mail that gives it.

Quoted tags are none: the parser leaves them out.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from chatbot.mail.mail import Mail
from chatbot.mail.patch import AUTHORSHIP, Tag
from chatbot.mail.person import Person
from chatbot.mail.series import Series, answers_without_re

SameHuman = Callable[[Person, Person], bool]
# Tags of people who looked at the code and found it good.
APPROVALS = frozenset({"Reviewed-by", "Acked-by"})
REFUSALS = frozenset({"Nacked-by", "Nak-by", "Nack-by"})
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Given:
    """A tag, the mail that it is `on` (a patch, or the cover for all of them) and the `mail` that gives it, both by
    their Message-IDs; it is `foreign` if it came in a reply of somebody else than it names.
    """

    tag: Tag
    on: str
    mail: str
    sender: Person
    foreign: bool

    @property
    def review(self) -> bool:
        """Whether it says what somebody did with the patch, and not who made it or what it is about."""
        return self.tag.kind.endswith("-by") and self.tag.kind not in AUTHORSHIP


def same_address(one: Person, other: Person) -> bool:
    """Whether two persons are one as far as their addresses tell; an organisation's mailmap knows more."""
    return bool(one.address) and one.address.lower() == other.address.lower()


def answers(mails: Iterable[Mail]) -> Iterator[tuple[Mail, Mail]]:
    """Each reply among these mails with the nearest patch or pull request above it, or the mail that opened its
    thread.
    """
    known = {mail.message_id: mail for mail in mails}
    for mail in known.values():
        if (mail.reply and not mail.subject.pull) or answers_without_re(mail, known):
            above = patch_above(mail, known)
            if above:
                yield mail, above


def patch_above(reply: Mail, known: Mapping[str, Mail]) -> Mail | None:
    """The nearest patch or pull request above a reply, else the mail that opened its thread, as far as that is known.

    Where mails in between are not, the reply's own subject decides: one to `v2 3/7` is none to the cover that
    happens to be there, nor to v1.
    """
    gap, seen, current = False, {reply.message_id}, reply
    while True:
        for above in current.parents:
            mail = known.get(above)
            if mail and above not in seen:
                break
            gap = gap or mail is None
        else:
            return None
        if mail.subject.pull or not (mail.reply or answers_without_re(mail, known)):
            return None if gap and _of_another(reply, mail) else mail
        seen.add(above)
        current = mail


def _of_another(reply: Mail, patch: Mail) -> bool:
    """Whether a reply's subject names another patch than this."""
    said, own = reply.subject, patch.subject
    if not said.tags:
        return False
    return (said.version, said.reroll, said.part, said.total) != (own.version, own.reroll, own.part, own.total)


def tags_given(
    series: Series[Mail], answered: Iterable[tuple[Mail, Mail]], same_human: SameHuman = same_address
) -> tuple[Given, ...]:
    """The tags of a series: those that its mails carry, by part, then those of the replies (as `answers` has them, of
    any series), as they came.
    """
    mails = {mail.message_id: mail for mail in series.everything}
    found = [
        Given(tag, mail.message_id, mail.message_id, mail.sender, foreign=False)
        for mail in mails.values()
        for tag in mail.tags
    ]
    for reply, patch in sorted(answered, key=lambda pair: pair[0].received):
        if patch.message_id in mails:
            for tag in reply.tags:
                foreign = tag.kind.endswith("-by") and not may_be_one(tag.person, reply.sender, same_human)
                found.append(Given(tag, patch.message_id, reply.message_id, reply.sender, foreign))
    return tuple(found)


def tags_on(patch: Mail, series: Series[Mail], given: Iterable[Given]) -> tuple[Given, ...]:
    """Those of a series' tags that count for one of its patches, each once; the cover's reviews count for all."""
    cover = series.cover.message_id if series.cover else ""
    found: dict[tuple[str, str], Given] = {}
    for one in given:
        if one.on == patch.message_id or (one.on == cover and one.review):
            found.setdefault(identity(one.tag), one)
    return tuple(found.values())


def identity(tag: Tag) -> tuple[str, str]:
    """What makes two tags the same: their kind and whom they name, or what they say."""
    if not tag.kind.endswith("-by"):
        return tag.kind, tag.value
    return tag.kind, tag.person.address.lower() or tag.person.label.casefold()


def may_be_one(person: Person, sender: Person, same_human: SameHuman) -> bool:
    """Whether a person may be the sender of a mail. People write from other machines and under other names of their
    company's mail, so a name or a mailbox that is the same will do: nothing is counted by this.
    """
    fewer, more = sorted((_words(person.name), _words(sender.name)), key=len)
    if same_human(person, sender) or (len(fewer) > 1 and fewer <= more) or (fewer and fewer == more):
        return True
    mailbox, _, domain = person.address.lower().partition("@")
    other, _, elsewhere = sender.address.lower().partition("@")
    near = f".{domain}".endswith(f".{elsewhere}") or f".{elsewhere}".endswith(f".{domain}")
    return mailbox.partition("+")[0] == other.partition("+")[0] != "" and near and bool(domain and elsewhere)


def _words(name: str) -> frozenset[str]:
    """`Brenner, Ana` is Ana Brenner."""
    return frozenset(_WORD.findall(name.casefold()))
