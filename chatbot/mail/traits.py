"""What a posting shows of itself that its other versions may show, too, and the keys by which they are looked up.

A store indexes the keys of every posting; whoever shares one with a new posting is a candidate (see lineage.py).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.mail import Mail
from chatbot.mail.mentions import Mention, mentions_in
from chatbot.mail.person import Person
from chatbot.mail.series import Series, posting

Identify = Callable[[Person], str]
# Far enough up a thread to find the version before it under the talk about it.
ANSWERED = 20
_WORD = re.compile(r"\w+")
_BEHIND = re.compile(r"(?:^| )(?:v ?\d{1,3}|take \d{1,2}|resend|repost)$")
# Backports to several stable trees have one title: "[PATCH 5.10 v2]", "[PATCH AUTOSEL 6.1 3/9]".
_BRANCH = re.compile(r"\d{1,2}\.\d{1,3}(?:\.(?:y|\d{1,3}))?(?:-stable|\.y)?")


@dataclass(frozen=True, slots=True)
class Traits:
    """Of one posting. `mail` is the Message-ID of its head, `mails` are those of all its mails, `answers` those that it
    was sent in answer to, `people` is who wrote and who sent it; `title`, `branch` and `patches` (titles) are
    normalised; `contents` are keys of diffs.
    """

    mail: str
    mails: frozenset[str]
    version: tuple[int, int]
    rfc: bool
    again: bool
    received: datetime
    people: frozenset[str]
    name: str
    title: str
    branch: str
    change_id: str
    mentions: tuple[Mention, ...]
    answers: frozenset[str]
    patches: frozenset[str]
    contents: frozenset[str]
    paths: frozenset[str]
    total: int

    @property
    def keys(self) -> frozenset[str]:
        """Two versions of one series share at least one."""
        return frozenset(self._keys())

    @property
    def piece(self) -> bool:
        """Whether less than half of the announced patches are there."""
        return 2 * len(self.patches) < self.total

    def _keys(self) -> Iterator[str]:
        if self.change_id:
            yield f"change-id {self.change_id}"
        for message_id in (*self.mails, *(mention.message_id for mention in self.mentions), *self.answers):
            yield f"mail {message_id}"
        for title in {self.title, *self.patches} - {""}:
            yield f"title {self.branch} {title}"
        for content in self.contents:
            yield f"content {content}"
        for person in self.people:
            yield f"person {person}"


def address_of(person: Person) -> str:
    """Who somebody is, as far as their address tells."""
    return person.address.lower() or person.label.casefold()


def traits_of(series: Series[Mail], identify: Identify = address_of) -> Traits:
    """What can be known of a series without the others; `identify` maps all addresses of a human to one name."""
    head = series.cover or series.head
    mails = series.everything
    patches = [mail for mail in mails if mail.patch and mail.subject.part != 0 and mail is not series.letter]
    told = [mail for mail in (series.cover, patches[0] if patches else None) if mail]
    return Traits(
        mail=series.head.message_id,
        mails=frozenset(mail.message_id for mail in mails),
        version=series.version,
        rfc=series.draft,
        again=posting(series.head)[-1],
        received=series.received,
        people=frozenset({identify(series.author), identify(series.head.sender)}),
        name=" ".join(sorted(_WORD.findall(series.author.name.casefold()))),
        title=title_key(head.subject.title),
        branch=" ".join(word for word in series.subject.prefixes if _BRANCH.fullmatch(word)),
        change_id=next((mail.patch.change_id for mail in mails if mail.patch and mail.patch.change_id), ""),
        mentions=tuple(mention for mail in told for mention in mentions_in(_remarks(mail))),
        answers=frozenset(head.parents[:ANSWERED]) - {mail.message_id for mail in mails},
        patches=frozenset(title_key(mail.subject.title) for mail in patches),
        contents=frozenset(mail.patch.content for mail in patches if mail.patch and mail.patch.content),
        paths=frozenset(path for mail in patches for path in mail.diff.paths),
        total=series.total,
    )


def title_key(title: str) -> str:
    """A title's words, without the version that some write behind it."""
    words = " ".join(_WORD.findall(title.casefold()))
    return _BEHIND.sub("", words) or words


def _remarks(mail: Mail) -> str:
    """Where a mail speaks of earlier ones: a cover's text; of a patch what stands below `---`, else all."""
    if mail.patch is None:
        return mail.said
    if mail.patch.diff.text and "\n---\n" in mail.patch.log:
        return mail.patch.log.partition("\n---\n")[2]
    return mail.patch.log
