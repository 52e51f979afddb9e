"""What is new between two digests."""

from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.mail.chronicle import Talk
from chatbot.report.digest import Attention, Digest, Need, Posting, Ranked


@dataclass(frozen=True, slots=True)
class Progressed:
    """A posting that both tell of, in another state."""

    posting: Posting
    before: str


@dataclass(frozen=True, slots=True)
class DigestDiff:
    """What the later of two digests tells, and the earlier did not; `settled` needed attention, and does no more."""

    earlier: Digest
    later: Digest
    series: tuple[Posting, ...]
    versions: tuple[Posting, ...]
    applied: tuple[Posting, ...]
    progressed: tuple[Progressed, ...]
    attention: tuple[Attention, ...]
    settled: tuple[Attention, ...]
    discussed: tuple[Talk, ...]
    authors: tuple[Ranked, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing new."""
        told = (self.series, self.versions, self.applied, self.progressed, self.attention, self.settled)
        return not any((*told, self.discussed, self.authors))


def compare(earlier: Digest, later: Digest) -> DigestDiff:
    """Postings are the same by their heads, people by their identity."""
    states = {one.standing.mail: one.status.state.value for one in (*earlier.series, *earlier.versions)}
    both = (one for one in (*later.series, *later.versions) if one.standing.mail in states)
    authors = {one.rank.identity for one in earlier.authors}
    return DigestDiff(
        earlier,
        later,
        _fresh(later.series, earlier.series),
        _fresh(later.versions, earlier.versions),
        _fresh(later.applied, earlier.applied),
        tuple(
            Progressed(one, states[one.standing.mail])
            for one in both
            if one.status.state.value != states[one.standing.mail]
        ),
        _unlike(later.attention, earlier.attention),
        tuple(one for one in _unlike(earlier.attention, later.attention) if _settled(one, later)),
        tuple(one for one in later.discussed if one.mail not in {talk.mail for talk in earlier.discussed}),
        tuple(one for one in later.authors if one.rank.identity not in authors),
    )


def _settled(one: Attention, later: Digest) -> bool:
    """Whether the later digest would tell it, were it so: what is told once it tells of its own postings alone, and of
    those that are silent the newest.
    """
    standing = one.posting.standing
    if one.need in (Need.REFUSED, Need.INCOMPLETE):
        return any(posting.standing.mail == standing.mail for posting in (*later.series, *later.versions))
    told = [other.posting.standing.received for other in later.attention if other.need is Need.SILENT]
    return (
        one.need is not Need.SILENT or not later.more_silent or standing.received > min(told, default=standing.received)
    )


def _fresh(those: Iterable[Posting], known: Iterable[Posting]) -> tuple[Posting, ...]:
    heads = {one.standing.mail for one in known}
    return tuple(one for one in those if one.standing.mail not in heads)


def _unlike(those: Iterable[Attention], known: Iterable[Attention]) -> tuple[Attention, ...]:
    told = {(one.need, one.posting.standing.mail) for one in known}
    return tuple(one for one in those if (one.need, one.posting.standing.mail) not in told)
