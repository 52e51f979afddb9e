"""The parts of a digest: what is in each, when, and in which order; every face tells it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from chatbot.chat.post import MARKDOWN
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.mail.bots import Bots
from chatbot.mail.chronicler import chronicle_of
from chatbot.mail.mail import Mail
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.organisations import Organisations
from chatbot.mail.people import People
from chatbot.report.assembly import build
from chatbot.report.digest import Digest, MailingList, Need
from chatbot.report.document import document, to_json
from chatbot.report.render import Renderer
from chatbot.report.window import Window
from chatbot.store.chronicles import WAITING, Chronicles
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.stretches import Stretches
from chatbot.summarize import Summarizer
from tests.conftest import NOON, add, compose, read_one

KVM = MailingList("kvm", "KVM", "https://lore.example/kvm/")
BOTS = Bots.parse(
    '[[bots]]\nbot = "robot"\nkind = "test"\naddress = "*@robots.example"\n'
    '[[bots]]\nbot = "patchwork"\nkind = "notice"\naddress = "*@notices.example"\n',
    "rules",
)
PEOPLE = People(bots=BOTS, rules="bots")
ANA, BO, MIA, ROBOT = "Ana <ana@a.example>", "Bo <bo@b.example>", "Mia <mia@m.example>", "Robot <r@robots.example>"
CY, DI, EVA = "Cy <cy@c.example>", "Di <di@d.example>", "Eva <eva@e.example>"
DAY = timedelta(days=1)
# NOON is that of a Monday.
MONDAY = NOON.replace(hour=0)


def sent(  # noqa: PLR0917  # the mails below read better in one line each
    number: int, day: float, subject: str, sender: str = ANA, body: str = "Log.\n", above: int | None = None
) -> Mail:
    """A mail that came so many days after the first Monday began."""
    fields = {} if above is None else {"in_reply_to": f"<m{above}@sample.example>"}
    mail = read_one(compose(subject, number, body, sender, **fields))
    return replace(mail, received=MONDAY + timedelta(days=day))


def changes(*files: str, line: str = "x") -> str:
    """A patch's log and diff."""
    diffs = (
        f"diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n@@ -1,2 +1,3 @@\n a\n+{line}\n b\n"
        for file in files
    )
    return "Log.\n---\n" + "".join(diffs)


class Room:
    """Who reads the digests of one list."""

    def __init__(self, engine: Engine, *mails: Mail, people: People = PEOPLE) -> None:
        self.engine, self.people = engine, people
        self._epoch = 0
        self.come(*mails)

    def come(self, *mails: Mail) -> None:
        if mails:
            add(Index(self.engine), "kvm", *mails, epoch=self._epoch)
        self._epoch += 1
        Following(self.engine).keep_up(self.people, MONDAY + 365 * DAY)

    def digest(self, first: float, last: float, silent_after: int = 5) -> Digest:
        """From one day to another, as it stood at the end."""
        since, until = MONDAY + timedelta(days=first), MONDAY + timedelta(days=last)
        made = Summarizer(Chronicles(self.engine), Stretches(self.engine), self.people, silent_after)
        return made.make(KVM, Stretches(self.engine).between("kvm", since, until), until)


def needs(digest: Digest) -> list[tuple[str, str, str]]:
    return [(one.need.value, one.posting.standing.title, one.words) for one in digest.attention]


def terminal(digest: Digest) -> str:
    return plain_text(Renderer().render(DIALECT, "digest", digest=digest))


def markdown(digest: Digest) -> str:
    return Renderer().render(MARKDOWN, "digest", digest=digest)


# So that there is something in every window: nobody's business.
NOISE = tuple(sent(900 + day, day + 0.01, "noise", EVA) for day in range(40))
PATCH = sent(1, 0.5, "[PATCH] a")
NACK = sent(2, 1.5, "Re: [PATCH] a", MIA, "NAK.\n", 1)


@pytest.fixture
def room(sqlite: Engine) -> Callable[..., Room]:
    return lambda *mails, **more: Room(sqlite, *NOISE, *mails, **more)


def test_a_nack_is_told_in_the_window_in_which_it_came_and_never_again(room: Callable[..., Room]) -> None:
    made = room(PATCH, NACK)
    told = [needs(made.digest(day, day + 1)) for day in range(4)]
    assert told == [[], [("refused", "a", "NACK by Mia")], [], []]


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ([], True),
        ([sent(3, 1.6, "Re: [PATCH] a", MIA, "Reviewed-by: Mia <mia@m.example>\n", 1)], False),  # withdrawn
        ([sent(3, 2.6, "Re: [PATCH] a", MIA, "Reviewed-by: Mia <mia@m.example>\n", 1)], True),  # but only later
        ([sent(3, 1.6, "Re: [PATCH] a", BO, "Reviewed-by: Bo <bo@b.example>\n", 1)], True),  # by somebody else
        ([sent(3, 1.4, "Re: [PATCH] a", MIA, "Reviewed-by: Mia <mia@m.example>\n", 1)], True),  # said before it
        ([sent(3, 1.6, "[PATCH v2] a")], False),  # superseded
        ([sent(3, 2.6, "[PATCH v2] a")], True),  # but only later
    ],
)
def test_a_nack_is_told_as_long_as_it_stands(room: Callable[..., Room], others: list[Mail], told: bool) -> None:
    made = room(PATCH, NACK, *others).digest(1, 2)
    assert [one[0] for one in needs(made) if one[0] == "refused"] == (["refused"] if told else [])


@pytest.mark.parametrize(
    ("patch", "nack"),
    [
        (PATCH, replace(NACK, sender=PATCH.sender)),  # who withdraws their own patch
        (PATCH, sent(2, 1.5, "Re: [PATCH] a", ROBOT, "NAK.\n", 1)),
        (PATCH, sent(2, 1.5, "Re: [PATCH] a", MIA, "This is no NAK.\n", 1)),
        (PATCH, sent(2, 1.5, "Re: [PATCH] a", MIA, "> NAK.\n\nWhy?\n", 1)),
        (sent(1, 0.5, "[RFC PATCH] a"), NACK),  # a draft needs nobody
    ],
)
def test_not_everything_is_a_nack_that_somebody_should_look_at(
    room: Callable[..., Room], patch: Mail, nack: Mail
) -> None:
    assert needs(room(patch, nack).digest(0, 2)) == []


REVIEW = sent(2, 1.5, "Re: [PATCH] a", BO, "Reviewed-by: Bo <bo@b.example>\n", 1)
APPLIED = sent(3, 2.5, "Re: [PATCH] a", MIA, "Applied, thanks!\n", 1)


def test_complete_reviews_are_told_until_it_is_applied_with_the_business_days_since(room: Callable[..., Room]) -> None:
    made = room(PATCH, REVIEW, replace(APPLIED, received=MONDAY + 8.5 * DAY))
    told = [needs(made.digest(day, day + 1)) for day in range(10)]
    words = "all reviewed, not seen applied"
    assert told[0] == []
    # Reviewed on a Tuesday; each window ends when the next day has begun.
    assert [one[0][2].removeprefix(words) for one in told[1:8]] == [
        " for 1 business day",
        " for 2 business days",
        " for 3 business days",
        " for 3 business days",  # until Saturday
        " for 3 business days",  # until Sunday
        " for 4 business days",
        " for 5 business days",
    ]
    assert told[8] == told[9] == []


@pytest.mark.parametrize(
    "others",
    [
        [APPLIED],
        [
            sent(
                3,
                1.6,
                "Re: [PATCH] a",
                "Patchwork <p@notices.example>",
                "This patch was applied to a/b.git (main)\n",
                1,
            )
        ],
        [sent(3, 1.6, "[PATCH v2] a")],
        [sent(3, 1.6, "Re: [PATCH] a", MIA, "Please resend.\n", 1)],
        [sent(3, 1.6, "Re: [PATCH] a", MIA, "NAK.\n", 1)],
    ],
)
def test_reviews_need_nobody_where_something_else_was_said_since(room: Callable[..., Room], others: list[Mail]) -> None:
    assert Need.REVIEWED not in [one.need for one in room(PATCH, REVIEW, *others).digest(2, 3).attention]


def test_reviews_of_some_patches_or_of_a_draft_are_not_complete(room: Callable[..., Room]) -> None:
    half = [
        sent(1, 0.1, "[PATCH 0/2] half"),
        sent(2, 0.1, "[PATCH 1/2] one", above=1),
        sent(3, 0.1, "[PATCH 2/2] two", above=1),
        sent(4, 0.2, "Re: one", BO, "Acked-by: Bo <bo@b.example>\n", 2),
    ]
    missing = [
        sent(11, 0.1, "[PATCH 0/2] missing", CY),
        sent(12, 0.1, "[PATCH 1/2] three", CY, above=11),
        sent(13, 0.2, "Re: missing", BO, "Acked-by: Bo <bo@b.example>\n", 11),
    ]
    draft = [
        sent(21, 0.1, "[RFC PATCH] draft", DI),
        sent(22, 0.2, "Re: draft", BO, "Acked-by: Bo <bo@b.example>\n", 21),
    ]
    made = room(*half, *missing, *draft)
    assert Need.REVIEWED not in [one.need for one in made.digest(0, 1).attention]
    made.come(sent(5, 1.5, "Re: two", BO, "Acked-by: Bo <bo@b.example>\n", 3))
    assert [one[:2] for one in needs(made.digest(1, 2))] == [("reviewed", "half")]


def test_missing_patches_are_told_when_they_had_time_to_come(room: Callable[..., Room]) -> None:
    cover, first = sent(1, 0.5, "[PATCH 0/3] a"), sent(2, 0.5, "[PATCH 1/3] one", above=1)
    made = room(cover, first)
    assert needs(made.digest(0, 0.5 + 5 / 24)) == []
    assert needs(made.digest(0, 0.5 + 7 / 24)) == [("incomplete", "a", "2 patches of 3 not seen on the list")]
    assert needs(made.digest(1, 2)) == []  # told once
    made.come(sent(3, 0.7, "[PATCH 2/3] two", above=1))
    assert needs(made.digest(0, 1)) == [("incomplete", "a", "1 patch of 3 not seen on the list")]
    made.come(sent(4, 1.1, "[PATCH 3/3] three", above=1))
    assert needs(made.digest(0, 1)) == [("incomplete", "a", "1 patch of 3 not seen on the list")]  # as it stood
    assert needs(made.digest(0, 2)) == []


def test_missing_patches_are_told_once_though_others_come_a_day_late(room: Callable[..., Room]) -> None:
    made = room(sent(1, 1.83, "[PATCH 1/3] one"), sent(2, 2.79, "[PATCH 2/3] two", above=1))
    told = [needs(made.digest(day, day + 1)) for day in range(6)]
    assert told == [[], [], [], [("incomplete", "one", "1 patch of 3 not seen on the list")], [], []]


def test_what_had_all_reviews_had_them_whatever_was_sent_anew_later(room: Callable[..., Room]) -> None:
    ack = "Acked-by: Bo <bo@b.example>\n"
    made = room(
        sent(1, 0.1, "[PATCH 0/2] a"),
        sent(2, 0.1, "[PATCH 1/2] one", above=1),
        sent(3, 0.1, "[PATCH 2/2] two", above=1),
        sent(4, 0.3, "Re: [PATCH 1/2] one", BO, ack, 2),
        sent(5, 0.3, "Re: [PATCH 2/2] two", BO, ack, 3),
    )
    before = made.digest(0, 1)
    assert [one[0] for one in needs(before)] == ["reviewed"]
    made.come(sent(6, 5, "[PATCH v1.1 2/2] two", above=3))
    assert made.digest(0, 1) == before


@pytest.mark.parametrize(
    "mails",
    [
        [sent(1, 0.1, "[RFC PATCH 0/2] a"), sent(2, 0.1, "[RFC PATCH 1/2] one", above=1)],
        [sent(1, 0.1, "[PATCH 0/2] a", ROBOT), sent(2, 0.1, "[PATCH 1/2] one", ROBOT, above=1)],
        [
            sent(1, 0.1, "[PATCH 0/2] a"),
            sent(2, 0.1, "[PATCH 1/2] one", above=1),
            sent(3, 0.3, "[PATCH v2 0/1] a"),
            sent(4, 0.3, "[PATCH v2 1/1] one", above=3),
        ],
    ],
)
def test_missing_patches_of_drafts_of_programs_and_of_what_was_superseded_need_nobody(
    room: Callable[..., Room], mails: list[Mail]
) -> None:
    assert needs(room(*mails).digest(0, 1)) == []


@pytest.mark.parametrize(
    ("posted", "until", "days"),
    [
        (0.5, 5, None),  # Monday to Saturday, when four business days have begun after it
        (0.5, 6, None),
        (0.5, 7, 5),  # the next Monday has begun
        (0.5, 7.9, 5),
        (3.5, 9.9, None),  # Thursday to Wednesday
        (3.5, 10, 5),  # Thursday to Thursday
        (4.99, 11, 5),  # Friday to Friday
        (5.5, 11, 5),  # Saturday, too
        (6.5, 11, 5),  # and Sunday
        (6.5, 10.9, None),
    ],
)
def test_silence_is_told_after_five_business_days(
    room: Callable[..., Room], posted: float, until: float, days: int | None
) -> None:
    told = needs(room(sent(1, posted, "[PATCH] a")).digest(until - 1, until))
    assert told == ([("silent", "a", f"no reply seen for {days} business days")] if days else [])


def test_after_how_many_days_is_a_setting(room: Callable[..., Room]) -> None:
    made = room(sent(1, 0.5, "[PATCH] a"))
    assert [needs(made.digest(1, 2, after)) != [] for after in (1, 2, 3)] == [True, True, False]
    assert made.digest(1, 2, 1).id != made.digest(1, 2, 2).id


@pytest.mark.parametrize(
    ("others", "silent"),
    [
        ([sent(2, 1.5, "Re: a", ROBOT, "It does not build.\n", 1)], True),
        ([sent(2, 1.5, "Re: a", ANA, "Ping?\n", 1)], True),
        ([sent(2, 1.5, "Re: a", BO, "Why?\n", 1)], False),
        ([sent(2, 1.5, "Re: a", BO, "Acked-by: Bo <bo@b.example>\n", 1)], False),
        ([sent(2, 8.5, "Re: a", BO, "Why?\n", 1)], True),  # later than the window
        ([sent(2, 1.5, "[PATCH v2] a")], True),  # of which nothing was heard
    ],
)
def test_who_answers_breaks_the_silence(room: Callable[..., Room], others: list[Mail], silent: bool) -> None:
    told = [one for one in room(PATCH, *others).digest(7, 8.4).attention if one.need is Need.SILENT]
    about = others[0] if others[0].patch else PATCH
    assert [one.posting.standing.mail for one in told] == ([about.message_id] if silent else [])


@pytest.mark.parametrize("subject", ["[RFC PATCH] a", "[GIT PULL] a"])
def test_nobody_has_to_answer_a_draft_or_a_pull_request(room: Callable[..., Room], subject: str) -> None:
    assert needs(room(sent(1, 0.5, subject)).digest(9, 10)) == []


def test_what_waits_for_a_month_is_no_news(room: Callable[..., Room]) -> None:
    made = room(PATCH)
    told = [bool(made.digest(day, day + 1).attention) for day in range(39)]
    first, last = told.index(True), 38 - told[::-1].index(True)
    assert all(told[first : last + 1])
    assert (first, last) == (6, 33)  # from 5 business days on, for 20 of them


def test_the_newest_silences_are_told_and_the_others_are_counted(room: Callable[..., Room]) -> None:
    count = WAITING + 8
    made = room(*(sent(number, 0.3 + number / 1000, f"[PATCH] number {number}") for number in range(1, count + 1)))
    digest = made.digest(7, 8)
    assert [one.posting.standing.title for one in digest.attention] == [
        f"number {number}" for number in range(count, count - WAITING, -1)
    ]
    assert digest.more_silent == count - WAITING == 8
    assert terminal(digest).count("no reply seen for 6 business days") == 8
    assert f"\n  +{count - 8} more\n" in terminal(digest)
    assert "\n- +8 more without a reply\n" in markdown(digest)


def test_the_most_urgent_stands_first(room: Callable[..., Room]) -> None:
    mails = [
        sent(1, 0.1, "[PATCH] silent"),
        sent(2, 7.1, "[PATCH 1/2] incomplete", BO),
        sent(3, 7.1, "[PATCH] reviewed", CY),
        sent(4, 7.2, "Re: reviewed", MIA, "Acked-by: Mia <mia@m.example>\n", 3),
        sent(5, 0.1, "[PATCH] refused", DI),
        sent(6, 7.2, "Re: refused", MIA, "NAK.\n", 5),
    ]
    assert [one.need for one in room(*mails).digest(7, 8).attention] == list(Need)


@pytest.mark.parametrize("again", [[], [sent(4, 3.5, "Re: [PATCH] a", MIA, "Applied, thanks!\n", 1)]])
def test_what_was_applied_is_told_once_when_it_was_first_said(room: Callable[..., Room], again: list[Mail]) -> None:
    made = room(PATCH, APPLIED, *again)
    told = [[one.standing.title for one in made.digest(day, day + 1).applied] for day in range(5)]
    assert told == [[], [], ["a"], [], []]
    assert "1 applied" in made.digest(2, 3).headline
    assert "applied" not in made.digest(3, 4).headline


def test_who_says_of_their_own_patch_that_it_is_applied_has_not_applied_it(room: Callable[..., Room]) -> None:
    assert room(PATCH, replace(APPLIED, sender=PATCH.sender)).digest(2, 3).applied == ()


def test_the_most_discussed_is_what_most_humans_said_something_about(sqlite: Engine) -> None:
    def talk(start: int, *senders: str) -> Iterable[Mail]:
        above = start
        for number, sender in enumerate(senders, start + 1):
            yield sent(number, 0.6, "Re: it", sender, "Text.\n", above)
            above = number

    many = [sent(100, 0.5, "[PATCH] two people, twenty mails"), *talk(100, *[BO, MIA] * 10)]
    four = [sent(200, 0.5, "[PATCH] four people, four mails", CY), *talk(200, BO, MIA, DI, EVA)]
    three = [sent(300, 0.5, "[PATCH] three people, six mails", DI), *talk(300, *[BO, MIA, EVA] * 2)]
    less = [sent(500, 0.5, "[PATCH] three people, three mails", MIA), *talk(500, BO, ANA, EVA)]
    bots = [sent(400, 0.5, "[PATCH] two people and programs", EVA), *talk(400, BO, MIA, ROBOT, "P <p@notices.example>")]
    digest = Room(sqlite, *many, *bots, *less, *three, *four).digest(0, 1)
    assert [(one.subject.title, one.people, one.mails) for one in digest.discussed] == [
        ("four people, four mails", 4, 4),
        ("three people, six mails", 3, 6),
        ("three people, three mails", 3, 3),
    ]
    one_human = People(Mailmap.parse("Mia <mia@m.example> <eva@e.example>\n"), bots=BOTS, rules="one")
    assert [(one.subject.title, one.people) for one in Room(sqlite, people=one_human).digest(0, 1).discussed] == [
        ("four people, four mails", 3),
        ("three people, three mails", 3),
    ]


def test_a_discussion_counts_what_was_said_in_the_window(room: Callable[..., Room]) -> None:
    said = [sent(2 + number, 0.6 + number, "Re: a", who, above=1) for number, who in enumerate((BO, MIA, CY, DI))]
    made = room(PATCH, *said)
    assert [one.people for one in made.digest(0, 3).discussed] == [3]
    assert made.digest(2, 4).discussed == ()


def test_talk_about_no_patch_is_told_with_those_who_answered(room: Callable[..., Room]) -> None:
    """The index and the mails themselves count alike: who was answered has not discussed."""
    mails = [
        sent(1, 0.5, "a question"),
        *(sent(n, 0.6, "Re: a question", who, above=1) for n, who in ((2, BO), (3, MIA), (4, CY))),
    ]
    made = room(*mails)
    by_mails = build(KVM, Window(), chronicle_of(mails, PEOPLE), PEOPLE, MONDAY + DAY)
    assert by_mails.discussed == made.digest(0, 1).discussed
    assert [(one.subject.title, one.people, one.mails) for one in by_mails.discussed] == [("a question", 3, 3)]


def test_people_are_ranked_with_how_far_they_have_moved(room: Callable[..., Room]) -> None:
    def posted(day: int, *senders: str) -> Iterable[Mail]:
        for number, sender in enumerate(senders):
            yield sent(100 * day + number, day + 0.5, f"[PATCH] {day} {number}", sender, changes(f"{day}-{number}.c"))

    made = room(*posted(1, ANA, ANA, ANA, BO, BO, CY), *posted(2, BO, BO, BO, CY, CY, ANA, DI))
    ranked = [(one.rank.person.name, one.rank.mails, one.moved) for one in made.digest(2, 3).authors]
    assert ranked == [("Bo", 3, 1), ("Cy", 2, 1), ("Ana", 1, -2), ("Di", 1, None)]
    shown = re.findall(r"(?m)^ +(\d+)  (\w+)[^▲▼\n]*([▲▼] \d)?", parts(terminal(made.digest(2, 3)))["Authors"])
    assert shown == [("3", "Bo", "▲ 1"), ("2", "Cy", "▲ 1"), ("1", "Ana", "▼ 2"), ("1", "Di", "")]
    # Nothing is known of what was before the first day of all.
    assert {one.moved for one in made.digest(0, 3).authors} == {None}


def test_who_sends_a_first_patch_is_told(sqlite: Engine) -> None:
    old = [sent(800 + number, -100, f"[PATCH] old {number}", who) for number, who in enumerate((ANA, BO))]
    talked = sent(810, -100, "hello", CY)
    now = [
        sent(820 + number, 0.5, f"[PATCH] new {number}", who)
        for number, who in enumerate((ANA, CY, DI, "Bo <bo@new.example>"))
    ]
    same = People(Mailmap.parse("Bo <bo@b.example> <bo@new.example>\n"), bots=BOTS, rules="same")
    digest = Room(sqlite, *old, talked, *now, people=same).digest(0, 1)
    assert [one.rank.person.name for one in digest.newcomers] == ["Cy", "Di"]
    assert "\nFirst patch seen\n  Cy, Di\n" in terminal(digest)
    assert "\nFirst patch seen: Cy, Di\n" in markdown(digest)


def test_nobody_is_new_where_little_is_known_of_what_came_before(room: Callable[..., Room]) -> None:
    assert room(PATCH).digest(0, 1).newcomers == ()


def test_organisations_are_those_of_the_authors_when_they_wrote(room: Callable[..., Room]) -> None:
    rules = Organisations.parse(
        '[[rules]]\norganisation = "Intel"\ndomain = "a.example"\n'
        '[[rules]]\norganisation = "Google"\ndomain = "b.example"\n',
        "rules",
    )
    one = Mailmap.parse("Ana <ana@a.example> <ana@b.example>\n")
    people = People(one, rules, BOTS, "rules")
    mails = [
        sent(1, 0.1, "[PATCH] a", ANA),
        sent(2, 0.2, "[PATCH] b", "Ana <ana@b.example>"),
        sent(3, 0.3, "[PATCH] c", ANA),
    ]
    digest = room(*mails, people=people).digest(0, 1)
    assert digest.organisations == (("Intel", 2), ("Google", 1))
    by_mails = build(KVM, Window(), chronicle_of(mails, people), people, MONDAY + DAY)
    assert by_mails.organisations == digest.organisations
    # For whom she wrote last.
    assert [author.rank.organisation.name for author in by_mails.authors] == ["Intel"]
    assert [author.rank for author in digest.authors] == [author.rank for author in by_mails.authors]


def full(engine: Engine) -> Digest:
    """A digest with more than is shown of each part."""
    rest = People(bots=BOTS, rules="bots")
    before = [
        sent(number, -100 + number / 1000, f"[PATCH] old {number}", ANA, changes(f"o{number}.c"))
        for number in range(5000, 5003)
    ]
    mails = [*before]
    numbers = iter(range(1000, 5000))

    def send(day: float, subject: str, sender: str, body: str = "Log.\n", above: int | None = None) -> int:
        number = next(numbers)
        mails.append(sent(number, day + number / 100_000, subject, sender, body, above))
        return number

    for number in range(24):
        author = f"Author{number:02} <a@d{number:02}.example>"
        send(0, f"[PATCH] silent {number}", author, changes(f"s{number}.c"))
        send(8, f"[PATCH] fresh {number}", f"Fresh{number:02} <f@f{number:02}.example>", changes(f"f{number}.c"))
        lonely = send(0.1, f"[PATCH] thing {number}", author, changes(f"t{number}.c"))
        send(8, f"[PATCH v2] thing {number}", author, changes(f"t{number}.c", line="y"))
        merged = send(0.1, f"[PATCH] merged {number}", author, changes(f"m{number}.c"))
        send(8, f"Re: merged {number}", MIA, "Applied, thanks!\n", merged)
        send(
            8,
            f"Re: thing {number}",
            f"Reviewer{number:02} <r@d{number:02}.example>",
            f"Acked-by: R <r@d{number:02}.example>\n",
            lonely,
        )
        for who in (BO, CY, DI):
            send(8.5, f"Re: merged {number}", who, "Why?\n", merged)
    return Room(engine, *sorted(mails, key=lambda mail: mail.received), people=rest).digest(8, 9)


HEADINGS = (
    "Needs attention",
    "New series",
    "New versions",
    "Applied",
    "Most discussed",
    "Authors",
    "Reviewers",
    "First patch seen",
    "Organisations",
)


def parts(text: str) -> dict[str, str]:
    """The parts of a digest at a terminal, by their headings."""
    found = re.split(rf"(?m)^({'|'.join(HEADINGS)})$\n", text)
    return dict(zip(found[1::2], found[2::2], strict=True))


def test_the_parts_come_in_their_order_and_long_ones_say_how_many_more(sqlite: Engine) -> None:
    digest = full(sqlite)
    told = parts(terminal(digest))
    assert tuple(told) == HEADINGS
    shown = {"Needs attention": 8, "New series": 20, "New versions": 20, "Applied": 12, "Most discussed": 5}
    shown |= {"Authors": 10, "Reviewers": 10, "First patch seen": 12, "Organisations": 10}
    there = {
        "Needs attention": len(digest.attention) + digest.more_silent,
        "New series": len(digest.series),
        "New versions": len(digest.versions),
        "Applied": len(digest.applied),
        "Most discussed": len(digest.discussed),
        "Authors": len(digest.authors),
        "Reviewers": len(digest.reviewers),
        "First patch seen": len(digest.newcomers),
        "Organisations": len(digest.organisations),
    }
    for heading, number in shown.items():
        assert there[heading] > number, heading
        assert re.findall(r"\+(\d+) more", told[heading]) == [str(there[heading] - number)], heading
    assert [told[one].count(f"{digest.mailing_list.base}") for one in HEADINGS[:5]] == [8, 20, 20, 12, 5]


def test_every_line_about_a_posting_is_linked(sqlite: Engine) -> None:
    """At a terminal by the line that follows, in Markdown by itself; it leads to that very posting."""
    digest = full(sqlite)
    links = {one.standing.title: digest.link(one.standing.message_id) for one in (*digest.series, *digest.versions)}
    links |= {one.standing.title: digest.link(one.standing.message_id) for one in digest.applied}
    links |= {one.posting.standing.title: digest.link(one.posting.standing.message_id) for one in digest.attention}
    for heading in HEADINGS[:5]:
        titles = re.findall(r"(?m)^  (\S+ \d+)(?:$|  )", told := parts(terminal(digest))[heading])
        assert titles, heading
        for title in titles:
            entry = re.split(rf"(?m)^  {title}(?:$|  )", told)[1]
            assert re.findall(r"https://\S+", entry)[0] == links[title], heading
    lines = [line for line in markdown(digest).splitlines() if line.startswith("- ") and "more without" not in line]
    assert len(lines) == sum(
        map(len, (digest.attention, digest.series, digest.versions, digest.applied, digest.discussed))
    )
    for line in lines:
        title, link = re.match(r"- \[(.*?)\]\((.*?)\)", line).groups()  # type: ignore[union-attr]
        assert link == links[title]


def test_what_is_empty_is_left_out_of_every_face(room: Callable[..., Room]) -> None:
    digest = room(sent(1, 0.5, "hello")).digest(0, 1)
    assert digest.headline == "2 mails from 2 people."
    assert parts(terminal(digest)) == {}
    assert "#" not in markdown(digest).removeprefix("#")
    alone = room(sent(2, 50.5, "[PATCH] a")).digest(50, 51)
    assert tuple(parts(terminal(alone))) == ("New series", "Authors", "Organisations")
    assert re.findall(r"(?m)^## (.*)$", markdown(alone)) == ["New series", "Authors", "Organisations"]


def test_a_window_without_mails_says_so_in_one_line(room: Callable[..., Room]) -> None:
    digest = room(PATCH).digest(60, 61)
    assert digest.empty
    assert digest.headline == "Nothing new."
    assert terminal(digest).startswith("KVM mailing list  Nothing new.\n")
    assert "Digest " not in terminal(digest)


def test_the_headline_says_what_there_was_and_how_much_more_than_before(room: Callable[..., Room]) -> None:
    mails = [
        sent(1, 1.5, "[PATCH] a", body=changes("a.c")),
        sent(2, 2.1, "[PATCH v2] a", body=changes("a.c", line="y")),
        sent(3, 2.2, "[PATCH 0/1] b", BO),
        sent(4, 2.2, "[PATCH 1/1] c", BO, above=3),
        sent(5, 2.3, "Re: b", MIA, "Applied, thanks!\n", 3),
        sent(6, 2.4, "Re: b", BO, "Thanks!\n", 5),
    ]
    made = room(*mails)
    assert made.digest(2, 3).headline == (
        "6 mails (4 more than before) from 4 people: 1 new series, 1 new version, 1 applied, 3 patches, 2 replies."
    )
    assert made.digest(3, 4).headline == "1 mail (5 fewer than before) from 1 person."
    assert made.digest(4, 5).headline == "1 mail (as many as before) from 1 person."
    assert made.digest(0, 1).headline == "1 mail from 1 person."


def test_a_new_series_says_all_there_is_to_know(room: Callable[..., Room]) -> None:
    cover = "Hi all,\n\nGuests can be moved while they run. And so on.\n"
    mails = [
        sent(1, 0.5, "[PATCH net-next 0/2] net: Move guests", body=cover),
        sent(2, 0.5, "[PATCH net-next 1/2] one", body=changes("net/core/a.c", "net/core/b.c", "net/x.c"), above=1),
        sent(3, 0.5, "[PATCH net-next 2/2] two", body=changes("doc/y.rst", "net/core/c.c"), above=1),
    ]
    rules = Organisations.parse('[[rules]]\norganisation = "Intel"\ndomain = "a.example"\n', "rules")
    digest = room(*mails, people=People(organisations=rules, bots=BOTS, rules="intel")).digest(0, 1)
    assert (
        "New series\n"
        "  net: Move guests\n"
        "    net-next v1 · 2 patches · Ana (Intel) · +5 −0 · net/core, doc\n"
        "    Guests can be moved while they run.\n"
        "    https://lore.example/kvm/m1@sample.example/\n"
    ) in terminal(digest)


def test_a_new_version_says_what_changed_which_reviews_it_keeps_and_how_long_it_took(room: Callable[..., Room]) -> None:
    mails = [
        sent(1, 0.5, "[PATCH 0/3] a"),
        *(
            sent(1 + part, 0.5, f"[PATCH {part}/3] part {part}", body=changes(f"{part}.c"), above=1)
            for part in (1, 2, 3)
        ),
        sent(5, 1.5, "Re: a", BO, "Reviewed-by: Bo <bo@b.example>\n", 1),
        sent(10, 4.5, "[PATCH v2 0/3] a"),
        sent(11, 4.5, "[PATCH v2 1/3] part 1", body="Reviewed-by: Bo <bo@b.example>\n" + changes("1.c"), above=10),
        sent(12, 4.5, "[PATCH v2 2/3] part 2", body=changes("2.c", line="z"), above=10),
        sent(13, 4.5, "[PATCH v2 3/3] another", body=changes("4.c"), above=10),
    ]
    made = room(*mails)
    words = "    4 days after v1: 1 unchanged, 1 changed, 1 added, 1 dropped; reviews 1 kept, 1 dropped\n"
    assert words in terminal(made.digest(4, 5))
    digest = made.digest(4, 5)
    # What is said later changes nothing of what there was to keep then.
    made.come(
        sent(20, 6.5, "Re: a", MIA, "Acked-by: Mia <mia@m.example>\n", 1),
        sent(21, 6.5, "Re: part 2", BO, "Reviewed-by: Bo <bo@b.example>\n", 12),
    )
    assert made.digest(4, 5) == digest
    assert to_json(made.digest(4, 5)) == to_json(digest)


@pytest.mark.parametrize(
    "later",
    [
        [sent(20, 2.5, "Re: a", MIA, "NAK.\n", 1), sent(21, 2.6, "Re: a", BO, "Applied, thanks!\n", 1)],
        [sent(20, 2.5, "[PATCH v2] a")],
        [sent(20, 2.5, "[PATCH 2/3] late", BO, changes("late/late.c"), above=10)],
        [sent(20, 2.5, "[PATCH v1.1 1/3] one", BO, changes("one.c", line="z"), above=11)],
        [sent(20, 2.5, "[PATCH] z", CY), sent(21, 2.6, "Re: z", ANA, "Why?\n", 20)],
    ],
)
def test_what_comes_later_changes_no_digest(room: Callable[..., Room], later: list[Mail]) -> None:
    """The same window and the same settings give the same digest, byte for byte, in every face."""
    made = room(
        PATCH,
        sent(10, 0.6, "[PATCH 0/3] b", BO),
        sent(11, 0.6, "[PATCH 1/3] one", BO, changes("one.c"), above=10),
        sent(12, 0.7, "Re: one", MIA, "Reviewed-by: Mia <mia@m.example>\n", 11),
    )
    before = made.digest(0, 2)
    made.come(*later)
    after = made.digest(0, 2)
    for face in (terminal, markdown, to_json):
        assert face(after) == face(before)


def test_what_is_not_covered_stands_in_the_footer(sqlite: Engine) -> None:
    add(Index(sqlite), "kvm", PATCH)
    stretch = Stretches(sqlite).newest("kvm", 1)
    made = Summarizer(Chronicles(sqlite), Stretches(sqlite), PEOPLE).make(KVM, stretch, MONDAY + DAY)
    assert made.uncovered
    last = terminal(made).splitlines()[-2:]
    assert last[0].startswith("Not covered: what has long been waiting")
    assert last[1] == f"Digest {made.id} · commits {'0' * 12}..{stretch.spans[0].to[:12]}"
    assert f"\nNot covered: {made.uncovered[0]}\n" in markdown(made)
    assert document(made)["uncovered"] == list(made.uncovered)
    Following(sqlite).keep_up(PEOPLE, MONDAY + DAY)
    again = Summarizer(Chronicles(sqlite), Stretches(sqlite), PEOPLE).make(KVM, stretch, MONDAY + DAY)
    assert again.uncovered == ()


def test_an_id_stands_for_the_window_the_moment_and_the_settings(room: Callable[..., Room]) -> None:
    made = room(PATCH)
    base = made.digest(0, 2)
    assert re.fullmatch("[0-9a-f]{12}", base.id)
    others = {made.digest(0, 1).id, made.digest(1, 2).id, made.digest(0, 2, 6).id}
    others.add(Room(made.engine, people=replace(PEOPLE, rules="others")).digest(0, 2).id)
    assert base.id not in others
    assert len(others) == 4
    assert made.digest(0, 2).id == base.id
