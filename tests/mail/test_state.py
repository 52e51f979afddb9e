"""How far a series has come, what shows it, and whose turn it is."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.mail.bots import Bots
from chatbot.mail.grouping import group
from chatbot.mail.lineage import Lineage
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.review import answers
from chatbot.mail.said import applied_parts, asks_for_changes
from chatbot.mail.standings import standings
from chatbot.mail.state import Seen, State, Status, Turn, Waiting, business_days, status
from tests.conftest import compose, read_one, thread

# The situations begin on Monday the 3rd; this is the Thursday after.
NOW = datetime(2025, 11, 6, 12, tzinfo=UTC)


PEOPLE = People(bots=Bots.parse('[[bots]]\nbot = "robots"\nkind = "notice"\naddress = "*@robots.example"\n', "rules"))


def read(name: str, now: datetime = NOW) -> Status:
    return status_of(thread(name), now)


def status_of(mails: Sequence[Mail], now: datetime = NOW) -> Status:
    first, *_ = standings(Lineage(group(mails)), answers(mails), PEOPLE)
    return status(first, now)


def evidence(found: Status) -> Seen:
    return found.seen[-1]


@pytest.mark.parametrize(
    ("name", "state", "mails", "words"),
    [
        ("state-new", State.NEW, ["a0"], "posted"),
        ("state-discussed", State.DISCUSSED, ["r"], "replies by Bo Lindqvist"),
        ("state-nack", State.CHANGES_ASKED, ["r"], "NACK by Mia Roth"),
        ("state-no-nack", State.DISCUSSED, ["r"], "replies by Mia Roth"),
        ("state-please-resend", State.CHANGES_ASKED, ["r"], "please rebase by Mia Roth"),
        ("state-pw-bot", State.CHANGES_ASKED, ["r"], "pw-bot: cr by Mia Roth"),
        ("state-asked-then-approved", State.REVIEWED, ["s"], "every patch has a Reviewed-by or Acked-by"),
        ("state-reviewed", State.REVIEWED, ["r"], "every patch has a Reviewed-by or Acked-by"),
        ("state-half-reviewed", State.DISCUSSED, ["r"], "replies by Bo Lindqvist"),
        ("state-applied-by-a-maintainer", State.APPLIED, ["r"], "said to be applied"),
        ("state-applied-patchwork-bot", State.APPLIED, ["r"], "said to be applied"),
        ("state-applied-b4", State.APPLIED, ["r"], "said to be applied: 2 of 3"),
        ("state-not-applied", State.DISCUSSED, ["r"], "replies by Dee Okafor"),
        ("tags-sent-by-another", State.CHANGES_ASKED, ["n"], "NACK by Roth, Mia"),
    ],
)
def test_a_state_comes_with_the_mails_that_show_it(name: str, state: State, mails: list[str], words: str) -> None:
    seen = evidence(read(name))
    assert (seen.state, [mail.partition("@")[0] for mail in seen.mails], seen.words) == (state, mails, words)


def test_all_that_was_seen_is_told_not_only_the_state() -> None:
    assert [one.state for one in read("state-reviewed").seen] == [State.NEW, State.DISCUSSED, State.REVIEWED]
    assert evidence(read("state-applied-b4")).parts == (1, 3)


def test_a_series_with_missing_parts_is_not_reviewed() -> None:
    mails = [mail for mail in thread("state-reviewed") if mail.subject.part != 2 or mail.reply]
    found = status_of(mails)
    assert found.state is State.DISCUSSED


def test_superseded_is_an_attribute_and_not_a_state() -> None:
    found = read("series-v2-in-reply-to-v1")
    assert (found.state, found.superseded_by) == (State.NEW, "b0@series-v2-in-reply-to-v1.example")
    assert found.waiting is None
    assert read("state-new").superseded_by == ""


def test_a_series_is_stale_when_nothing_was_seen_for_long() -> None:
    late = NOW + timedelta(days=200)
    seen = evidence(read("state-discussed", late))
    assert (seen.state, seen.words) == (State.STALE, "nothing seen on the list since 2025-11-05")
    assert read("state-reviewed", late).state is State.STALE
    assert read("state-reviewed", late).waiting is None  # for nobody waits any more
    assert read("state-applied-by-a-maintainer", late).state is State.APPLIED


@pytest.mark.parametrize(
    ("name", "waiting"),
    [
        ("state-new", (Turn.REVIEWERS, 3, 3)),
        ("state-nack", (Turn.AUTHOR, 4, 2)),
        ("state-half-reviewed", (Turn.REVIEWERS, 3, 3)),
        ("state-author-answered", (Turn.REVIEWERS, 6, 0)),
        ("state-reviewed", (Turn.MAINTAINER, 4, 2)),
        ("state-please-resend", (Turn.AUTHOR, 4, 2)),
        ("state-rfc", None),
        ("state-applied-by-a-maintainer", None),
        ("state-applied-b4", (Turn.REVIEWERS, 3, 3)),
    ],
)
def test_whose_turn_it_is_and_for_how_many_business_days(name: str, waiting: tuple[Turn, int, int] | None) -> None:
    found = read(name).waiting
    assert (found and (found.on, found.since.day, found.business_days)) == waiting


def test_the_authors_turn_begins_with_the_first_question_that_has_no_answer() -> None:
    patch = read_one(compose("[PATCH] a", 1, "Log.\n"))
    mails = [patch]
    for number, (who, text) in enumerate([("Bo <bo@b.example>", "Why?"), ("Bo <bo@b.example>", "And how?")], 2):
        data = compose("Re: [PATCH] a", number, text, who, in_reply_to="<m1@sample.example>")
        mails.append(read_one(data, NOW + timedelta(days=number)))
    found = status_of(mails, NOW + timedelta(days=9))
    assert found.waiting == Waiting(Turn.AUTHOR, NOW + timedelta(days=2), 5)


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (3, 3, 0),
        (3, 4, 1),
        (7, 8, 0),  # Friday to Saturday
        (7, 10, 1),  # Friday to Monday
        (8, 9, 0),
        (3, 17, 10),
        (17, 3, 0),
    ],
)
def test_business_days_are_monday_to_friday(since: int, until: int, days: int) -> None:
    assert business_days(NOW.replace(day=since), NOW.replace(day=until)) == days


@given(st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1)), st.integers(0, 900))  # noqa: DTZ001
def test_business_days_are_counted_one_by_one(since: datetime, days: int) -> None:
    until = since + timedelta(days=days)
    each = (since + timedelta(days=day) for day in range(1, days + 1))
    assert business_days(since, until) == sum(day.weekday() < 5 for day in each)


@pytest.mark.parametrize(
    "said",
    [
        "Applied.",
        "Applied, thanks!",
        "Thanks, applied.",
        "Thanks! Applied to nvdimm/next",
        "Looks good, applied for v6.3.",
        "Series applied to libnvdimm-for-next:",
        "Reviewed and applied to nvdimm.git (libnvdimm-for-next)",
        "Queued for 6.19.",
        "I've applied this series to mm.git",
        "Hi Ana,\n\nApplied to https://git.example/mm, thanks!",
        "This patch was applied to mm/mm.git (main)\nby Mia:",
        "The pull request you sent on Monday:\n\n> git://x\n\nhas been merged into torvalds/linux.git:\nhttps://x.example",
        "Patches 1-3 applied, thanks",
        "Pulled, thanks.",
        "Picked up\nhttps://git.example",
    ],
)
def test_maintainers_say_in_many_ways_that_they_have_applied_it(said: str) -> None:
    assert says_applied(said)


@pytest.mark.parametrize(
    "said",
    [
        "This should be applied to stable.",
        "It can't be applied to mm.",
        "I applied all your suggestions in v4.",
        "With this patch applied, it boots.",
        "Applied on top of v6.18, and it does not boot.",
        "Once applied, please tell me.",
        "Pulled my hair out over this.",
        "Has this been merged?",
        "I'll fix it when applying.",
        "[If your patch is applied to the wrong git tree, kindly drop us a note.",
        "[cannot apply to akpm-mm/mm-everything]",
    ],
)
def test_who_speaks_of_applying_has_not_applied_it(said: str) -> None:
    assert not says_applied(said)


def says_applied(said: str) -> set[int]:
    patch = read_one(compose("[PATCH] a", 1, "Log.\n"))
    reply = read_one(compose("Re: [PATCH] a", 2, said, "Mia <mia@m.example>", in_reply_to="<m1@sample.example>"))
    return applied_parts(reply, patch, group([patch])[0])


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("Applied, thanks!", {2}),
        ("Series applied, thanks!", {1, 2, 3}),
        ("Applied, thanks!\n\n[1/3] a\n      commit: 01\n[2/3] b\n      (no commit info)\n[3/3] c\n      commit: 02\n", {1, 3}),
        ("This series was applied to x/y.git (main)\n\n  - [net-next,v2,1/3] a\n    https://g.example\n", {1}),
    ],
)  # fmt: skip
def test_which_patches_were_applied(said: str, parts: set[int]) -> None:
    mails = [read_one(compose(f"[PATCH {part}/3] {part}", part, "Log.\n", references="<root@b.example>")) for part in (1, 2, 3)]  # fmt: skip
    reply = read_one(compose("Re: x", 9, said, "Mia <mia@m.example>", in_reply_to="<m2@sample.example>"))
    assert applied_parts(reply, mails[1], group(mails)[0]) == parts


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("NAK.", "NACK"),
        ("Sorry, NACK: it breaks things", "NACK"),
        ("Thank you for the patch but NAK.", "NACK"),
        ("pw-bot: cr", "pw-bot: cr"),
        ("Wrong tree.\npw-bot: changes-requested", "pw-bot: changes-requested"),
        ("Please resend with the tags.", "please resend"),
        ("Could you please rebase\nthis?", "please rebase"),
        ("Please send a v3.", "please send a v3"),
        ("This needs a respin.", "please respin"),
        ("Can you split this up?", "please split this"),
        ("This is not a NAK.", ""),
        ("I don't have a NACK on what you wrote", ""),
        ("I will resend it, please wait.", ""),
        ("Will fix on respin.", ""),
        ("Nacked-by: is a tag", ""),
    ],
)
def test_how_reviewers_ask_for_changes(said: str, words: str) -> None:
    assert asks_for_changes(said) == words
