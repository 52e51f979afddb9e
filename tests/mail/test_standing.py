"""How a posting stood at a moment: what anybody would have found who put it together then."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, pairwise

import pytest

from chatbot.mail.bots import Bots
from chatbot.mail.grouping import group, pull_requests
from chatbot.mail.lineage import lineages
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.review import answers
from chatbot.mail.standing import Standing
from chatbot.mail.standings import standings
from chatbot.mail.state import State, Turn, status
from tests.conftest import NOON, TESTS, compose, read_one, thread

PEOPLE = People(bots=Bots.parse('[[bots]]\nbot = "robots"\nkind = "notice"\naddress = "*@robots.example"\n', "rules"))
SITUATIONS = sorted(
    path.stem
    for path in (TESTS / "mails").glob("*.mbox")
    if path.stem.startswith(("state-", "series-", "tags-", "lineage-", "questions-", "changed-"))
)


def standing_of(mails: Sequence[Mail]) -> dict[str, Standing]:
    """Of these mails alone, by the heads."""
    pairs = tuple(answers(mails))
    found = chain.from_iterable(
        standings(lineage, pairs, PEOPLE) for lineage in (*lineages(group(mails)), *lineages(pull_requests(mails)))
    )
    return {one.mail: one for one in found}


def moments(mails: Sequence[Mail]) -> list[datetime]:
    """Those of the mails, between any two of them, and long after the last; but for when a posting is on its way, of
    which nobody knows yet what it is.
    """
    times = sorted({mail.received for mail in mails})
    between = [one + (other - one) / 2 for one, other in pairwise(times)]
    posted = [mail.received for mail in mails if mail.patch]
    return [
        moment
        for moment in (*times, *between, times[-1] + timedelta(days=8), times[-1] + timedelta(days=200))
        if not any(moment < time < moment + timedelta(hours=1) for time in posted)
    ]


def check(mails: Sequence[Mail]) -> int:
    """At each moment, of each posting that there was; how many of them were compared."""
    whole, compared = standing_of(mails), 0
    for moment in moments(mails):
        then = standing_of([mail for mail in mails if mail.received <= moment])
        for head, one in then.items():
            found = whole[head].at(moment)
            assert status(found, moment) == status(one, moment), (head, moment)
            assert (found.missing, found.newest, found.remarks) == (one.missing, one.newest, one.remarks)
            assert found.at(moment) == found
            compared += 1
    return compared


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_posting_stood_as_anybody_would_have_found_it_then(name: str) -> None:
    mails = sorted(thread(name), key=lambda mail: mail.received)
    assert check(mails) > 1


SAID = (
    "NAK.\n",
    "Please rebase.\n",
    "Why?\n",
    "Reviewed-by: {who}\n",
    "Acked-by: {who}\n\nBut why?\n",
    "Applied, thanks!\n",
    "Series applied, thanks.\n",
    "Will do.\n",
)
PERSONS = ("Ana <ana@a.example>", "Bo <bo@b.example>", "Mia <mia@m.example>", "Robot <r@robots.example>")


def conversation(chance: random.Random) -> list[Mail]:
    """Two versions of a series, with what anybody may say below any of their mails; once a day or so."""
    mails: list[Mail] = []
    for version in range(1, chance.randint(1, 3) + 1):
        tag, total = f"PATCH v{version}" if version > 1 else "PATCH", chance.randint(1, 3)
        own: list[Mail] = []
        for part in range(total + 1):
            above = {"in_reply_to": f"<{own[0].message_id}>"} if own else {}
            own.append(read_one(compose(f"[{tag} {part}/{total}] it", 100 * version + part, "Log.\n", **above)))
        start = NOON + timedelta(hours=len(mails) * 20)
        mails += [replace(mail, received=start + timedelta(minutes=number)) for number, mail in enumerate(own)]
        for number in range(chance.randint(0, 8)):
            above_it, who = chance.choice(mails), chance.choice(PERSONS)
            said = chance.choice(SAID).format(who=who)
            data = compose("Re: it", 100 * version + 50 + number, said, who, in_reply_to=f"<{above_it.message_id}>")
            mails.append(replace(read_one(data), received=NOON + timedelta(hours=len(mails) * 20)))
    return mails


@pytest.mark.parametrize("seed", range(60))
def test_so_it_is_whatever_is_said_in_whatever_order(seed: int) -> None:
    assert check(conversation(random.Random(seed))) > 1


def test_so_it_is_where_a_patch_that_was_approved_is_sent_anew() -> None:
    told = (
        ("[PATCH 0/2] all", "Text.\n", PERSONS[0], 0),
        ("[PATCH 1/2] a", "Log.\n", PERSONS[0], 1),
        ("[PATCH 2/2] b", "Log.\n", PERSONS[0], 1),
        ("Re: a", "Acked-by: Bo <bo@b.example>\n", PERSONS[1], 2),
        ("Re: b", "Acked-by: Bo <bo@b.example>\n", PERSONS[1], 3),
        ("[PATCH v2 1/2] a", "Another log.\n", PERSONS[0], 2),
    )
    mails = [
        replace(read_one(compose(subject, day, body, who, in_reply_to=f"<m{above}@sample.example>")), received=NOON + timedelta(days=day))
        for day, (subject, body, who, above) in enumerate(told, 1)
    ]  # fmt: skip
    assert check(mails) > 1


def test_a_patch_is_there_from_when_it_came_and_not_with_its_cover() -> None:
    mails = [
        replace(read_one(compose(f"[PATCH {part}/2] a", part, "Log.\n", in_reply_to=above)), received=NOON + timedelta(days=part))
        for part, above in ((0, ""), (1, "<m0@sample.example>"), (2, "<m0@sample.example>"))
    ]  # fmt: skip
    one = standing_of(mails)["m0@sample.example"]
    assert [one.at(NOON + timedelta(days=day)).missing for day in (-9, 0, 1, 2)] == [(1, 2), (1, 2), (2,), ()]
    assert one.newest == NOON + timedelta(days=2)


def test_what_closed_it_later_does_not_close_it_before() -> None:
    mails = [
        read_one(compose("[PATCH] a", 1, "Log.\n")),
        replace(read_one(compose("Re: a", 2, "Acked-by: Bo <bo@b.example>\n", PERSONS[1], in_reply_to="<m1@sample.example>")), received=NOON + timedelta(days=1)),
        replace(read_one(compose("Re: a", 3, "Applied, thanks!\n", PERSONS[2], in_reply_to="<m1@sample.example>")), received=NOON + timedelta(days=2)),
        replace(read_one(compose("[PATCH v2] a", 4, "Log.\n")), received=NOON + timedelta(days=3)),
    ]  # fmt: skip
    one = standing_of(mails)["m1@sample.example"]
    told = [status(one.at(NOON + timedelta(days=day)), NOON + timedelta(days=day)) for day in range(4)]
    assert [each.state for each in told] == [State.NEW, State.REVIEWED, State.APPLIED, State.APPLIED]
    assert [each.waiting and each.waiting.on for each in told] == [Turn.REVIEWERS, Turn.MAINTAINER, None, None]
    assert [each.superseded_by for each in told] == ["", "", "", "m4@sample.example"]
