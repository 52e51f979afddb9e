"""What there is to say about one series: its patches and who looked at them, how far it has come, its versions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.changelog import changelogs
from chatbot.mail.diff import Diffstat
from chatbot.mail.evidence import Link
from chatbot.mail.lineage import Lineage
from chatbot.mail.mail import Mail
from chatbot.mail.organisations import Basis
from chatbot.mail.patch import REVIEWS
from chatbot.mail.people import People
from chatbot.mail.questions import Question, open_questions
from chatbot.mail.review import Given, answers, tags_given, tags_on
from chatbot.mail.series import Series
from chatbot.mail.standing import Standing
from chatbot.mail.standings import standings
from chatbot.mail.state import Status, status
from chatbot.report.links import mail_link

# So many patches are shown at a time: most series whole, and no more than a screen of any; and where nothing else is.
PAGE, LONG_PAGE = 20, 40


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A patch, and the tags that count for it: those on the cover do for all."""

    patch: Mail
    tags: tuple[Given, ...]

    @property
    def diffstat(self) -> Diffstat:
        """What it changes."""
        return Diffstat.of(self.patch.diff.changes)

    @property
    def reviews(self) -> tuple[tuple[str, tuple[Given, ...]], ...]:
        """Those of people who looked at it by kind, the weightiest first."""
        kinds = ((kind, tuple(one for one in self.tags if one.tag.kind == kind)) for kind in REVIEWS)
        return tuple((kind, given) for kind, given in kinds if given)


@dataclass(frozen=True, slots=True)
class Version:
    """One posting of a lineage, the one that it followed, its patches with their tags, how it stands, and the link that
    made it part of it.
    """

    series: Series[Mail]
    before: Series[Mail] | None
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
    """A series with its lineage, as seen on the lists until now. `versions` are in the order in which they came, each
    after the one that it followed; `changelog` is what its author says has changed; `forerunners_missing` says that
    there must be an older version than the oldest that is known. Links begin with `base`.
    """

    series: Series[Mail]
    base: str
    lists: tuple[str, ...]
    organisation: str
    status: Status
    questions: tuple[Question, ...]
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

    def pages(self, size: int = PAGE) -> int:
        """On how many pages its patches are shown."""
        return max(1, -(-len(self.patches) // size))

    def page(self, number: int, size: int = PAGE) -> tuple[Reviewed, ...]:
        """The patches of one page; the first is 1."""
        return self.patches[(number - 1) * size : number * size]

    def left_after(self, page: int, size: int = PAGE) -> int:
        """How many patches come after those of a page."""
        return max(0, len(self.patches) - page * size)

    @property
    def link(self) -> str:
        """Where it can be read."""
        return mail_link(self.base, self.series.message_id)

    def link_to(self, mail: Mail) -> str:
        """Where a mail of its threads can be read."""
        return mail_link(self.base, mail.message_id)

    @property
    def superseded_by(self) -> Series[Mail] | None:
        """The version that took its place."""
        head = self.status.superseded_by
        return next((one.series for one in self.versions if one.series.head.message_id == head), None)


def report_series(
    shown: Series[Mail],
    lineage: Lineage,
    guessed: Mapping[str, Series[Mail]],
    mails: Sequence[Mail],
    *,
    people: People,
    now: datetime,
    base: str,
    lists: tuple[str, ...],
) -> SeriesReport:
    """Of one version of a lineage. `mails` are those of all its versions and those below them, `guessed` the postings
    that its guesses name, by their heads.
    """
    answered = tuple(answers(mails))
    own = {mail.message_id for mail in shown.everything}
    replies = [reply for reply, patch in answered if patch.message_id in own]
    organisation = people.organisation(shown.author, shown.received)
    standing = {one.mail: one for one in standings(lineage, answered, people)}
    after = lineage.after(shown)
    return SeriesReport(
        shown,
        base,
        lists,
        organisation.name if organisation.basis is Basis.RULE else "",
        status(standing[shown.head.message_id], now),
        open_questions(shown, answered, after=after, is_bot=people.is_bot, same_human=people.same_human),
        tuple(
            Version(
                one,
                lineage.before(one),
                _reviewed(one, tags_given(one, answered, people.same_human)),
                standing[one.head.message_id],
                lineage.evidence_of(one),
            )
            for one in _as_they_came(lineage)
        ),
        lineage.forerunners_missing,
        tuple(
            Possible(guessed[guess.earlier].message_id, guessed[guess.earlier].title, guess.detail)
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


def _as_they_came(lineage: Lineage) -> list[Series[Mail]]:
    """By time; one that came in after its next version stands before it nevertheless."""
    since: dict[str, datetime] = {}
    for one in lineage.series:
        before = lineage.before(one)
        known = since[before.head.message_id] if before else one.received
        since[one.head.message_id] = max(one.received, known)
    return sorted(lineage.series, key=lambda one: since[one.head.message_id])
