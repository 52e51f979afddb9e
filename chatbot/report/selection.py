"""A digest with only what somebody asks for, and several as one. Pure: values in, a value out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from chatbot.mail.standing import Standing
from chatbot.report.digest import Digest, MailingList, Need, Posting
from chatbot.report.window import Window

_URGENCY = tuple(Need)


def narrow(digest: Digest, wants: Callable[[Standing], bool], heads: Mapping[str, Standing], only: str) -> Digest:
    """The digest with the postings that are wanted, and the talks below these; `heads` has those on which its talks
    are, by all their mails. Rankings tell of the whole list, so they are left out.
    """

    def wanted(those: Iterable[Posting]) -> tuple[Posting, ...]:
        return tuple(one for one in those if wants(one.standing))

    return replace(
        _bare(digest),
        only=only,
        attention=tuple(one for one in digest.attention if wants(one.posting.standing)),
        series=wanted(digest.series),
        versions=wanted(digest.versions),
        applied=wanted(digest.applied),
        discussed=tuple(talk for talk in digest.discussed if (head := heads.get(talk.mail)) and wants(head)),
    )


def only_new(digest: Digest) -> Digest:
    """With nothing but new series and versions."""
    only = f"new series and versions; {digest.only}" if digest.only else "new series and versions"
    return replace(_bare(digest), only=only, attention=(), applied=(), discussed=())


def _bare(digest: Digest) -> Digest:
    """Without what is told of the whole list."""
    return replace(
        digest,
        patches=0,
        replies=0,
        people=0,
        defects=0,
        change=None,
        more_silent=0,
        authors=(),
        reviewers=(),
        organisations=(),
        bots=(),
        domains=(),
        contributors=(),
        heads=(),
    )


def merge(digests: Sequence[Digest], subsystem: str, mailing_list: MailingList) -> Digest:
    """What several lists have of a subsystem as one digest; what was seen on several is told once, of the first."""
    first, *others = digests
    if not others:
        return replace(first, subsystem=subsystem)
    postings = [
        [*one.series, *one.versions, *one.applied, *(need.posting for need in one.attention)] for one in digests
    ]
    pages: dict[str, str] = {}
    for one, those in zip(digests, postings, strict=True):
        named = chain.from_iterable((posting.standing.mail, posting.standing.message_id) for posting in those)
        for message_id in chain(named, (talk.mail for talk in one.discussed)):
            pages.setdefault(message_id, one.mailing_list.base)
    times = [time for one in digests for time in (one.first, one.last) if time]
    attention = {need.posting.standing.mail: need for one in reversed(digests) for need in one.attention}
    talks = {talk.mail: talk for one in reversed(digests) for talk in one.discussed}
    return replace(
        first,
        id="",
        mailing_list=mailing_list,
        window=Window(since=first.window.since, until=first.window.until),
        subsystem=subsystem,
        pages=pages,
        mails=sum(one.mails for one in digests),
        first=min(times, default=None),
        last=max(times, default=None),
        attention=tuple(sorted(attention.values(), key=lambda need: _URGENCY.index(need.need))),
        series=_newest_first(one.series for one in digests),
        versions=_newest_first(one.versions for one in digests),
        applied=_newest_first(one.applied for one in digests)[::-1],
        discussed=tuple(sorted(talks.values(), key=lambda talk: (-talk.people, -talk.mails, talk.mail))),
        uncovered=tuple(dict.fromkeys(reason for one in digests for reason in one.uncovered)),
    )


def _newest_first(those: Iterable[Sequence[Posting]]) -> tuple[Posting, ...]:
    once = {one.standing.mail: one for some in those for one in some}
    return tuple(sorted(once.values(), key=lambda one: (one.standing.received, one.standing.mail), reverse=True))
