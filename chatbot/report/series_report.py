"""What there is to say about one series: its patches and who looked at them, how far it has come, its versions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.changelog import changelogs
from chatbot.mail.evidence import Link
from chatbot.mail.lineage import Lineage
from chatbot.mail.mail import Mail
from chatbot.mail.organisations import Basis
from chatbot.mail.people import People
from chatbot.mail.review import Given, answers, tags_given, tags_on
from chatbot.mail.series import Series
from chatbot.mail.standing import Standing, standings
from chatbot.mail.state import Status, status

# The tags of people who looked at the code, in the order of their weight.
REVIEW_TAGS = ("Reviewed-by", "Acked-by", "Tested-by", "Nacked-by")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A patch, and the tags that count for it: those on the cover do for all."""

    patch: Mail
    tags: tuple[Given, ...]

    @property
    def reviews(self) -> tuple[tuple[str, tuple[Given, ...]], ...]:
        """Those of people who looked at it by kind, the weightiest first."""
        kinds = ((kind, tuple(one for one in self.tags if one.tag.kind == kind)) for kind in REVIEW_TAGS)
        return tuple((kind, given) for kind, given in kinds if given)


@dataclass(frozen=True, slots=True)
class Version:
    """One posting of a lineage, its patches with their tags, how it stands, and the link that made it part of it."""

    series: Series[Mail]
    patches: tuple[Reviewed, ...]
    standing: Standing
    link: Link | None


@dataclass(frozen=True, slots=True)
class Possible:
    """A posting that the series may be a version of, and what says so."""

    message_id: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """A series with its lineage, as seen on the lists until now. `changelog` is what its author says has changed;
    `forerunners_missing` says that there must be an older version than the oldest that is known.
    """

    series: Series[Mail]
    link: str
    lists: tuple[str, ...]
    organisation: str
    status: Status
    versions: tuple[Version, ...]
    forerunners_missing: bool
    possibly: tuple[Possible, ...]
    changelog: str
    replies: int
    repliers: int

    @property
    def patches(self) -> tuple[Reviewed, ...]:
        """Those of the version that is shown."""
        return next(one.patches for one in self.versions if one.series == self.series)


def report_series(
    shown: Series[Mail],
    lineage: Lineage,
    guessed: Mapping[str, Series[Mail]],
    mails: Sequence[Mail],
    *,
    people: People,
    now: datetime,
    link: str,
    lists: tuple[str, ...],
) -> SeriesReport:
    """Of one version of a lineage. `mails` are those of all its versions and those below them, `guessed` the postings
    that its guesses name, by their heads.
    """
    answered = tuple(answers(mails))
    own = {mail.message_id for mail in shown.everything}
    replies = [reply for reply, patch in answered if patch.message_id in own]
    organisation = people.organisation(shown.author, shown.received)
    versions = tuple(
        Version(one, _reviewed(one, tags_given(one, answered, people.same_human)), standing, lineage.evidence_of(one))
        for one, standing in zip(lineage.series, standings(lineage, answered, people), strict=True)
    )
    standing = next(version.standing for version in versions if version.series == shown)
    return SeriesReport(
        shown,
        link,
        lists,
        organisation.name if organisation.basis is Basis.RULE else "",
        status(standing, now),
        versions,
        lineage.forerunners_missing,
        tuple(
            Possible(guess.earlier, guessed[guess.earlier].title, guess.detail)
            for guess in lineage.guesses
            if guess.later == shown.head.message_id and guess.earlier in guessed
        ),
        next((text for _, text in changelogs(shown)), ""),
        len(replies),
        len({people.identity(reply.sender) for reply in replies}),
    )


def _reviewed(series: Series[Mail], given: Iterable[Given]) -> tuple[Reviewed, ...]:
    given = tuple(given)
    return tuple(Reviewed(patch, tags_on(patch, series, given)) for patch in series.patches)
